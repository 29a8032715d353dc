"""Who wrote what lies between two commits, where the history may end before it says."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.repository.handmade import adds_up
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


_LINES = "".join(f"{number}\n" for number in range(9))
_KATHERINE = "Katherine <katherine@example.org>"


def _merge(
    root: Path,
    *sides: str,
    by: Callable[[], object] = lambda: None,
    how: str = "",
    who: str = _KATHERINE,
) -> None:
    """Merge branches as Katherine, if not told otherwise, who does something more before the commit."""
    git(root, "merge", "--quiet", "--no-ff", "--no-commit", *how.split(), *sides)
    by()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Merge it", f"--author={who}")


def _two_sides(root: Path) -> str:
    """Make a stack of two files, then change both on a branch called side, and one of them on main; return the base."""
    make_repository(root)
    commit_file(root, "shop/lines", _LINES)
    commit_file(root, "other/lines", _LINES)
    base = commit_file(root, "shop/texts", _LINES)
    git(root, "switch", "--quiet", "--create", "side")
    _by(root, "Dorothy", "shop/lines", f"first\n{_LINES}")
    _by(root, "Dorothy", "shop/texts", _LINES.replace("4", "four"))
    git(root, "switch", "--quiet", "main")
    _by(root, "Grace", "shop/lines", f"{_LINES}last\n")
    return base


def _found(root: Path, base: str) -> set[str]:
    found = open_repository(root).writers(_head(root), ("shop",), base=base, remote=None)
    assert found is not None
    return {who.partition(" ")[0] for who in found}


def test_a_merge_that_git_makes_alone_is_nobodys(tmp_path: Path) -> None:
    """Whoever brings a branch up to date wrote nothing, also where both sides changed one file, or one moved it."""
    root = tmp_path / "shop"
    base = _two_sides(root)
    git(root, "mv", "shop/texts", "shop/moved")
    git(root, "commit", "--quiet", "--message", "Move it")

    _merge(root, "side")

    assert (root / "shop/lines").read_text() == f"first\n{_LINES}last\n"
    assert "four" in (root / "shop/moved").read_text()
    assert _found(root, base) == {"Ada", "Dorothy", "Grace"}


@pytest.mark.parametrize(
    ("file", "text", "how", "counts"),
    [
        ("shop/texts", "evil\n", "", True),
        ("shop/more", "evil\n", "", True),
        ("shop/lines", f"first\n{_LINES}evil\n", "", True),
        ("other/lines", "evil\n", "", False),
        (None, "", "-s ours", True),
        (None, "", "-X theirs", False),
    ],
)
def test_who_makes_more_of_a_merge_than_git_alone_wrote_that(
    tmp_path: Path, file: str | None, text: str, how: str, *, counts: bool
) -> None:
    """Whatever is of no side, and what one side says and the merge does not."""
    root = tmp_path / "shop"
    base = _two_sides(root)

    _merge(root, "side", how=how, by=lambda: file and (root / file).write_text(text))

    assert ("Katherine" in _found(root, base)) is counts


def test_of_many_merges_only_those_count_that_say_more(tmp_path: Path) -> None:
    """All are asked about at once: one that one side alone changed, and one whose sides parted twice."""
    root = make_repository(tmp_path / "shop")
    base = commit_file(root, "shop/lines", _LINES)

    def merge(name: str, *sides: str, more: str = "") -> None:
        evil = root / more
        _merge(
            root, *sides, by=lambda: more and evil.write_text("evil\n"), who=f"{name} <{name}@x>"
        )

    for number, name in enumerate(("Annie", "Bertha", "Mallory", "Clara", "Edith", "Frances")):
        git(root, "switch", "--quiet", "--create", f"side-{number}")
        _by(root, "Dorothy", f"shop/side-{number}")
        git(root, "switch", "--quiet", "main")
        if number % 2 == 0:
            _by(root, "Grace", f"shop/own-{number}")
        merge(name, f"side-{number}", more="shop/evil" if name == "Mallory" else "")
    git(root, "switch", "--quiet", "--create", "across")
    crossing = [_by(root, "Dorothy", "shop/crossed"), _head(root)][-1]
    git(root, "switch", "--quiet", "main")
    _by(root, "Grace", "shop/crossing")
    for branch, other, name in (("across", "main", "Hedwig"), ("main", crossing, "Ida")):
        git(root, "switch", "--quiet", branch)
        merge(name, other)
        _by(root, "Grace", f"shop/after-{name}")
    git(root, "switch", "--quiet", "--create", "third", base)
    _by(root, "Dorothy", "shop/third")
    git(root, "switch", "--quiet", "main")
    merge("Jane", "across")
    merge("Olive", "third", more="shop/lines")

    assert _found(root, base) == {"Dorothy", "Grace", "Mallory", "Olive"}


def test_of_a_merge_of_many_sides_the_same_holds(tmp_path: Path) -> None:
    """Git makes it one side after the other."""
    root = tmp_path / "shop"
    base = _two_sides(root)
    git(root, "switch", "--quiet", "--create", "third", base)
    _by(root, "Annie", "shop/third")
    git(root, "switch", "--quiet", "--create", "main2", base)
    _by(root, "Annie", "shop/fourth")
    git(root, "switch", "--quiet", "--create", "main3")

    _merge(root, "side", "third")
    assert _found(root, base) == {"Annie", "Dorothy"}
    git(root, "switch", "--quiet", "main2")
    _merge(root, "side", "third", by=(root / "shop/fourth").unlink)
    assert _found(root, base) == {"Annie", "Dorothy", "Katherine"}


def test_who_resolves_a_conflict_wrote_that(tmp_path: Path) -> None:
    """As whoever joins what has no commit in common."""
    root = make_repository(tmp_path / "shop")
    base = commit_file(root, "shop/lines", "0\n")
    git(root, "switch", "--quiet", "--create", "side")
    _by(root, "Dorothy", "shop/lines", "1\n")
    git(root, "switch", "--quiet", "main")
    _by(root, "Grace", "shop/lines", "2\n")
    tree = git(root, "rev-parse", "side^{tree}")
    for parents in (("main", "side"), ("main", git(root, "commit-tree", "-m", "Begin", tree))):
        named = (word for parent in parents for word in ("-p", parent))
        made = git(root, "commit-tree", "-m", "Merge it", *named, tree)
        git(root, "reset", "--quiet", "--hard", made)
        git(root, "commit", "--quiet", "--amend", "--no-edit", f"--author={_KATHERINE}")
        assert "Katherine" in _found(root, base)
        git(root, "reset", "--quiet", "--hard", f"{made}^")


def test_an_older_git_tells_merges_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot merge aside: where both sides changed one file, whoever merged counts."""
    root = tmp_path / "shop"
    base = _two_sides(root)
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text(_OLD.format(shutil.which("git")))
    old.chmod(0o755)
    git(root, "revert", "--no-edit", "HEAD")
    git(root, "switch", "--quiet", "--create", "both", "main~1")
    git(root, "switch", "--quiet", "main")
    _merge(root, "side")
    git(root, "switch", "--quiet", "both")
    _merge(root, "side")
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{os.environ['PATH']}")

    assert "Katherine" in _found(root, base)
    git(root, "switch", "--quiet", "main")
    assert "Katherine" not in _found(root, base)


_OLD = """#!/bin/sh
for each; do [ "$each" = --write-tree ] && exit 129; done
exec {} "$@"
"""


def test_who_is_named_as_another_author_counts(tmp_path: Path) -> None:
    """As the commits say that a forge makes of several; whatever the names look like."""
    root = make_repository(tmp_path / "shop")
    base = _head(root)
    subject = "Squash\n\nAll of it.\n\nCo-authored-by: Katherine <katherine@example.org>\nCo-Authored-By: Mary"
    commit_file(root, "shop/lines", _LINES, subject=subject)
    odd = "Grace\u2028commit <grace@example.org>"
    commit_file(root, "shop/more", _LINES)
    git(root, "commit", "--quiet", "--amend", "--no-edit", f"--author={odd}")

    found = open_repository(root).writers(_head(root), ("shop",), base=base, remote=None)

    assert found is not None
    assert [*found] == [odd, _ADA, _KATHERINE, "Mary"]


_ONE, _OTHER, _NONE = ("100644", "1"), ("100644", "2"), ("000000", "0")


@pytest.mark.parametrize(
    ("one", "other", "result", "adds"),
    [
        ({"a": _ONE}, {"b": _OTHER}, {"a": _ONE, "b": _OTHER}, True),
        ({"a": _ONE}, {"a": _ONE}, {"a": _ONE}, True),
        ({"a": _NONE}, {}, {"a": _NONE}, True),
        ({"a": _ONE}, {"a": _OTHER}, {"a": _OTHER}, False),
        ({"a": _ONE}, {}, {}, False),
        ({}, {}, {"a": _ONE}, False),
        ({"a": _ONE}, {}, {"a": ("100755", "1")}, False),
    ],
)
def test_a_merge_adds_up_to_its_sides(
    one: dict[str, tuple[str, str]],
    other: dict[str, tuple[str, str]],
    result: dict[str, tuple[str, str]],
    *,
    adds: bool,
) -> None:
    """What one side changed is there as that side has it, and nothing else changed."""
    assert adds_up(one, other, result) is adds


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
