"""A clone of our own of somebody's repository: without a checkout, told by nobody's settings but ours.

What is shown to the remote is read from files when it is asked for, so that it may rotate, and stands in no
address, no argument and no variable.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RepositoryError, StorageError, storage_error
from orchestrator.plans.plan import Revision
from orchestrator.processes import Command, ProgramMissing, Stop, run
from orchestrator.repository.git import Git, Patience, find_checkout
from orchestrator.repository.leftovers import remove_leftovers
from orchestrator.repository.library import not_found
from orchestrator.repository.repository import Repository
from orchestrator.repository.signers import Signers, check_signed
from orchestrator.repository.troubles import UNREADABLE, fetch_trouble
from orchestrator.settings import Settings

_REMOTE = "origin"
_ACCEPTED = "refs/orchestrator-agent/accepted"
_PRIVATE = 0o700
_PARTS = ("HEAD", "objects", "refs", "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a repository is, and what is shown there; ``author`` is as whom records are written."""

    url: str
    author: str
    mail: str
    username: str = ""
    password_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None


def make_mirror(directory: Path, origin: Origin, settings: Settings) -> "Mirror":
    """Make a clone, or give one its settings where they differ; nothing is fetched.

    What a process left behind that was killed is no hindrance: half a clone, and Git's lock files.
    Raises StorageError, RepositoryError.
    """
    try:
        directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error) from error
    remove_leftovers(directory / ".git")
    if not all((directory / ".git" / part).exists() for part in _PARTS):
        _init(directory, settings)
    mirror = Mirror(directory)
    mirror.configure(origin)
    return mirror


class Mirror:
    """A clone that an agent keeps; several processes may use it at once."""

    def __init__(self, directory: Path) -> None:
        """Open it; raises UsageError when there is none."""
        checkout = find_checkout(directory)
        self.repository, self._git = Repository(checkout), Git(checkout)

    def configure(self, origin: Origin) -> None:
        """Write down where it comes from, what is shown there, and who writes records, where it is not there yet."""
        there = self._configured()
        for key, values in _settings(origin).items():
            if there.get(key.lower(), ()) == values:
                continue
            self._git.attempt("config", "--local", "--unset-all", key)  # it may not be there
            for value in values:
                self._git.run("config", "--local", "--add", key, value)

    def _configured(self) -> Mapping[str, tuple[str, ...]]:
        """Return what is written down, by keys in lower case."""
        said = os.fsdecode(self._git.run("config", "--local", "--null", "--list"))
        found: dict[str, tuple[str, ...]] = {}
        for key, _, value in (each.partition("\n") for each in said.split("\0")):
            found[key] = (*found.get(key, ()), value)
        return found

    def heads(self, refs: Sequence[str], *, patience: float, stop: Stop) -> Mapping[str, str]:
        """Return where these refs stand on the remote, absent ones left out, in one question.

        One that ends in ``/*`` stands for all below it. Raises RepositoryError when it does not answer.
        """
        return self.repository.plumbing(patience=patience, stop=stop).list_remote(_REMOTE, refs)

    def fetch(self, branch: str, *, patience: float, stop: Stop) -> Revision:
        """Fetch a branch and return where it stands now; raises RepositoryError, StorageError."""
        tracking = f"refs/remotes/{_REMOTE}/{branch}"
        ended = self._git.attempt(
            "-c", "gc.autoDetach=false", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--recurse-submodules=no", "--end-of-options", _REMOTE, f"+refs/heads/{branch}:{tracking}",
            patience=Patience(seconds=patience, stop=stop),
        )  # fmt: skip
        if ended.code != 0:
            raise fetch_trouble(_REMOTE, ended, self.repository.root)
        return self.repository.revision(tracking)

    def accept(self, branch: str, revision: Revision, signers: Signers, settings: Settings) -> str:
        """Take a commit that somebody of an allow-list signed, and return who; branches only go forwards then.

        Else who may push, but not sign, could go back to what was signed once. Raises RepositoryError.
        """
        signer = check_signed(self._git, revision.commit, signers, settings)
        ref, plumbing = f"{_ACCEPTED}/{branch}", self.repository.plumbing()
        before = plumbing.list_refs((ref,)).get(ref, "")
        if before and not plumbing.descends(revision.commit, ancestor=before):
            raise RepositoryError(
                f"{branch} does not lead on from {before[:10]}, which was taken last",
                hint="push a signed commit on top of that one; if the history was rewritten on purpose, run"
                f" git update-ref -d {ref} in {self.repository.root}",
            )
        plumbing.move({ref: (before, revision.commit)})
        return signer

    def accepted(self, branch: str, commit: str) -> bool:
        """Whether a commit is one that ``accept`` took, or in the history of that."""
        ref, plumbing = f"{_ACCEPTED}/{branch}", self.repository.plumbing()
        taken = plumbing.list_refs((ref,)).get(ref, "")
        return bool(taken) and plumbing.descends(taken, ancestor=commit) is True


def _init(directory: Path, settings: Settings) -> None:
    environment = {**settings.environment, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    argv = ("git", "init", "--quiet", "--template=", "--initial-branch=none", str(directory))
    try:
        done = run(Command(argv=argv, directory=directory, environment=environment))
    except ProgramMissing as error:
        raise not_found() from error
    if done.code != 0:
        raise StorageError(f"cannot make a clone at {directory}", detail=done.stderr.strip())


def _settings(origin: Origin) -> Mapping[str, tuple[str, ...]]:
    return {
        f"remote.{_REMOTE}.url": (origin.url,),
        "user.name": (origin.author,),
        "user.email": (origin.mail,),
        "core.hooksPath": (os.devnull,),
        "credential.helper": _helpers(origin),
        "core.sshCommand": (_ssh(origin),),
    }


def _helpers(origin: Origin) -> tuple[str, ...]:
    """Return what prints the credentials, in place of Git's own helpers; nothing to leave it to those.

    While the file is not there Git is told to give up: for a password that is empty some forges lock an account.
    """
    if origin.password_file is None:
        return ()
    file, user = shlex.quote(str(origin.password_file)), shlex.quote(origin.username or "git")
    missing = shlex.quote(f"{UNREADABLE}{origin.password_file}")
    printing = (
        '!f() { test "$1" = get || exit 0;'
        f' word=$(cat {file}) && test -n "$word" || {{ echo {missing} >&2; echo quit=1; exit 0; }};'
        f' printf "username=%s\\npassword=%s\\n" {user} "$word"; }}; f'
    )
    return "", printing


def _ssh(origin: Origin) -> str:
    words = ["ssh", "-o", "BatchMode=yes"]
    if origin.ssh_key_file:
        words += ["-i", str(origin.ssh_key_file), "-o", "IdentitiesOnly=yes"]
    if origin.known_hosts_file:
        # Neither the machine's list of hosts nor its settings let in any other; the file may be read-only.
        words += ["-o", f"UserKnownHostsFile={origin.known_hosts_file}"]
        words += ["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes"]
        words += ["-o", "UpdateHostKeys=no"]
    return shlex.join(words)
