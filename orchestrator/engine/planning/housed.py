"""Namespaces that are about to go, and the ledgers that are kept in them: all that is known would go with them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from orchestrator.engine.session import Session
from orchestrator.errors import AccessDenied, LedgerError, PlanRefused
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, Owner

if TYPE_CHECKING:
    from orchestrator.ledger.stores.cluster import Objects
    from orchestrator.workloads.cluster import Cluster
    from orchestrator.workloads.planning.steps import SetPlan

_MOST_NAMED: Final = 5


def refuse_to_lose_ledgers(
    session: Session, plans: Iterable["SetPlan"], cluster: "Cluster"
) -> None:
    """Refuse to delete a Namespace, or to make it anew, while a ledger is kept in it, whosever it is.

    Raises PlanRefused, also where we may not look; ClusterError.
    """
    for namespace, stays in doomed_namespaces(plans).items():
        held = {*_own(session, namespace), *kept_in(cluster.registers(namespace), namespace)}
        if held:
            raise refusal(namespace, sorted(map(str, held)), stays=stays)


def doomed_namespaces(plans: Iterable["SetPlan"]) -> Mapping[str, bool]:
    """Return the Namespaces that plans delete or make anew; those that go for good could be left where they are."""
    found: dict[str, bool] = {}
    for plan in plans:
        anew = (step.ref for step in plan.steps if step.action is Action.REPLACE)
        found.update((ref.name, False) for ref in anew if _is_namespace(ref))
        found.update((owned.ref.name, True) for owned in plan.prune if _is_namespace(owned.ref))
    return found


def refusal(namespace: str, owners: Sequence[str], *, stays: bool) -> PlanRefused:
    """Return what a plan is refused with; ``stays`` says that the Namespace could be left where it is."""
    more = len(owners) - _MOST_NAMED
    named = ", ".join(owners[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    ledgers, them = ("ledger", "it") if len(owners) == 1 else ("ledgers", "them")
    how = "would be deleted" if stays else "would be deleted and made anew"
    stay = f"let it stay: kubectl annotate namespace {namespace} orchestrator/prune=disabled; or "
    return PlanRefused(
        f"Namespace {namespace} {how}, and with it the {ledgers} of {named}, kept there",
        hint=f"{stay if stays else ''}take {them} to another place first, by `orchestrator ledger export` and `import`",
    )


def _is_namespace(ref: ObjectRef) -> bool:
    return (ref.group, ref.kind) == ("", "Namespace")


def _own(session: Session, namespace: str) -> list[Owner]:
    """Return whose ledger this run is about to write into the namespace, also where there is nothing in it yet."""
    ledger = session.stack.ledger
    return [session.owner] if ledger.in_own_cluster and ledger.namespace == namespace else []


def kept_in(registers: "Objects", namespace: str) -> list[Owner]:
    """Return whose ledgers are kept in a namespace, without those that moved away; raises PlanRefused, ClusterError."""
    from orchestrator.ledger.stores.cluster import owners_in

    try:
        owners = owners_in(registers, entries=True)
    except AccessDenied as error:
        raise PlanRefused(
            f"Namespace {namespace} would go, and whether ledgers are kept in it cannot be told: {error.message}",
            hint="do it with an account that may list the ConfigMaps in it; or let it stay: "
            f"kubectl annotate namespace {namespace} orchestrator/prune=disabled",
        ) from error
    return [owner for owner in owners if not _moved(owner, registers)]


def _moved(owner: Owner, registers: "Objects") -> bool:
    """Whether a ledger goes on in another place, so that all of it is there; one that cannot be read may not."""
    from orchestrator.ledger.stores.chain import ChainStore
    from orchestrator.ledger.stores.cluster import ClusterShelf

    store = ChainStore(owner, ClusterShelf(owner, registers), is_dead=lambda _holder: False)
    try:
        return store.read().moved is not None
    except LedgerError:
        return False
