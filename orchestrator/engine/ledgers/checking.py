"""Looking a ledger through: its chain, and what this clone saw of it before."""

from dataclasses import dataclass

from orchestrator.engine.ledgers.memory import remembered
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import check_place
from orchestrator.engine.session import Session
from orchestrator.errors import LedgerError, LedgerLost, NewerFormat
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.store import Store
from orchestrator.ledger.troubles import LedgerReplaced
from orchestrator.ledger.verification import Verdict, verify
from orchestrator.plans.repairs import Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of looking a ledger through, for people and for going on from it.

    ``instead`` is what another ledger says that stands in its place, None where none does or that cannot be told.
    ``gone`` says that entries were recorded that neither of them has.
    """

    verdict: Verdict
    checked: Checked
    instead: LedgerState | None = None
    gone: bool = False


def check_ledger(session: Session) -> Checked:
    """Look the session's ledger through; raises LedgerError when it cannot be reached, NewerFormat."""
    return look_through(session, open_store(session)).checked


def look_through(session: Session, store: Store) -> Finding:
    """Look a ledger through; raises LedgerError when it cannot be reached, NewerFormat."""
    verdict = verify(store.links())
    last, broken = verdict.entries[-1:], verdict.broken
    lost, other = _lost(store, verdict)
    elsewhere = None if lost else _not_here(session, store, verdict)
    checked = Checked(
        stack=session.stack.name,
        environment=session.stack.environment,
        entries=len(verdict.entries),
        last=last[0].message if last else "",
        at=last[0].at if last else None,
        place=broken.place if broken else "",
        why=broken.why if broken else "",
        lost=elsewhere.message if elsewhere else lost,
        replaced=other is not None,
        hint=elsewhere.hint if elsewhere and not isinstance(elsewhere, LedgerLost) else "",
    )
    instead = other.state if other else None
    gone = verdict.cut or (instead is None and _gone(session, store, verdict))
    return Finding(verdict=verdict, checked=checked, instead=instead, gone=gone)


def _gone(session: Session, store: Store, verdict: Verdict) -> bool:
    """Whether this clone saw an entry in that very place which is not there any more."""
    seen = remembered(session)
    known = {entry.id for entry in verdict.entries}
    return seen.title == store.title and seen.head not in {"", *known}


def _not_here(session: Session, store: Store, verdict: Verdict) -> LedgerError | None:
    """Return what is known of a ledger that should be here, where there is none."""
    if verdict.entries or verdict.broken:
        return None
    try:
        check_place(session, store, LedgerState())
    except NewerFormat:
        raise
    except LedgerError as error:
        return error
    return None


def _lost(store: Store, verdict: Verdict) -> tuple[str, LedgerReplaced | None]:
    """Return what the store says of entries that are gone, if they are, and whether another ledger took their place."""
    try:
        state = store.read()
    except LedgerLost as error:
        return error.message, error if isinstance(error, LedgerReplaced) else None
    except NewerFormat:
        raise
    except LedgerError:
        if verdict.broken is None:
            raise
        return "", None
    if state.head == verdict.state.head or verdict.broken:
        return "", None
    head, end = state.head or "none", verdict.state.head or "none"
    return f"its last entry is {head}, and the chain ends with {end}", None
