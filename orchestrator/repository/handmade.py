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


def file_by_file(
    git: Git, merges: Mapping[str, Sequence[str]], chosen: Sequence[str]
) -> frozenset[str]:
    """Return the merges, given with their parents, in which each file is as the one side has it that changed it.

    Any Git can tell that, of all of them in one go, but for where their sides parted.
    """
    bases = {
        made: git.attempt("merge-base", "--all", *sides).stdout.decode().split()
        for made, sides in merges.items()
        if len(sides) == 2  # noqa: PLR2004  as nearly all have
    }
    parted = {made: found[0] for made, found in bases.items() if len(found) == 1}
    asked = [(base, each) for made, base in parted.items() for each in (*merges[made], made)]
    told = iter(_changes(git, asked, chosen))
    # Two sides and the result of each stand one behind the other.
    return frozenset(
        made
        for made, one, other, result in zip(parted, told, told, told, strict=True)
        if adds_up(one, other, result)
    )


def says_more(git: Git, made: str, sides: Sequence[str], chosen: Sequence[str]) -> bool:
    """Whether a merge differs from what Git makes of its sides by itself, in what the pathspecs choose.

    So does one that resolves a conflict there, drops what a side brings, or cannot be made again here.
    """
    again = _made_again(git, sides)
    return not again or any(_changes(git, [(again, made)], chosen))


def adds_up(one: Changes, other: Changes, result: Changes) -> bool:
    """Whether a result has just what two sides changed, and no file that they changed in two ways."""
    both = one.keys() & other.keys()
    return all(one[each] == other[each] for each in both) and result == {**one, **other}


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


def _changes(
    git: Git, pairs: Sequence[tuple[str, str]], chosen: Sequence[str]
) -> Sequence[Changes]:
    """Return what each second commit of the pairs changed since the first one, in their order."""
    output = git.run(
        *("diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--no-abbrev", "--no-renames"),
        *("--ignore-submodules=none", "--", *chosen),
        stdin="".join(f"{after} {before}\n" for before, after in pairs).encode(),
    )
    found: list[dict[str, tuple[str, str]]] = []
    told = iter(output.decode(errors="surrogateescape").split("\0")[:-1])
    for each in told:
        if each.startswith(":"):  # both modes, both ids, and what became of the file
            _, mode, _, content, _ = each.split(" ")
            found[-1][next(told)] = (mode, content)
        else:
            found.append({})
    return found
