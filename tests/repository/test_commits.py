"""Commits that bring parts of older ones back: what they hold, and what they leave alone."""

from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError, UsageError
from orchestrator.processes import Stop
from orchestrator.repository.repository import Repository, open_repository
from tests.git import commit_file, git, make_clone, make_remote


@pytest.fixture
def repository(checkout: Path) -> Repository:
    """Return a repository whose commits are made by somebody."""
    git(checkout, "config", "user.name", "Ada Lovelace")
    git(checkout, "config", "user.email", "ada@example.org")
    return open_repository(checkout)


def tree(root: Path, commit: str) -> dict[str, str]:
    """Return what a commit holds."""
    names = git(root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    return {name: git(root, "show", f"{commit}:{name}") for name in names if name}


def test_paths_come_back_as_they_were_and_the_rest_stays(repository: Repository) -> None:
    """Files added since go, files removed come back, a file where a directory was too; modes come along."""
    root = repository.root
    commit_file(root, "shop/a.yaml", "a: 1")
    (root / "shop" / "run.sh").write_text("true")
    (root / "shop" / "run.sh").chmod(0o755)
    commit_file(root, "shop/deep/b.yaml", "b: 1")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Add a program")
    then = git(root, "rev-parse", "HEAD")
    git(root, "rm", "--quiet", "-r", "shop/deep", "shop/run.sh")
    commit_file(root, "shop/deep", "a file")
    commit_file(root, "shop/new *.yaml", "new: 1")
    commit_file(root, "shopping.yaml", "other: 1")
    now = commit_file(root, "shop/a.yaml", "a: 2")
    commits = repository.commits()

    made = commits.compose(now, then, ["shop", "nowhere"], {"own.yaml": b"own: 1"})
    commit = commits.commit(made.tree, parent=now, message="Roll back\n\nSaid why.\n")

    assert tree(root, commit) == {
        "README.md": "a project",
        "own.yaml": "own: 1",
        "shop/a.yaml": "a: 1",
        "shop/deep/b.yaml": "b: 1",
        "shop/run.sh": "true",
        "shopping.yaml": "other: 1",
    }
    assert git(root, "ls-tree", commit, "shop/run.sh").startswith("100755")
    assert made.changed == (
        *("own.yaml", "shop/a.yaml", "shop/deep", "shop/deep/b.yaml"),
        *("shop/new *.yaml", "shop/run.sh"),
    )
    assert git(root, "rev-parse", "HEAD") == now
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%an %s", commit) == "Ada Lovelace Roll back"
    assert commits.compose(then, then, ["shop"], {}).changed == ()


def test_a_checkout_moves_forward_only_over_files_that_are_as_committed(
    repository: Repository,
) -> None:
    """Local changes elsewhere stay; where they are in the way, nothing moves."""
    root = repository.root
    then = commit_file(root, "shop/a.yaml", "a: 1")
    now = commit_file(root, "shop/a.yaml", "a: 2")
    commits = repository.commits()
    made = commits.compose(now, then, ["shop"], {})
    commit = commits.commit(made.tree, parent=now, message="Roll back\n")
    (root / "README.md").write_text("being edited")
    (root / "shop" / "a.yaml").write_text("a: 3")

    with pytest.raises(RepositoryError, match="overwritten"):
        commits.move_forward(commit)
    assert git(root, "rev-parse", "HEAD") == now

    (root / "shop" / "a.yaml").write_text("a: 2\n")
    git(root, "checkout", "--quiet", "--", "shop")
    commits.move_forward(commit)
    assert commits.branch() == "main"
    assert git(root, "rev-parse", "HEAD") == commit
    assert git(root, "status", "--porcelain") == " M README.md"
    assert (root / "shop" / "a.yaml").read_text() == "a: 1"
    aside = commits.commit(made.tree, parent=then, message="Follow something else\n")
    with pytest.raises(RepositoryError):
        commits.move_forward(aside)
    assert git(root, "rev-parse", "HEAD") == commit


def test_a_commit_is_made_by_somebody(repository: Repository) -> None:
    """Where Git does not know who works here, it is said how it is told."""
    root, commits = repository.root, repository.commits()
    now = git(root, "rev-parse", "HEAD")
    git(root, "config", "--unset", "user.email")
    git(root, "config", "user.useConfigOnly", "true")

    with pytest.raises(RepositoryError, match="who makes the commit") as refused:
        commits.commit(f"{now}^{{tree}}", parent=now, message="Roll back\n")

    assert "git config user.email" in refused.value.hint


def test_a_branch_is_made_anew_or_not_at_all(repository: Repository) -> None:
    """One that is there, or whose name Git does not take, is refused."""
    commits = repository.commits()
    commits.check_branch("rollback/shop")
    commits.branch_off("rollback/shop", git(repository.root, "rev-parse", "HEAD"))
    assert git(repository.root, "branch", "--list", "rollback/*").strip() == "rollback/shop"
    for name in ("rollback/shop", "-x", "a..b", "a b"):
        with pytest.raises(UsageError):
            commits.check_branch(name)


def test_a_push_forces_nothing_and_says_what_is_in_the_way(
    repository: Repository, tmp_path: Path
) -> None:
    """Commits of others on the branch, and a remote that protects it, are told apart."""
    root = repository.root
    remote = make_remote(tmp_path / "remote.git", of=root)
    other = make_clone(remote, tmp_path / "other")
    theirs = commit_file(other, "theirs.txt", "theirs")
    git(other, "push", "--quiet", "origin", "main")
    ours = commit_file(root, "ours.txt", "ours")

    with pytest.raises(RepositoryError, match="main has commits on origin that are not here"):
        repository.push("origin", ours, branch="main", base="main", stop=Stop())

    hook = remote / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RepositoryError, match="refused the push to rollback") as refused:
        repository.push("origin", ours, branch="rollback", base="main", stop=Stop())
    assert "main is protected" in refused.value.detail
    assert (
        git(remote, "for-each-ref", "--format=%(refname) %(objectname)")
        == f"refs/heads/main {theirs}"
    )


def test_contents_tell_revisions_apart_by_what_is_at_their_paths(repository: Repository) -> None:
    """Also what is not there, and commits that nobody has."""
    root = repository.root
    one = commit_file(root, "shop/a.yaml", "a: 1")
    two = commit_file(root, "other.yaml", "b: 1")
    three = commit_file(root, "shop/a.yaml", "a: 2")

    held = repository.contents([one, two, three, "0" * 40], ["shop", "other.yaml", ""])

    assert held[one][0] == held[two][0] != held[three][0]
    assert held[one][1] == ""
    assert held[two][1] == held[three][1] != ""
    assert len({held[each][2] for each in (one, two, three)}) == 3
    assert held["0" * 40] == ("", "", "")
