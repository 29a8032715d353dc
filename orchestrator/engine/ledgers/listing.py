"""All ledgers of the place where a stack keeps its own: whose they are, and what each says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.engine.ledgers.opening import ask_gate, directory_of, open_store, registers_of
from orchestrator.engine.session import Session
from orchestrator.errors import LedgerError, LedgerUnreachable
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.lease import patience_of
from orchestrator.ledger.stores.listing import git_ledgers
from orchestrator.plans.events import Notice
from orchestrator.plans.objects import Owner
from orchestrator.stack.model import LedgerStore

Wanted = Callable[[Owner], bool]
Listed = Mapping[Owner, LedgerState | None]
"""The state of each ledger, None of one that is damaged, or that a newer orchestrator wrote."""


def survey(session: Session, *, wanted: Wanted = lambda _owner: True) -> Listed:
    """Return the state of each ledger that is wanted, of the place where the session's is; sorted.

    One that cannot be read is told, as a remote that does not answer is: then what this clone has is all. In a cluster
    there are none as long as nobody says which one it is. Raises LedgerError, RepositoryError, ClusterError,
    PlanRefused.
    """
    if _in_some_cluster(session):
        return {}
    ask_gate(session)
    match session.stack.ledger.store:
        case LedgerStore.GIT:
            return _in_git(session, wanted)
        case LedgerStore.DIRECTORY:
            return dict(_opened(session, filter(wanted, _in_directory(session))))
        case LedgerStore.CLUSTER:
            return dict(_opened(session, filter(wanted, _in_cluster(session))))


def _in_git(session: Session, wanted: Wanted) -> Listed:
    found = _refs_of(session, wanted)
    for owner in (each for each, state in found.items() if state is None):
        words = f"{owner.stack} --env {owner.environment}"
        _tell_unread(session, owner, f"orchestrator ledger verify {words} says why")
    return found


def _tell_unread(session: Session, owner: Owner, why: str) -> None:
    text = f"the ledger of {owner} cannot be read: {why}"
    session.surroundings.on_event(Notice(text=text))


def _refs_of(session: Session, wanted: Wanted) -> Listed:
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
    from orchestrator.ledger.stores.directory import owners_in

    return owners_in(directory_of(session))


def _in_cluster(session: Session) -> list[Owner]:
    """Return whose ledgers are in the namespace, sorted."""
    from orchestrator.ledger.stores.cluster import owners_in

    return owners_in(registers_of(session))


def _in_some_cluster(session: Session) -> bool:
    """Whether the ledgers are in a cluster of which nobody says which: a stack's own is known of a stack alone."""
    return session.stack.ledger.in_own_cluster and not session.stack.file


def _opened(
    session: Session, owners: Iterable[Owner]
) -> Iterator[tuple[Owner, LedgerState | None]]:
    for owner in owners:
        try:
            yield owner, open_store(_session_of(session, owner)).read()
        except LedgerUnreachable:
            raise
        except LedgerError as error:
            _tell_unread(session, owner, error.message)
            yield owner, None


def _session_of(session: Session, owner: Owner) -> Session:
    stack = replace(session.stack, name=owner.stack, environment=owner.environment)
    return replace(session, stack=stack)
