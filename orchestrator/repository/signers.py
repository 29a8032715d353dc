"""Who signed a commit: Git asks GnuPG or OpenSSH, which know the keys of an allow-list and no others.

The files are checked by nobody but those programs (git-verify-commit(1), ssh-keygen(1) on allowed signers).
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RepositoryError
from orchestrator.processes import Command, Limits, ProgramMissing, run
from orchestrator.repository.git import Git
from orchestrator.settings import Settings

_SSH = re.compile(r'^Good "git" signature for (?P<who>\S+) with', re.MULTILINE)
_GPG = re.compile(r"^\[GNUPG:\] GOODSIG \w+ (?P<who>.+)$", re.MULTILINE)
_LIMITS = Limits(timeout=60.0)
_NOBODY = Path("/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Whose signatures count: a file of OpenSSH's allowed signers, a file of OpenPGP public keys, or both."""

    ssh: Path | None = None
    gpg: Path | None = None


def fingerprint(signers: Signers) -> str:
    """Return what identifies an allow-list as its files say it now: another one once a key came, or went."""
    found = hashlib.sha256()
    for file in (signers.ssh, signers.gpg):
        try:
            content = file.read_bytes() if file is not None else b""
        except OSError:
            content = b"absent"
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()


def check_signed(git: Git, commit: str, signers: Signers, settings: Settings) -> str:
    """Return who signed a commit; raises RepositoryError when that is nobody of the allow-list."""
    for file in (signers.ssh, signers.gpg):
        if file is not None and not file.is_file():
            raise RepositoryError(f"the list of signers {file} is not there")
    with _keyring(signers.gpg, settings) as home:
        ended = git.attempt(
            "-c", f"gpg.ssh.allowedSignersFile={signers.ssh or _NOBODY}",
            "-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.ssh.revocationFile=",
            "-c", "gpg.program=gpg", "-c", "gpg.openpgp.program=gpg", "-c", "gpg.x509.program=false",
            "-c", "gpg.minTrustLevel=undefined",
            "verify-commit", "--raw", commit,
            variables={"GNUPGHOME": str(home), "LC_ALL": "C"},
        )  # fmt: skip
    if ended.code != 0:
        raise RepositoryError(
            f"{commit[:10]} is not signed by anybody whose commits are taken",
            hint="sign it with a key of the list, or have its key added there; see git verify-commit",
            detail=ended.stderr.strip(),
        )
    found = _SSH.search(ended.stderr) or _GPG.search(ended.stderr)
    return found["who"] if found else ""


@contextmanager
def _keyring(keys: Path | None, settings: Settings) -> Iterator[Path]:
    """Give a home of GnuPG's that has these keys alone, and nothing once the block is over."""
    home = Path(tempfile.mkdtemp(prefix="orchestrator-keys-"))
    try:
        if keys is not None:
            _import(keys, home, settings)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _import(keys: Path, home: Path, settings: Settings) -> None:
    words = ("--batch", "--quiet", "--no-autostart", "--homedir", str(home), "--import", str(keys))
    environment = {"PATH": settings.search_path, "LC_ALL": "C"}
    try:
        done = run(
            Command(argv=("gpg", *words), directory=home, environment=environment), limits=_LIMITS
        )
    except ProgramMissing as error:
        hint = "install GnuPG, or use keys of OpenSSH"
        raise RepositoryError("gpg cannot be run", hint=hint) from error
    if done.code != 0:
        message = f"the keys of {keys} cannot be read"
        raise RepositoryError(message, detail=done.stderr.strip())
