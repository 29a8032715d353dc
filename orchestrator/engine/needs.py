"""What the stacks of a repository want of their clusters, as far as Git and the ledgers tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.engine.ledgers.opening import in_ledgers_cluster, open_store
from orchestrator.engine.planning.connection import other_cluster
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.session import Session, Surroundings
from orchestrator.errors import InvalidStack
from orchestrator.plans.objects import ObjectRef
from orchestrator.repository.repository import open_repository
from orchestrator.stack.expressions import Tree
from orchestrator.stack.load import StackFile, find_stacks, load_project, read_environments
from orchestrator.stack.model import LedgerStore
from orchestrator.stack.scope import scope_of
from orchestrator.workloads.kinds import BUILT_IN, Kinds
from orchestrator.workloads.manifests.rendering import render
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.pending import completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What a stack in an environment declares and owns.

    ``file`` is where it is declared. ``values`` are the manifests by object, ``owned`` what its inventory has besides,
    ``unplaced`` the titles of objects whose namespace is known only later. ``plurals`` are those of kinds that it
    defines, by group and kind. ``ledger`` is the namespace that its ledger is in, where that is in the cluster at hand.
    ``local`` says that the state of its modules is in a directory of whoever applies it, ``elsewhere`` in which cluster
    it is, where that is another one than the one at hand.
    """

    stack: str
    environment: str
    file: str
    values: dict[ObjectRef, dict[str, Tree]]
    owned: frozenset[ObjectRef]
    unplaced: tuple[str, ...]
    plurals: dict[tuple[str, str], str]
    ledger: str
    local: bool = False
    elsewhere: str = ""


def wants(around: Surroundings, concerned: Callable[[StackFile], bool]) -> Iterator[Wants]:
    """Yield what stacks of the repository at hand want, as the working tree has them, in each environment.

    ``concerned`` says of a stack whether it is asked about. Raises InvalidStack, UsageError, RepositoryError,
    LedgerError.
    """
    repository = open_repository(around.directory)
    revision = repository.working_revision()
    tree = repository.export(revision)
    project = load_project(tree)
    for file in find_stacks(tree, project):
        if not concerned(file):
            continue
        for stack, mistakes in read_environments(tree, file, project):
            if mistakes:
                raise InvalidStack(mistakes)
            session = Session(
                surroundings=around,
                repository=repository,
                revision=revision,
                tree=tree,
                stack=stack,
            )
            yield _wants(session, file.file)


def _wants(session: Session, file: str) -> Wants:
    stack = session.stack
    wanted = read_wanted(session.tree, stack)
    defining = (completed(each.value, None) for each in _objects(wanted, BUILT_IN))
    kinds = BUILT_IN.with_definitions(defining)
    objects = _objects(wanted, kinds)
    return Wants(
        stack=stack.name,
        environment=stack.environment,
        file=file,
        values={each.ref: dict(each.value) for each in objects if each.ref},
        owned=frozenset(each.ref for each in open_store(session).read().inventory),
        unplaced=tuple(each.title for each in objects if not each.ref),
        plurals={key: found[0].plural for key, found in kinds.resources.items()},
        ledger=_ledger_at_hand(session),
        local=bool(stack.modules) and stack.state.backend == "local",
        elsewhere=other_cluster(session),
    )


def _ledger_at_hand(session: Session) -> str:
    """Return the namespace that the ledger is in, empty where that is not in the cluster at hand."""
    ledger = session.stack.ledger
    if ledger.store is not LedgerStore.CLUSTER or other_cluster(in_ledgers_cluster(session)):
        return ""
    return ledger.namespace


def _objects(wanted: Wanted, kinds: Kinds) -> list[WantedObject]:
    found: list[WantedObject] = []
    for unit, manifests in wanted.manifests.items():
        scope = scope_of(wanted.stack, unit)
        found += render(manifests, wanted.documents[unit], scope, kinds=kinds).objects
    return found
