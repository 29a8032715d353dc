"""Commits that are taken only from some: real keys of OpenSSH and GnuPG."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror, Origin, make_mirror
from orchestrator.repository.signers import Signers, fingerprint
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_remote, make_repository

pytestmark = pytest.mark.integration


class _Ground:
    """A repository whose commits are signed by Ada, or by somebody else, and our clone of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = make_repository(root / "work")
        remote = make_remote(root / "remote.git", of=self.work)
        origin = Origin(url=remote.as_uri(), author="agent", mail="agent@example.org")
        self.settings = Settings.read()
        self.mirror: Mirror = make_mirror(root / "mirror", origin, self.settings)

    def ssh_key(self, name: str) -> Path:
        """Make a key, and return the file with its private half."""
        key = self.root / name
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
        subprocess.run(words, check=True)
        return key

    def allow(self, key: Path, who: str = "ada@example.org") -> Signers:
        """Return the list that has this key alone."""
        file = self.root / "signers"
        file.write_text(f"{who} {key.with_suffix('.pub').read_text()}", encoding="utf-8")
        return Signers(ssh=file)

    def push(self, *settings: str) -> str:
        """Commit something, signed as ``settings`` say, and push it."""
        commit_file(self.work, "file", os.urandom(8).hex())
        commit = git(self.work, *settings, "commit", "--quiet", "--amend", "--no-edit") or "HEAD"
        git(self.work, "push", "--quiet", "--force", "origin", "main")
        return git(self.work, "rev-parse", commit)

    def take(self, signers: Signers) -> str:
        """Fetch, and take what came, if it is signed; return who did."""
        revision = self.mirror.fetch("main", patience=60, stop=Stop())
        return self.mirror.accept("main", revision, signers, self.settings)


@pytest.fixture
def ground(tmp_path: Path) -> _Ground:
    """Return a repository and a clone of it."""
    return _Ground(tmp_path)


def _by_ssh(key: Path) -> tuple[str, ...]:
    signing = ("gpg.format=ssh", f"user.signingKey={key}", "commit.gpgSign=true")
    return tuple(word for each in signing for word in ("-c", each))


def test_only_a_key_of_the_list_counts(ground: _Ground) -> None:
    """A commit without a signature, and one of a key that nobody allowed, are not taken."""
    ada, eve = ground.ssh_key("ada"), ground.ssh_key("eve")
    signers = ground.allow(ada)
    with pytest.raises(RepositoryError, match="not signed by anybody"):
        ground.take(signers)
    ground.push(*_by_ssh(eve))
    with pytest.raises(RepositoryError, match="not signed by anybody"):
        ground.take(signers)
    ground.push(*_by_ssh(ada))
    assert ground.take(signers) == "ada@example.org"
    ground.push("-c", "commit.gpgSign=false")
    with pytest.raises(RepositoryError, match="not signed by anybody"):
        ground.take(signers)


def test_what_was_signed_once_does_not_come_back(ground: _Ground) -> None:
    """Who may push, but not sign, cannot have an old signed commit applied again; a commit on top can go back."""
    ada = ground.ssh_key("ada")
    signers = ground.allow(ada)
    old = ground.push(*_by_ssh(ada))
    ground.take(signers)
    ground.push(*_by_ssh(ada))
    ground.take(signers)
    git(ground.work, "push", "--quiet", "--force", "origin", f"{old}:main")
    with pytest.raises(RepositoryError, match="does not lead on from"):
        ground.take(signers)


def test_a_list_is_another_one_once_a_key_came_or_went(ground: _Ground) -> None:
    """Whoever took a commit by a list can tell that it has to be asked anew; a file that is gone is another list."""
    signers = ground.allow(ground.ssh_key("ada"))
    before = fingerprint(signers)
    assert fingerprint(ground.allow(ground.root / "ada")) == before
    assert fingerprint(Signers(gpg=signers.ssh)) != before
    after = fingerprint(ground.allow(ground.ssh_key("eve")))
    assert after != before
    (ground.root / "signers").unlink()
    assert fingerprint(signers) not in {before, after}


def test_what_leads_to_an_accepted_commit_is_accepted_too(ground: _Ground) -> None:
    """The tip vouches for all of its history, and for nothing else that happens to be in the clone."""
    ada = ground.ssh_key("ada")
    signers = ground.allow(ada)
    first = git(ground.work, "rev-parse", "HEAD")
    assert not ground.mirror.accepted("main", first)
    tip = ground.push(*_by_ssh(ada))
    ground.take(signers)
    beside = ground.push("-c", "commit.gpgSign=false")
    ground.mirror.fetch("main", patience=60, stop=Stop())
    found = {each: ground.mirror.accepted("main", each) for each in (tip, f"{tip}^", beside)}
    assert found == {tip: True, f"{tip}^": True, beside: False}
    assert not ground.mirror.accepted("other", tip)


def test_keys_of_gnupg_count_too(ground: _Ground) -> None:
    """So do OpenPGP's keys, those of the list alone, and not those that the user has."""
    home = ground.root / "gnupg"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def gpg(*words: str) -> bytes:
        command = (
            "gpg",
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
            *words,
        )
        return subprocess.run(command, env=environment, check=True, capture_output=True).stdout

    try:
        for who in ("Ada <ada@example.org>", "Eve <eve@example.org>"):
            gpg("--quick-generate-key", who, "ed25519", "sign", "never")
        (ground.root / "ada.asc").write_bytes(gpg("--armor", "--export", "ada@example.org"))
        script = ground.root / "sign"
        script.write_text(f'#!/bin/sh\nGNUPGHOME={home} exec gpg "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        signers = Signers(gpg=ground.root / "ada.asc")
        signing = ("-c", f"gpg.program={script}", "-c", "commit.gpgSign=true")
        ground.push(*signing, "-c", "user.signingKey=eve@example.org")
        with pytest.raises(RepositoryError, match="not signed by anybody"):
            ground.take(signers)
        ground.push(*signing, "-c", "user.signingKey=ada@example.org")
        assert ground.take(signers) == "Ada <ada@example.org>"
    finally:
        subprocess.run(("gpgconf", "--kill", "all"), env=environment, check=False)


def test_a_list_that_is_not_there_lets_nobody_in(ground: _Ground) -> None:
    """A file that was forgotten, or is empty, is no permission."""
    ground.push(*_by_ssh(ground.ssh_key("ada")))
    with pytest.raises(RepositoryError, match="is not there"):
        ground.take(Signers(ssh=ground.root / "missing"))
    empty = ground.root / "empty"
    empty.touch()
    with pytest.raises(RepositoryError, match="not signed by anybody"):
        ground.take(Signers(ssh=empty))
