"""Many questions about objects by one program: they are answered as by a program for each."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen

import pytest

from orchestrator.repository.git import BATCH, Git, find_checkout
from orchestrator.repository.objects import identify, read_objects
from orchestrator.repository.readers import Gone, Reader
from tests.git import git


class _BrokenOff(BaseException):
    """Something that ends whatever is being done."""


def _both(repository: Git, names: Sequence[str]) -> tuple[object, object]:
    return read_objects(repository, names), identify(repository, names)


def _children() -> set[int]:
    task = Path(f"/proc/{os.getpid()}/task")
    return {int(child) for file in task.glob("*/children") for child in file.read_text().split()}


def test_answers_are_those_of_a_program_for_each_question(checkout: Path) -> None:
    """Content, missing ones, a ref that moves meanwhile, and an object that is packed meanwhile."""
    (checkout / "data").write_bytes(b"one\ntwo 2 3\n\0three missing\n")
    (checkout / "empty").write_bytes(b"")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "Data")
    repository = Git(find_checkout(checkout))
    names = (
        "HEAD",
        "HEAD:data",
        "no such 12",
        "HEAD:empty",
        "HEAD:nowhere",
        "HEAD^{tree}",
        "f" * 40,
    )
    before = _both(repository, names)
    with repository.kept_running():
        assert _both(repository, names) == before
        git(checkout, "commit", "--allow-empty", "-qm", "Next")
        git(checkout, "update-ref", "refs/other/one", "HEAD")
        moved = _both(repository, (*names, "refs/other/one"))
        git(checkout, "gc", "-q", "--prune=now")
        assert _both(repository, (*names, "refs/other/one")) == moved
    assert moved[0] != before[0]
    assert _both(repository, (*names, "refs/other/one")) == moved


def test_a_name_of_two_lines_is_no_later_answer(checkout: Path) -> None:
    """Git takes it for two questions; a pattern of manifests may find a file that is called so."""
    repository = Git(find_checkout(checkout))
    with repository.kept_running():
        identify(repository, ("HEAD:a\nHEAD",))
        assert identify(repository, ("nope", "HEAD")) == ("", git(checkout, "rev-parse", "HEAD"))


def test_any_number_of_questions_is_answered(checkout: Path) -> None:
    """More than fits into a pipe, of which none may wait for room in the other."""
    (checkout / "large").write_bytes(b"x" * 100_000)
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "Large")
    repository = Git(find_checkout(checkout))
    names = [f"HEAD:{'large' if number % 100 == 0 else 'no-such-file'}" for number in range(9_000)]
    with repository.kept_running():
        found = read_objects(repository, names)
    assert [each is not None for each in found] == [name == "HEAD:large" for name in names]


def test_one_program_answers_and_ends_with_the_block(checkout: Path) -> None:
    """Also where one block is within another."""
    repository, before = Git(find_checkout(checkout)), _children()
    with repository.kept_running():
        with repository.kept_running():
            read_objects(repository, ("HEAD",))
        started = _children() - before
        read_objects(repository, ("HEAD^{tree}",))
        assert _children() - before == started
        assert len(started) == 1
    assert not _children() - before
    assert read_objects(repository, ("HEAD",))[0]


def test_when_it_is_killed_others_answer(checkout: Path) -> None:
    """Nobody who asks sees anything of it."""
    repository, before = Git(find_checkout(checkout)), _children()
    with repository.kept_running():
        expected = read_objects(repository, ("HEAD",))
        (started,) = _children() - before
        os.kill(started, signal.SIGKILL)
        assert read_objects(repository, ("HEAD",)) == expected
        assert read_objects(repository, ("HEAD",)) == expected


def test_what_was_not_read_is_no_later_answer(checkout: Path) -> None:
    """One who is broken off in the middle leaves nothing for whoever asks next."""

    def broken_off(_line: bytes) -> int:
        raise _BrokenOff

    def start() -> "Popen[bytes]":
        argv = ("git", "cat-file", BATCH)
        return Popen(argv, cwd=checkout, stdin=-1, stdout=-1, stderr=-1)

    reader = Reader(start, broken_off)
    with pytest.raises(_BrokenOff):
        reader.ask(("HEAD", "HEAD"))
    with pytest.raises(Gone):
        reader.ask(("HEAD",))


def test_settings_are_asked_for_once(checkout: Path) -> None:
    """They are asked for anew after the block."""
    repository = Git(find_checkout(checkout))
    with repository.kept_running():
        assert repository.asked("remote").stdout == b""
        git(checkout, "remote", "add", "origin", "nowhere")
        assert repository.asked("remote").stdout == b""
    assert repository.asked("remote").stdout == b"origin\n"
