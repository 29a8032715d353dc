"""All ledgers of the place where a stack keeps its own: whose they are, and what each says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.engine.ledgers.opening import ask_gate, open_store, registers_of
from orchestrator.engine.session import Session
from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.lease import patience_of
from orchestrator.ledger.stores.listing import git_ledgers
from orchestrator.plans.events import Notice
from orchestrator.plans.objects import Owner
from orchestrator.stack.model import LedgerStore

Wanted = Callable[[Owner], bool]
_LEAST = 2  # parts of the name of a directory that holds a ledger: stack and environment


def survey(
    session: Session, *, wanted: Wanted = lambda _owner: True
) -> Mapping[Owner, LedgerState]:
    """Return the state of each ledger that is wanted, of the place where the session's is; sorted.

    A remote that does not answer is told, and then what this clone has is all. In a cluster there are none as long
    as nobody says which one it is. Raises LedgerError, RepositoryError, ClusterError, PlanRefused.
    """
    if _in_some_cluster(session):
        return {}
    ask_gate(session)
    match session.stack.ledger.store:
        case LedgerStore.GIT:
            return _in_git(session, wanted)
        case LedgerStore.DIRECTORY:
            return _opened(session, filter(wanted, _in_directory(session)))
        case LedgerStore.CLUSTER:
            return _opened(session, filter(wanted, _in_cluster(session)))


def _in_git(session: Session, wanted: Wanted) -> Mapping[Owner, LedgerState]:
    around, name = session.surroundings, session.stack.ledger.remote
    plumbing = session.repository.plumbing(patience=patience_of(around.settings), stop=around.stop)
    remote = None if name is None else session.repository.remote(name)
    try:
        return git_ledgers(plumbing, remote=remote, wanted=wanted)
    except LedgerError as error:
        if remote is None or around.stop.requested:
            raise
        text = f"{error.message}; the ledgers told are those of this clone"
        around.on_event(Notice(text=text))
        return git_ledgers(plumbing, remote=None, wanted=wanted)


def _in_directory(session: Session) -> list[Owner]:
    """Return whose ledgers are in the directory, sorted."""
    base = session.repository.root / Path(session.stack.ledger.path).expanduser()
    folders = (head.parent.relative_to(base).parts for head in base.glob("*/*/head.json"))
    named = sorted(parts for parts in folders if len(parts) == _LEAST)
    return [Owner(stack=stack, environment=environment) for stack, environment in named]


def _in_cluster(session: Session) -> list[Owner]:
    """Return whose ledgers are in the namespace, sorted."""
    from orchestrator.ledger.stores.cluster import owners_in

    return owners_in(registers_of(session))


def _in_some_cluster(session: Session) -> bool:
    """Whether the ledgers are in a cluster of which nobody says which: a stack's own is known of a stack alone."""
    return session.stack.ledger.in_own_cluster and not session.stack.file


def _opened(session: Session, owners: Iterable[Owner]) -> dict[Owner, LedgerState]:
    return {owner: open_store(_session_of(session, owner)).read() for owner in owners}


def _session_of(session: Session, owner: Owner) -> Session:
    stack = replace(session.stack, name=owner.stack, environment=owner.environment)
    return replace(session, stack=stack)
