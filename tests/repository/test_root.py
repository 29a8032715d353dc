"""Where a repository begins, told without asking Git."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.repository.root import nearest_root, stack_from_root
from tests.git import git, make_repository

_ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))


def test_the_root_is_the_nearest_directory_that_git_knows(tmp_path: Path) -> None:
    """It is Git's own root from anywhere inside, also in a linked work tree."""
    root = make_repository(tmp_path / "shop")
    git(root, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
    for place in (root, tmp_path / "linked"):
        inside = place / "stacks" / "shop"
        inside.mkdir(parents=True)
        assert nearest_root(inside) == nearest_root(place) == place


def test_without_a_repository_the_directory_itself_is_the_root(tmp_path: Path) -> None:
    """What needs no Git works without it."""
    assert nearest_root(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        ("shop", "shop"),
        (".", "stacks/shop"),
        ("./stack.yaml", "stacks/shop/stack.yaml"),
        ("../blog/stack.yaml", "stacks/blog/stack.yaml"),
        ("../../../elsewhere/stack.yaml", "../../../elsewhere/stack.yaml"),
    ],
)
def test_a_path_counts_from_where_it_was_said(
    tmp_path: Path, wanted: str | None, expected: str | None
) -> None:
    """A path means what it means to the shell; a name stays a name, and what lies outside stays as it is."""
    root = tmp_path / "checkout"
    directory = root / "stacks" / "shop"
    directory.mkdir(parents=True)
    assert stack_from_root(wanted, directory, root) == expected


@pytest.mark.integration
def test_verbs_that_need_no_git_mean_the_same_stacks_everywhere(tmp_path: Path) -> None:
    """From any directory of a repository `init`, `validate` and `graph` see all of its stacks."""
    root = make_repository(tmp_path / "checkout")
    inside = root / "docs" / "deep"
    inside.mkdir(parents=True)

    def said(*arguments: str) -> str:
        done = subprocess.run(
            (_ORCHESTRATOR, *arguments), cwd=inside, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "wrote stacks/hello/stack.yaml" in said("init", "hello")
    assert said("validate") == "hello (default): valid\n"
    assert said("validate", "../../stacks/hello") == "hello (default): valid\n"
    assert said("graph").startswith("hello\n")
    assert (root / "stacks" / "hello" / "stack.yaml").is_file()
