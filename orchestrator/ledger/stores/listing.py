"""All ledgers that a repository and its remote have: whose they are, and where each stands."""

from collections.abc import Callable, Mapping

from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.encoding import decode_state
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.stores.plumbing import Plumbing, brought
from orchestrator.ledger.stores.standing import STATE
from orchestrator.plans.objects import Owner

_FOLDER = "refs/orchestrator/"
_ATTEMPTS = 5


def git_ledgers(
    plumbing: Plumbing, *, remote: str | None, wanted: Callable[[Owner], bool]
) -> Mapping[Owner, LedgerState | None]:
    """Return the state of each ledger that is wanted, None of one that cannot be read, sorted; no ref moves.

    Where this clone is ahead of the remote, since an outcome could not be pushed, it is the clone's that counts.
    One round trip, and another to fetch what is not here. Raises LedgerError.
    """
    try:
        for _ in range(_ATTEMPTS):
            here = _chosen(plumbing.list_refs((f"{_FOLDER}*",)), wanted)
            if remote is None:
                return _states(plumbing, here)
            there = _chosen(plumbing.list_remote(remote, (f"{_FOLDER}*",)), wanted)
            if brought(plumbing, remote, there):
                return _states(plumbing, _newest(plumbing, here, there))
    except RepositoryError as error:
        raise LedgerError(error.message, hint=error.hint, detail=error.detail) from error
    raise LedgerError("the ledgers kept moving while they were read", hint="run again in a moment")


def _chosen(refs: Mapping[str, str], wanted: Callable[[Owner], bool]) -> dict[str, str]:
    return {ref: refs[ref] for ref in sorted(refs) if (owner := _owner(ref)) and wanted(owner)}


def _owner(ref: str) -> Owner | None:
    match ref.removeprefix(_FOLDER).split("/"):
        case [stack, environment]:
            return Owner(stack=stack, environment=environment)
        case _:  # somebody else's
            return None


def _newest(
    plumbing: Plumbing, here: Mapping[str, str], there: Mapping[str, str]
) -> dict[str, str]:
    ahead = {
        ref: commit
        for ref, commit in here.items()
        if ref in there
        and commit != there[ref]
        and plumbing.descends(commit, ancestor=there[ref]) is True
    }
    return {**here, **there, **ahead}


def _states(plumbing: Plumbing, commits: Mapping[str, str]) -> dict[Owner, LedgerState | None]:
    refs = sorted(commits)
    found = plumbing.read(tuple(f"{commits[ref]}:{STATE}" for ref in refs))
    return {
        owner: _state(each) for ref, each in zip(refs, found, strict=True) if (owner := _owner(ref))
    }


def _state(found: tuple[str, bytes] | None) -> LedgerState | None:
    try:
        return decode_state(found[1]) if found else None
    except LedgerError:
        return None
