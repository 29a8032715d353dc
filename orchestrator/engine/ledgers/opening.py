"""Opening the ledger of a stack, wherever the stack keeps it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.holder import Holder
from orchestrator.ledger.lease import patience_of
from orchestrator.ledger.presence import surely_dead
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.plans.events import Notice
from orchestrator.processes import Stop
from orchestrator.stack.links import is_file
from orchestrator.stack.model import Cluster, LedgerStore

if TYPE_CHECKING:
    from orchestrator.engine.session import Session, Surroundings
    from orchestrator.ledger.stores.chapters import Binding
    from orchestrator.ledger.stores.shelf import Shelf
    from orchestrator.workloads.cluster.registers import Registers

_INSISTED = 2  # requests to stop


def open_store(session: "Session") -> Store:
    """Open the ledger of the session's stack and environment, once in a run.

    Raises LedgerError, RepositoryError; ClusterError when it is in a cluster that cannot be located; PlanRefused.
    """
    ledger, opened = session.stack.ledger, session.surroundings.ledgers
    key = (session.owner, ledger)
    if key not in opened:
        ask_gate(session)
        opened[key] = _STORES[ledger.store](session)
    return opened[key]


def ask_gate(session: "Session") -> None:
    """Ask whether the ledger may be looked for where it is said to be; raises PlanRefused."""
    gate = session.surroundings.gate
    if gate is not None:
        gate.check_ledger(session)


def read_anew(session: "Session") -> LedgerState:
    """Read the ledger as it is now, also where many stacks share one earlier look at their remote; raises the same."""
    around = session.surroundings
    own = replace(around, looking=None, ledgers={}) if around.looking else around
    return open_store(replace(session, surroundings=own)).read()


def kept_in_clone(session: "Session") -> bool:
    """Whether the ledger is in this clone alone; raises RepositoryError when there is no telling which remote it is."""
    place, repository = session.stack.ledger, session.repository
    match place.store:
        case LedgerStore.GIT:
            return place.remote is None or repository.remote(place.remote) is None
        case LedgerStore.DIRECTORY:
            return directory_of(session).resolve().is_relative_to(repository.root.resolve())
        case LedgerStore.CLUSTER:
            return False


def _in_git(session: "Session") -> Store:
    around = session.surroundings
    wanted = session.stack.ledger.remote
    remote = None if wanted is None else session.repository.remote(wanted)
    looking = around.looking if remote is not None else None
    return GitStore(
        session.owner,
        session.repository.plumbing(patience=patience_of(around.settings), stop=around.stop),
        remote=remote,
        is_dead=_death(session),
        listed=partial(looking.listed, session.repository, remote or "", around.stop)
        if looking
        else None,
    )


def _in_directory(session: "Session") -> Store:
    from orchestrator.ledger.stores.directory import DirectoryShelf
    from orchestrator.ledger.stores.documents import HEAD

    place = directory_of(session)
    shelf = DirectoryShelf(place, str(session.owner))
    if session.repository.notices(Path(shelf.place(HEAD))):
        raise LedgerError(
            f"the ledger of {session.owner} would be among the files of its own repository, in {place}:"
            " each apply would change them, and a checkout would take the ledger back",
            hint=f"let Git ignore it (a line {_ignoring(session, place)} in .gitignore, and git rm -r --cached what it"
            " has of it), or say a directory outside of the repository",
        )
    return _chain(session, shelf)


def _ignoring(session: "Session", place: Path) -> str:
    """Return the line of a .gitignore that keeps a directory of the repository out of Git."""
    return f"/{place.resolve().relative_to(session.repository.root.resolve()).as_posix()}/"


def directory_of(session: "Session") -> Path:
    """Return the directory that the ledger is in."""
    return session.repository.root / Path(session.stack.ledger.path).expanduser()


def _in_cluster(session: "Session") -> Store:
    from orchestrator.ledger.stores.chapters import Binding
    from orchestrator.ledger.stores.cluster import ClusterShelf

    shelf = ClusterShelf(session.owner, registers_of(session))
    return _chain(session, shelf, binding=Binding())  # a cluster has little room for many objects


def _chain(session: "Session", shelf: "Shelf", *, binding: "Binding | None" = None) -> Store:
    from orchestrator.ledger.stores.aside import Aside
    from orchestrator.ledger.stores.chain import ChainStore
    from orchestrator.ledger.stores.directory import DirectoryShelf

    memory = session.repository.folder / "ledgers"
    memory.mkdir(mode=0o700, exist_ok=True)
    key = hashlib.sha256(shelf.title.encode()).hexdigest()[:12]
    seen = DirectoryShelf(memory, f"{session.owner}/{key}")
    return ChainStore(
        session.owner,
        shelf,
        is_dead=_death(session),
        memory=seen,
        aside=Aside(
            owner=session.owner,
            plumbing=session.repository.plumbing(),
            ours=partial(_ours, session),
        ),
        binding=binding,
        tell=lambda text: session.surroundings.on_event(Notice(text=text)),
    )


def _ours(session: "Session", ledger: LedgerState) -> bool:
    """Whether a ledger in a place that others may have one in, too, is of this repository, as far as one can tell."""
    from orchestrator.engine.planning.foreign import is_foreign

    return not is_foreign(session, ledger)


def _death(session: "Session") -> Callable[[Holder], bool]:
    host = session.surroundings.settings.host
    return lambda holder: surely_dead(holder, host=host)


def registers_of(session: "Session") -> "Registers":
    """Return the namespace that the ledger is in, by a connection that ends with the run; raises ClusterError."""
    from orchestrator.engine.planning.connection import open_cluster

    around = session.surroundings
    asking = replace(
        in_ledgers_cluster(session),
        tree=_tree_of_base(session),
        surroundings=replace(around, stop=_patient(around), impersonated=""),
    )
    return open_cluster(asking, {}, around.resources).registers(session.stack.ledger.namespace)


def in_ledgers_cluster(session: "Session") -> "Session":
    """Return a session whose stack is in the cluster that the ledger is in."""
    ledger = session.stack.ledger
    keeper = session.keeper or session.stack  # its variables count, too: the address may hold them
    if ledger.in_own_cluster:
        return replace(session, stack=keeper)
    cluster = Cluster(context=ledger.context or None, kubeconfig=ledger.kubeconfig or None)
    return replace(session, stack=replace(keeper, cluster=cluster))


def _tree_of_base(session: "Session") -> Path:
    """Return the files by which a ledger is found: where a merge is looked at, its base's, unless that has none."""
    from orchestrator.engine.planning.reached import kubeconfig_of_ledger

    around, repository = session.surroundings, session.repository
    file = kubeconfig_of_ledger(session.stack)
    aside = around.aside and session.revision.commit == around.aside
    if not aside or not (file or session.keeper):
        return session.tree
    base = repository.export(repository.revision(around.trusted))
    return base if session.keeper or is_file(base / file) else session.tree


def _patient(around: "Surroundings") -> Stop:
    """Return a request to stop that is only heard the second time: what was done is recorded yet."""
    stop = Stop()
    around.resources.enter_context(stop.unless(lambda: around.stop.requests < _INSISTED))
    return stop


_STORES: Final[Mapping[LedgerStore, Callable[["Session"], Store]]] = {
    LedgerStore.GIT: _in_git,
    LedgerStore.DIRECTORY: _in_directory,
    LedgerStore.CLUSTER: _in_cluster,
}
