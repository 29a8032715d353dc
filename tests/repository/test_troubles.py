"""What Git says when it fails, as messages with hints."""

import signal
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError, StorageError
from orchestrator.repository.troubles import Ended, fetch_trouble, local_trouble, remote_trouble

ROOT = Path("/srv/shop")


def test_a_key_that_is_not_there_is_told_from_one_that_is_refused() -> None:
    """SSH warns of it, and then asks without."""
    said = "Warning: Identity file /keys/id not accessible: No such file or directory."
    trouble = remote_trouble("origin", f"{said}\ngit@example.org: Permission denied (publickey).")
    assert trouble.message == "the key file /keys/id is not there, cannot be read, or is empty"
    other = remote_trouble("origin", "git@example.org: Permission denied (publickey).")
    assert "does not accept the credentials" in other.message


@pytest.mark.parametrize(
    "stderr",
    [
        "error: unable to write file main.tf: No space left on device\nfatal: cannot store index",
        "fatal: write error: Disk quota exceeded",
    ],
)
def test_a_full_disk_is_a_storage_error(stderr: str) -> None:
    """A disk or quota that is full is told apart from Git's own refusals."""
    trouble = local_trouble("read-tree", _ended(stderr), ROOT)
    assert isinstance(trouble, StorageError)
    assert trouble.message == "the disk is full"


@pytest.mark.parametrize(
    "stderr", ["error: unable to write file main.tf", "fatal: unable to write new index file"]
)
def test_what_git_could_not_write_is_a_storage_error(stderr: str) -> None:
    """Git often keeps to itself why it could not write; the disk is what to look at."""
    trouble = local_trouble("read-tree", _ended(stderr), ROOT)
    assert isinstance(trouble, StorageError)
    assert trouble.message == f"git could not write: {stderr.partition(': ')[2]}"
    assert "disk has room" in trouble.hint


def test_a_file_size_limit_is_a_storage_error() -> None:
    """The signal that ends a program at its file size limit says nothing, and is translated."""
    ended = Ended(code=-signal.SIGXFSZ, stdout=b"", stderr="")
    assert isinstance(local_trouble("read-tree", ended, ROOT), StorageError)


@pytest.mark.parametrize(
    ("stderr", "message", "hint"),
    [
        (
            "warning: something\nerror: less\nfatal: cannot lock ref 'refs/heads/x'",
            "git update-ref failed: cannot lock ref 'refs/heads/x'",
            "another Git process is at work",
        ),
        ("fatal: bad object", "git update-ref failed: bad object", ""),
        (
            "error: insufficient permission for adding an object",
            "git update-ref failed: insufficient permission for adding an object",
            "may write to the repository's .git",
        ),
        ("", "git update-ref failed: no reason given", ""),
    ],
)
def test_other_failures_keep_the_decisive_line(stderr: str, message: str, hint: str) -> None:
    """The line with Git's reason is the message, all of it the detail."""
    trouble = local_trouble("update-ref", _ended(stderr), ROOT)
    assert trouble.message == message
    assert hint in trouble.hint
    assert trouble.detail == stderr


def test_a_signal_is_named() -> None:
    """A Git that was killed said nothing; the signal is what is known."""
    trouble = local_trouble("status", Ended(code=-9, stdout=b"", stderr=""), ROOT)
    assert trouble.message == "git status failed: signal 9"


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "does not accept the",
        ),
        (
            "git@h: Permission denied (publickey).\nfatal: Could not read from remote",
            "does not accept the",
        ),
        (
            "fatal: Authentication failed for 'https://u:pw@h/shop'",
            "does not accept the credentials",
        ),
        (
            "fatal: unable to access 'https://h/': Could not resolve host: h",
            "does not answer: unable to",
        ),
        (
            "ssh: connect to host h port 22: Connection refused\r\nfatal: Could not read from remote repository.",
            "does not answer: ssh: connect to host h port 22: Connection refused",
        ),
        (
            " ! [remote rejected] abc -> refs/x (pre-receive hook declined)",
            "refused the push: pre-receive",
        ),
        ("remote: error: GH006: Protected ref update failed", "refused the push"),
    ],
)
def test_a_remote_that_fails_is_explained(stderr: str, message: str) -> None:
    """Refused, not allowed and not reachable are three different things, each with what to do."""
    trouble = remote_trouble("origin", stderr)
    assert isinstance(trouble, RepositoryError)
    assert trouble.message.startswith(f"the remote origin {message}")
    assert trouble.hint
    assert "pw" not in trouble.detail


def test_a_host_that_is_not_known_has_nothing_to_do_with_credentials() -> None:
    """What is to be done is to find out whether it is the right one."""
    said = "No ED25519 host key is known for h and you have requested strict checking."
    trouble = remote_trouble(
        "origin", f"{said}\nHost key verification failed.\nfatal: Could not read"
    )
    assert trouble.message == f"the host of origin is not known: {said}"
    assert "known_hosts_file" in trouble.hint
    bare = remote_trouble(
        "origin", "Host key verification failed.\nfatal: Could not read from remote"
    )
    assert bare.message == "the host of origin is not known: Host key verification failed."


def _ended(stderr: str) -> Ended:
    return Ended(code=128, stdout=b"", stderr=stderr)


def test_a_lock_file_is_named_with_what_to_do_about_it() -> None:
    """Git tells in many words that one is there; the file is what people need."""
    said = "fatal: prepare: cannot lock ref 'refs/x': Unable to create '/srv/a shop/.git/refs/x.lock': File exists."
    trouble = local_trouble("update-ref", _ended(said), ROOT)
    assert (
        trouble.message
        == "git update-ref failed: the lock file /srv/a shop/.git/refs/x.lock is in the way"
    )
    assert trouble.hint.endswith(
        "if there is none, one crashed and left it: rm '/srv/a shop/.git/refs/x.lock'"
    )


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("error: cannot lock ref 'refs/remotes/origin/main': is at 1", "git fetch failed: cannot"),
        ("fatal: write error: No space left on device", "the disk is full"),
        (
            "remote: error: cannot lock ref 'x'\nfatal: it hung up",
            "the remote origin does not answer",
        ),
        ("fatal: unable to access 'http://x/': refused", "the remote origin does not answer"),
    ],
)
def test_a_fetch_fails_here_or_there(stderr: str, message: str) -> None:
    """What cannot be written in the clone is no trouble of the remote."""
    assert fetch_trouble("origin", _ended(stderr), ROOT).message.startswith(message)
