"""Merges that hold what Git alone would not have made of their sides: whoever made one of those wrote that."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.errors import RepositoryError
from orchestrator.repository.git import Git
from orchestrator.repository.merging import merge

Changes = Mapping[str, tuple[str, str]]
"""For each file that changed its mode and what identifies its content; zeros for one that is gone."""


def with_differences(git: Git, merges: Iterable[str], chosen: Sequence[str]) -> frozenset[str]:
    """Return the merges that differ from one of their parents in what the pathspecs choose."""
    listed = "".join(f"{each}\n" for each in merges)
    output = git.run(
        *("diff-tree", "--stdin", "-m", "-r", "--name-only", "--no-renames"),
        *("--ignore-submodules=none", "--", *chosen),
        stdin=listed.encode(),
    )
    return frozenset(output.decode(errors="replace").split("\n")).intersection(listed.split())


def is_handmade(git: Git, made: str, sides: Sequence[str], chosen: Sequence[str]) -> bool:
    """Whether a merge differs from what Git makes of its sides by itself, in what the pathspecs choose.

    So does one that resolves a conflict there, drops what a side brings, or cannot be made again here.
    """
    if len(sides) == 2 and _is_file_by_file(git, made, sides, chosen):  # noqa: PLR2004  as nearly all have
        return False
    again = _made_again(git, sides)
    return not again or bool(_changes(git, again, made, chosen))


def adds_up(one: Changes, other: Changes, result: Changes) -> bool:
    """Whether a result has just what two sides changed, and no file that they changed in two ways."""
    both = one.keys() & other.keys()
    return all(one[each] == other[each] for each in both) and result == {**one, **other}


def _is_file_by_file(git: Git, made: str, sides: Sequence[str], chosen: Sequence[str]) -> bool:
    """Whether each file is as the one side has it that changed it, which any Git can tell."""
    bases = git.attempt("merge-base", "--all", *sides).stdout.decode().split()
    if len(bases) != 1:
        return False
    one, other, result = (_changes(git, bases[0], each, chosen) for each in (*sides, made))
    return adds_up(one, other, result)


def _made_again(git: Git, sides: Sequence[str]) -> str:
    """Return the commit that Git makes of the sides, one after the other; empty where it cannot."""
    made = sides[0]
    try:
        for side in sides[1:]:
            made = merge(git, made, side).commit
            if not made:
                break
    except RepositoryError:  # an older Git, or sides that have no commit in common
        return ""
    return made


def _changes(git: Git, before: str, after: str, chosen: Sequence[str]) -> Changes:
    output = git.run(
        *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames"),
        *("--ignore-submodules=none", before, after, "--", *chosen),
    )
    told = output.decode(errors="surrogateescape").split("\0")
    split = (
        each.split(" ") for each in told[:-1:2]
    )  # both modes, both ids, and what became of the file
    return {path: (each[1], each[3]) for each, path in zip(split, told[1::2], strict=True)}
