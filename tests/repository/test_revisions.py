"""Which commit a name stands for, and what the working tree holds beyond it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.repository.repository import Repository, open_repository
from tests.git import commit_file, git, make_clone, make_remote


def test_a_revision_has_its_commit_and_subject(checkout: Path) -> None:
    """A subject is the first paragraph of the message on one line, as git log shows it."""
    commit = commit_file(checkout, "a.txt", "a\n", subject="Add a,\nin two lines\n\nAnd a body")
    revision = open_repository(checkout).revision()
    assert (revision.commit, revision.subject) == (commit, "Add a, in two lines")
    assert not revision.dirty


def test_a_commit_has_an_author(checkout: Path) -> None:
    """Of a merge it is who wrote what it brings; in a clone that has not that commit nobody knows."""
    author = "Katherine Johnson <katherine@example.org>"
    git(checkout, "switch", "--quiet", "--create", "change")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "Add a", "--author", author)
    git(checkout, "switch", "--quiet", "main")
    repository = open_repository(checkout)
    assert repository.author(repository.revision()) == "Ada Lovelace <ada@example.org>"
    assert repository.author(repository.revision("change")) == author
    git(checkout, "merge", "--quiet", "--no-ff", "--no-edit", "change")
    assert repository.author(repository.revision()) == author
    shallow = make_clone(checkout, checkout.with_name("shallow"), "--depth", "1")
    clone = open_repository(shallow)
    assert clone.author(clone.revision()) == ""


def test_every_way_to_name_a_commit_works(checkout: Path) -> None:
    """Branches, tags of both kinds, abbreviations and relative names stand for their commit."""
    first = git(checkout, "rev-parse", "HEAD")
    git(checkout, "tag", "light")
    git(checkout, "tag", "--annotate", "--message", "signed off", "heavy")
    commit_file(checkout, "a.txt", "a\n")
    repository = open_repository(checkout)
    for name in ("light", "heavy", first[:8], "HEAD~1", "main^", f"{first}"):
        assert repository.revision(name).commit == first


@pytest.mark.parametrize(
    "name", ["nowhere", "--upload-pack=touch", "-1", "0" * 40, "HEAD:README.md"]
)
def test_a_name_without_commit_is_refused(checkout: Path, name: str) -> None:
    """A name that stands for no commit is named in the message; none is read as an option."""
    with pytest.raises(RepositoryError, match="there is no revision"):
        open_repository(checkout).revision(name)


@pytest.mark.parametrize("name", ["", "two words", "HEAD\nmain"])
def test_a_name_that_cannot_be_one_is_refused(checkout: Path, name: str) -> None:
    """A name with spaces or control characters is no name of a revision."""
    with pytest.raises(RepositoryError, match="is no name of a revision"):
        open_repository(checkout).revision(name)


def test_a_repository_without_commits_is_explained(tmp_path: Path) -> None:
    """Before the first commit there is no revision, and the hint says how to make one."""
    git(tmp_path, "init", "--quiet", "empty")
    repository = open_repository(tmp_path / "empty")
    readings: tuple[Callable[[], object], ...] = (repository.working_revision, repository.revision)
    for reading in readings:
        with pytest.raises(RepositoryError, match="has no commit yet") as refused:
            reading()
        assert "git commit" in refused.value.hint


def test_a_clone_with_nothing_checked_out_has_commits(checkout: Path) -> None:
    """As an agent's has: a commit that is not there is missed by its name."""
    git(checkout, "symbolic-ref", "HEAD", "refs/heads/none")
    with pytest.raises(RepositoryError, match="there is no revision 0000"):
        open_repository(checkout).revision("0" * 40)


def test_a_detached_head_is_a_revision(checkout: Path) -> None:
    """A pipeline checks out a commit without a branch; that is a revision like any other."""
    first = git(checkout, "rev-parse", "HEAD")
    commit_file(checkout, "a.txt", "a\n")
    git(checkout, "checkout", "--quiet", "--detach", first)
    assert open_repository(checkout).working_revision().commit == first


def test_a_shallow_clone_says_what_to_fetch(checkout: Path, tmp_path: Path) -> None:
    """A revision beyond a shallow clone's history is explained with the command that fetches it."""
    first = git(checkout, "rev-parse", "HEAD")
    commit_file(checkout, "a.txt", "a\n")
    remote = make_remote(tmp_path / "remote.git", of=checkout)
    repository = open_repository(make_clone(remote, tmp_path / "clone", "--depth=1"))
    assert repository.export(repository.revision()).is_dir()
    with pytest.raises(RepositoryError, match="is not in this shallow clone") as refused:
        repository.revision(first)
    assert "git fetch --unshallow" in refused.value.hint


def _write(name: str, content: str = "new\n") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")

    return change


def _link(root: Path) -> None:
    (root / "main.tf").unlink()
    (root / "main.tf").symlink_to("README.md")


CHANGES: dict[str, Callable[[Path], object]] = {
    "changed": _write("main.tf", "changed\n"),
    "changed and staged": lambda root: (_write("main.tf", "staged\n")(root), git(root, "add", ".")),
    "deleted": lambda root: (root / "main.tf").unlink(),
    "removed from the index alone": lambda root: git(root, "rm", "--cached", "-q", "main.tf"),
    "renamed": lambda root: git(root, "mv", "main.tf", "other.tf"),
    "untracked": _write("new file.tf"),
    "untracked in a new directory": _write("modules/new/main.tf"),
    "with a strange name": _write('umlaut ü\n\t"quoted".tf'),
    "executable": lambda root: (root / "main.tf").chmod(0o755),
    "turned into a link": _link,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_git_status_shows_makes_a_tree_dirty(
    checkout: Path, change: Callable[[Path], object]
) -> None:
    """Every kind of change is seen, and going back to the commit makes the tree clean again."""
    commit = commit_file(checkout, "main.tf", "original\n")
    repository = open_repository(checkout)
    assert not repository.working_revision().dirty
    change(checkout)
    dirty = repository.working_revision()
    assert dirty.dirty
    assert dirty.commit == commit
    assert repository.working_revision() == dirty
    git(checkout, "reset", "--quiet", "--hard")
    git(checkout, "clean", "--quiet", "-d", "--force")
    assert not repository.working_revision().dirty


def test_the_same_difference_has_the_same_digest_everywhere(checkout: Path, tmp_path: Path) -> None:
    """The digest depends on what differs alone: not on the place, times, or the order of edits."""
    remote = make_remote(tmp_path / "remote.git", of=checkout)
    clone = make_clone(remote, tmp_path / "clone")
    for root, names in ((checkout, ("a", "b")), (clone, ("b", "a"))):
        for name in names:
            _write(name, f"{name}\n")(root)
    os.utime(clone / "a", (1, 1))
    assert _difference(checkout) == _difference(clone)


def test_another_difference_has_another_digest(checkout: Path) -> None:
    """Content, names and the executable bit all count."""
    digests = set()
    for change in (_write("a", "1"), _write("a", "2"), _write("b", "2"), _write(" a", "1")):
        change(checkout)
        digests.add(_difference(checkout))
        git(checkout, "clean", "--quiet", "--force")
    _write("a", "1")(checkout)
    (checkout / "a").chmod(0o755)
    digests.add(_difference(checkout))
    assert len(digests) == 5


def test_ignored_files_and_our_folder_never_count(checkout: Path) -> None:
    """What Git ignores is no part of a revision; neither is our folder, whatever Git thinks of it."""
    commit_file(checkout, ".gitignore", "*.log\n")
    _write("debug.log")(checkout)
    repository = open_repository(checkout)
    (repository.folder / ".gitignore").write_text("", encoding="utf-8")
    assert git(checkout, "status", "--porcelain") != ""
    assert not repository.working_revision().dirty


def test_reading_leaves_the_index_alone(checkout: Path) -> None:
    """Looking at the working tree writes nothing into the user's index, not even refreshed times."""
    os.utime(checkout / "README.md", (1, 1))
    before = (checkout / ".git" / "index").stat()
    repository = open_repository(checkout)
    repository.export(repository.working_revision())
    after = (checkout / ".git" / "index").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_who_works_here_is_who_git_knows(checkout: Path) -> None:
    """The identity is the one that commits would carry; where Git knows none, it is empty."""
    git(checkout, "config", "user.name", "Grace Hopper")
    git(checkout, "config", "user.email", "grace@example.org")
    assert open_repository(checkout).identity() == "Grace Hopper <grace@example.org>"
    git(checkout, "config", "user.useConfigOnly", "true")
    git(checkout, "config", "--unset", "user.email")
    assert open_repository(checkout).identity() == ""


def _difference(root: Path) -> str:
    repository: Repository = open_repository(root)
    return repository.working_revision().difference
