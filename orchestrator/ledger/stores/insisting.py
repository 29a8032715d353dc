"""Moving refs until they are moved, or stand elsewhere: a refusal may be a passing lock file."""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.stores.plumbing import Moves

_ATTEMPTS = 5


def insist(
    moves: Moves,
    move: Callable[[Moves], bool],
    stand: Callable[[Sequence[str]], Mapping[str, str]],
) -> bool:
    """Try to move refs until that is done or they stand elsewhere; return whether it is done.

    ``stand`` tells where they are. Raises RepositoryError, and LedgerError for refs that stay locked.
    """
    for _ in range(_ATTEMPTS):
        try:
            if move(moves):
                return True
        except RepositoryError:
            if _stood(moves, stand(tuple(moves)), after=True):  # done, but nobody got to hear of it
                return True
            raise
        found = stand(tuple(moves))
        if _stood(moves, found, after=True):
            return True
        if not _stood(moves, found, after=False):
            return False
    raise LedgerError(
        f"{' and '.join(sorted(moves))} cannot be moved: their lock files are held",
        hint="another Git process is at work on them; if there is none, it crashed: "
        "remove their .lock files from the repository that holds them",
    )


def _stood(moves: Moves, found: Mapping[str, str], *, after: bool) -> bool:
    return all(found.get(ref, "") == (new if after else old) for ref, (old, new) in moves.items())
