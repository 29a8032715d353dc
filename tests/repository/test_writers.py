"""Who wrote what lies between two commits, where the history may end before it says."""

from pathlib import Path

from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git, make_clone, make_remote, make_repository

_ADA = "Ada Lovelace <ada@example.org>"


def _by(root: Path, name: str, file: str, content: str = "x\n") -> str:
    """Commit a file as somebody, and return who that is."""
    commit_file(root, file, content)
    author = f"{name} <{name.lower()}@example.org>"
    git(root, "commit", "--quiet", "--amend", "--no-edit", f"--author={author}")
    return author


def _head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def test_all_count_who_changed_the_paths_since(tmp_path: Path) -> None:
    """Not those before, not those of other files, and of a merge those whose commits it brings."""
    root = make_repository(tmp_path / "shop")
    before = _by(root, "Mary", "shop/stack.yaml", "a\n")
    base = _head(root)
    git(root, "switch", "--quiet", "--create", "side")
    side = _by(root, "Dorothy", "shop/side.yaml")
    git(root, "switch", "--quiet", "main")
    own = _by(root, "Grace", "shop/*.yaml")
    _by(root, "Annie", "shopping/stack.yaml")
    git(root, "merge", "--quiet", "--no-ff", "--message", "Merge it", "side")
    repository = open_repository(root)

    def writers(*paths: str, base: str = base) -> set[str]:
        found = repository.writers(_head(root), paths, base=base, remote=None)
        assert found is not None
        return set(found)

    assert writers("shop") == {side, own}
    assert writers("shop/*.yaml") == {own}
    assert writers("") == {side, own, "Annie <annie@example.org>"}
    assert writers("shop", base="") == {before, side, own}
    assert repository.writers(_head(root), ("shop",), base="1" * 40, remote=None) is None


def test_a_shallow_clone_fetches_what_it_takes_or_does_not_tell(tmp_path: Path) -> None:
    """Where its history ends, a commit looks as if it had written everything: that is taken for nobody's word."""
    root = make_repository(tmp_path / "shop")
    base = commit_file(root, "stack.yaml", "a\n")
    changed = _by(root, "Dorothy", "stack.yaml", "b\n")
    for number in range(3):
        commit_file(root, "README.md", f"{number}\n")
    remote = make_remote(tmp_path / "remote.git", of=root)
    clone = make_clone(remote, tmp_path / "clone", "--depth=1")
    tip = _head(clone)

    def writers(base: str, remote: str | None) -> list[str] | None:
        found = open_repository(clone).writers(tip, ("stack.yaml",), base=base, remote=remote)
        return None if found is None else sorted(found)

    assert writers(base, None) is None
    assert writers("", None) is None
    assert writers(tip, None) == []
    assert writers(base, "origin") == [changed]
    assert writers("", "origin") == [_ADA, changed]
