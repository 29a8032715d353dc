"""What descends from what, where the history may end before it says."""

import shutil
import threading
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git, make_clone, make_remote, make_repository


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    """Return the commits of a repository with a remote, oldest first."""
    root = make_repository(tmp_path / "shop")
    first = git(root, "rev-parse", "HEAD")
    found = [first, *(commit_file(root, "a.txt", f"{number}\n") for number in range(4))]
    make_remote(tmp_path / "remote.git", of=root)
    return found


def shallow(tmp_path: Path, *options: str) -> Path:
    """Return a clone without the history."""
    return make_clone(tmp_path / "remote.git", tmp_path / "clone", "--depth=1", *options)


def test_a_shallow_clone_does_not_take_what_it_cannot_see_for_a_no(
    tmp_path: Path, commits: list[str]
) -> None:
    """That a commit is not there, or not in what is here of a history, says nothing."""
    clone = open_repository(shallow(tmp_path))
    assert clone.descends(commits[-1], ancestor=commits[-1]) is True
    assert clone.descends(commits[-1], ancestor=commits[0]) is None
    assert clone.descends("1" * 40, ancestor=commits[-1]) is None


def test_a_shallow_clone_fetches_what_it_takes_to_tell(tmp_path: Path, commits: list[str]) -> None:
    """With a remote it is a yes or a no, also for a commit that the remote has not; no ref moves."""
    clone = shallow(tmp_path)
    before = git(clone, "for-each-ref")
    repository = open_repository(clone)
    assert repository.descends(commits[-1], ancestor=commits[0], remote="origin") is True
    assert git(clone, "for-each-ref") == before
    shutil.rmtree(clone)
    own = commit_file(shallow(tmp_path), "b.txt", "own\n")
    repository = open_repository(clone)
    assert repository.descends(own, ancestor=commits[1], remote="origin") is True
    assert repository.descends(commits[0], ancestor=own, remote="origin") is False


def test_what_is_beyond_a_commit_is_not_in_its_history(tmp_path: Path, commits: list[str]) -> None:
    """Of commits that nobody has nothing is known."""
    clone = open_repository(make_clone(tmp_path / "remote.git", tmp_path / "whole"))
    assert not clone.beyond(commits[2], ())
    assert not clone.beyond(commits[2], (*commits[:3], "1" * 40))
    assert clone.beyond(commits[2], ("1" * 40, *commits[:4]))


def test_what_a_remote_does_not_give_stays_untold(tmp_path: Path, commits: list[str]) -> None:
    """A remote that is away is no answer."""
    clone = shallow(tmp_path)
    (tmp_path / "remote.git").rename(tmp_path / "gone")
    repository = open_repository(clone)
    assert repository.descends(commits[-1], ancestor=commits[0], remote="origin") is None
    assert repository.bring(commits, remote="origin") == tuple(commits[:-1])


def test_a_whole_history_says_no(tmp_path: Path, commits: list[str]) -> None:
    """Where all of it is here, what is not in it is not before it, and neither is what is nowhere."""
    whole = open_repository(tmp_path / "shop")
    assert whole.descends(commits[0], ancestor=commits[1]) is False
    assert whole.descends(commits[-1], ancestor="1" * 40) is False
    assert whole.descends("1" * 40, ancestor=commits[0]) is None


def test_a_broken_history_is_an_error(tmp_path: Path, commits: list[str]) -> None:
    """That Git fails is told, and no answer."""
    root = tmp_path / "shop"
    (root / ".git" / "objects" / commits[2][:2] / commits[2][2:]).unlink()
    with pytest.raises(RepositoryError, match="git merge-base failed"):
        open_repository(root).descends(commits[-1], ancestor=commits[0])


def test_commits_are_brought_with_their_files_alone(tmp_path: Path, commits: list[str]) -> None:
    """A revision that was applied is read, and exported, in a clone that was made without it."""
    clone = shallow(tmp_path)
    repository = open_repository(clone)
    assert repository.bring(["1" * 40, commits[1], commits[2]], remote="origin") == ("1" * 40,)
    assert git(clone, "show", f"{commits[1]}:a.txt") == "0"
    assert git(clone, "rev-list", "--count", "HEAD") == "1"
    tree = repository.export(repository.revision(commits[2]))
    assert (tree / "a.txt").read_text(encoding="utf-8") == "1\n"


def test_an_earlier_revision_is_fetched_when_it_is_needed(
    tmp_path: Path, commits: list[str]
) -> None:
    """What removes a module reads the source that made it, which a pipeline's clone lacks."""
    repository = open_repository(shallow(tmp_path))
    tree = repository.export(Revision(commit=commits[1]))
    assert (tree / "a.txt").read_text(encoding="utf-8") == "0\n"


def test_a_fetch_waits_for_another_one_at_the_end_of_the_history(
    tmp_path: Path, commits: list[str]
) -> None:
    """Git gives up at once where another process writes that file; one that stays is named, and is not the remote's."""
    clone = shallow(tmp_path)
    lock = clone / ".git" / "shallow.lock"
    lock.touch()
    passing = threading.Timer(0.5, lock.unlink)
    passing.start()
    plumbing = open_repository(clone).plumbing(patience=30)
    assert plumbing.fetch("origin", ("refs/heads/main",), depth=3)
    assert plumbing.log("HEAD", limit=9) == tuple(commits[:1:-1])
    lock.touch()
    with pytest.raises(RepositoryError, match=f"the lock file {lock} is in the way") as stays:
        open_repository(clone).plumbing(patience=0.4).fetch("origin", ("refs/heads/main",), depth=4)
    assert "remote" not in stays.value.hint
