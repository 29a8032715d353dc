"""Repositories inside the repository."""

from pathlib import Path

import pytest

from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git, make_clone, make_remote, make_repository


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return another repository, with a module in it."""
    repository = make_repository(tmp_path / "library")
    commit_file(repository, "network/main.tf", "# first\n")
    return repository


@pytest.fixture
def shop(checkout: Path, library: Path) -> Path:
    """Return a repository that has the other one as a submodule."""
    git(checkout, "submodule", "--quiet", "add", library.as_uri(), "modules/library")
    git(checkout, "commit", "--quiet", "--message", "Use the library")
    return checkout


def test_a_submodule_is_written_at_its_pinned_commit(shop: Path) -> None:
    """A revision names the commit of each submodule, and its files are part of the copy."""
    repository = open_repository(shop)
    pinned = repository.working_revision()
    commit_file(shop / "modules/library", "network/main.tf", "# second\n")
    tree = repository.export(pinned)
    assert not pinned.dirty
    assert (tree / "modules/library/network/main.tf").read_text(encoding="utf-8") == "# first\n"
    assert not (tree / "modules/library/.git").exists()


def test_a_dirty_submodule_is_written_as_it_lies_there(shop: Path) -> None:
    """Another commit, an edit and a new file in a submodule make the whole dirty, and are in the copy."""
    repository = open_repository(shop)
    digests = {repository.working_revision().difference}
    commit_file(shop / "modules/library", "network/main.tf", "# second\n")
    digests.add(repository.working_revision().difference)
    (shop / "modules/library/network/new.tf").write_text("# new\n", encoding="utf-8")
    digests.add(repository.working_revision().difference)
    (shop / "modules/library/network/new.tf").write_text("# newer\n", encoding="utf-8")
    revision = repository.working_revision()
    assert len(digests | {revision.difference}) == 4
    tree = repository.export(revision)
    assert (tree / "modules/library/network/main.tf").read_text(encoding="utf-8") == "# second\n"
    assert (tree / "modules/library/network/new.tf").read_text(encoding="utf-8") == "# newer\n"
    assert not (tree / "modules/library/.git").exists()


def test_a_submodule_that_is_not_checked_out_is_named(shop: Path, tmp_path: Path) -> None:
    """Without its checkout a submodule is left out, as Git does, and can be asked for by name."""
    clone = open_repository(
        make_clone(make_remote(tmp_path / "remote", of=shop), tmp_path / "clone")
    )
    revision = clone.working_revision()
    assert not revision.dirty
    tree = clone.export(revision)
    assert list((tree / "modules/library").iterdir()) == []
    assert clone.missing_submodules(tree) == ("modules/library",)


def test_nothing_is_missing_where_all_is_checked_out(shop: Path, tmp_path: Path) -> None:
    """A repository without submodules, or with all of them there, lacks none."""
    whole, plain = open_repository(shop), open_repository(make_repository(tmp_path / "plain"))
    for repository in (whole, plain):
        tree = repository.export(repository.working_revision())
        assert repository.missing_submodules(tree) == ()


def test_a_pinned_commit_that_was_never_fetched_is_missing(shop: Path, library: Path) -> None:
    """Where the submodule is checked out without the commit that is asked for, it is left out too."""
    newer = commit_file(library, "network/main.tf", "# newer\n")
    git(shop, "update-index", "--cacheinfo", f"160000,{newer},modules/library")
    git(shop, "commit", "--quiet", "--message", "Use the newer library")
    repository = open_repository(shop)
    tree = repository.export(repository.revision())
    assert repository.missing_submodules(tree) == ("modules/library",)


def test_a_removed_submodule_is_not_written(shop: Path) -> None:
    """A submodule whose removal is not committed yet is no part of the working tree."""
    git(shop, "rm", "--quiet", "modules/library")
    repository = open_repository(shop)
    tree = repository.export(repository.working_revision())
    assert not (tree / "modules").exists()
    assert repository.missing_submodules(tree) == ()


def test_a_submodule_that_is_to_be_ignored_changed_all_the_same(shop: Path) -> None:
    """Its own file may tell Git to show no other commit of it: a request would hide what it changes."""
    git(shop, "config", "--file", ".gitmodules", "submodule.modules/library.ignore", "all")
    git(shop, "commit", "--quiet", "--all", "--message", "Ignore it")
    before = open_repository(shop).revision()
    commit_file(shop / "modules/library", "network/main.tf", "# second\n")
    git(
        shop,
        "update-index",
        "--cacheinfo",
        f"160000,{_head(shop / 'modules/library')},modules/library",
    )
    git(shop, "commit", "--quiet", "--message", "Use a later one")
    repository = open_repository(shop)

    changed = repository.changed_between(before, repository.revision())

    assert changed == {"modules/library"}
    git(shop, "switch", "--quiet", "--create", "side", "HEAD~1")
    git(shop, "merge", "--quiet", "--no-ff", "--strategy=ours", "--message", "Merge it", "main")
    git(shop, "commit", "--quiet", "--amend", "--no-edit", "--author=Mary <mary@example.org>")
    wrote = repository.writers(_head(shop), ("modules",), base=_head(shop, "main"), remote=None)
    assert wrote is not None
    assert "Mary <mary@example.org>" in wrote


def _head(directory: Path, name: str = "HEAD") -> str:
    return git(directory, "rev-parse", name)


def test_submodules_of_submodules_are_written(shop: Path, tmp_path: Path) -> None:
    """Repositories inside a submodule belong to the copy as well."""
    inner = make_repository(tmp_path / "inner")
    nested = shop / "modules/library"
    git(nested, "submodule", "--quiet", "add", inner.as_uri(), "inner")
    git(nested, "commit", "--quiet", "--message", "Use another")
    git(shop, "commit", "--quiet", "--all", "--message", "Use the newer library")
    repository = open_repository(shop)
    revision = repository.working_revision()
    assert not revision.dirty
    assert (repository.export(revision) / "modules/library/inner/README.md").is_file()


def test_a_repository_that_lies_in_the_tree_is_written(checkout: Path) -> None:
    """A repository that nobody added is untracked content like any other."""
    make_repository(checkout / "vendored")
    repository = open_repository(checkout)
    revision = repository.working_revision()
    assert revision.dirty
    tree = repository.export(revision)
    assert (tree / "vendored/README.md").is_file()
    (checkout / "vendored/README.md").write_text("edited", encoding="utf-8")
    assert repository.working_revision() != revision
