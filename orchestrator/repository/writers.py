"""Who wrote what lies between two commits, as far as this clone can tell."""

from collections.abc import Mapping, Sequence

from orchestrator.repository.ancestry import covers_for_certain
from orchestrator.repository.git import Git, Patience


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
    brings. None where this clone lacks some of these commits, after fetching what it takes. Raises RepositoryError.
    """
    if not covers_for_certain(git, commit, base=base, remote=remote, patience=patience):
        return None
    output = git.run(
        "rev-list",
        "--no-merges",
        "--encoding=UTF-8",
        "--format=%H %an <%ae>",
        "--end-of-options",
        commit,
        *([f"^{base}"] if base else []),
        "--",
        *(f":(top,literal){path}" for path in paths),
    )
    found: dict[str, str] = {}
    for line in output.decode(errors="replace").splitlines():
        written, _, who = line.partition(" ")
        if written != "commit":  # a line that Git puts before each of ours
            found.setdefault(who, written)
    return found
