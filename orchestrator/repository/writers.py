"""Who wrote what lies between two commits, as far as this clone can tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from orchestrator.repository.ancestry import covers_for_certain
from orchestrator.repository.git import Git, Patience
from orchestrator.repository.handmade import file_by_file, says_more, with_differences

_MARK: Final = "\0"
# The author, and whoever else is named as one, as the commits are that a forge makes of several.
_WROTE: Final = "%an <%ae>%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)"


def writers_since(
    git: Git,
    commit: str,
    *,
    base: str,
    paths: Sequence[str],
    remote: str | None,
    patience: Patience,
) -> Mapping[str, str] | None:
    """Return who wrote commits since ``base`` that changed one of the paths, ``Name <mail>``, each with the newest.

    Without a base all of the history counts; the empty path is the root. A merge counts for whoever wrote what it
    brings, and for who made it where it says more there than Git alone would. None where this clone lacks some of
    these commits, after fetching what it takes. Raises RepositoryError.
    """
    if not covers_for_certain(git, commit, base=base, remote=remote, patience=patience):
        return None
    since = ("--end-of-options", commit, *([f"^{base}"] if base else []), "--")
    chosen = tuple(f":(top,literal){path}" for path in paths)
    found: dict[str, str] = {}
    for written, *people in _listed(git, f"%H%x00{_WROTE}", "--no-merges", *since, *chosen):
        _add(found, people, written)
    merges = tuple(_listed(git, f"%H%x00%P%x00{_WROTE}", "--merges", *since))
    differing = with_differences(git, (each[0] for each in merges), chosen)
    doubted = {  # of who wrote something else, nobody has to know
        made: sides.split()
        for made, sides, *people in merges
        if made in differing and not found.keys() >= {*people}
    }
    plain = file_by_file(git, doubted, chosen) if doubted else frozenset()
    for made, _, *people in merges:
        known = made in plain or made not in doubted or found.keys() >= {*people}
        if not known and says_more(git, made, doubted[made], chosen):
            _add(found, people, made)
    return found


def _add(found: dict[str, str], people: Sequence[str], written: str) -> None:
    for who in people:
        found.setdefault(who, written)


def _listed(git: Git, form: str, *chosen: str) -> Iterator[list[str]]:
    """Yield what a form tells of each commit, the newest first; nothing in a commit can look like its end."""
    output = git.run("rev-list", "--encoding=UTF-8", f"--format={form}", *chosen)
    for line in output.decode(errors="replace").split("\n"):
        if _MARK in line:  # Git puts another line before each of ours
            yield [each for each in line.split(_MARK) if each]
