"""What the stacks of a repository may use, by the agent's own word: nobody who writes there can widen it.

Whatever Git says of it is checked before anything is planned, and what only a plan tells before anything is done.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from orchestrator.agent.configuration.model import Allowed
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Cluster, Json, Ledger, LedgerStore, Module

_CURRENT = "current"
_SANDBOX = "sandbox"


def check_stack(session: Session, allowed: Allowed) -> None:
    """Refuse a stack that uses what its repository may not; raises PlanRefused with all of it."""
    refused = [
        *_clusters(session.stack.cluster, allowed.clusters),
        *_ledgers(session.stack.ledger, allowed.ledgers),
        *_sources(session.stack.modules, allowed.sources),
    ]
    _refuse(session, refused)


def check_planned(planned: Planned, allowed: Allowed) -> None:
    """Refuse a plan that reaches into a namespace that is not the repository's; raises PlanRefused."""
    if allowed.namespaces is None:
        return
    refs = {step.ref for each in planned.sets.values() if each.result for step in each.result.steps}
    refs |= {owned.ref for owned in planned.ledger.inventory}
    refused = [
        f"{ref} is not in one of its namespaces"
        for ref in sorted(refs)
        if not _matches(_namespace(ref), allowed.namespaces)
    ]
    _refuse(planned.session, refused)


def _namespace(ref: ObjectRef) -> str:
    """Return the namespace that an object counts to; a Namespace counts to itself."""
    return ref.name if ref.kind == "Namespace" and not ref.group else ref.namespace


def _clusters(cluster: Cluster, patterns: Sequence[str] | None) -> Iterator[str]:
    if patterns is None:
        return
    if cluster.kubeconfig or cluster.exec:
        yield "it brings a kubeconfig or a program for credentials of its own"
    name = _cluster(cluster)
    if not _matches(name, patterns):
        yield f"the cluster {name} is not one of its clusters"


def _cluster(cluster: Cluster) -> str:
    if cluster.sandbox:
        return _SANDBOX
    return _text(cluster.server) or _text(cluster.context) or _CURRENT


def _ledgers(ledger: Ledger, patterns: Sequence[str] | None) -> Iterator[str]:
    name = {
        LedgerStore.GIT: "git",
        LedgerStore.DIRECTORY: f"directory:{ledger.path}",
        LedgerStore.CLUSTER: f"cluster:{ledger.namespace}",
    }[ledger.store]
    if patterns is not None and not _matches(name, patterns):
        yield f"the ledger {name} is not one of its ledgers"


def _sources(modules: Sequence[Module], patterns: Sequence[str] | None) -> Iterator[str]:
    for module in modules:
        if patterns is not None and not module.local and not _matches(module.source, patterns):
            yield f"the source {module.source} of {module.id} is not one of its sources"


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _text(value: Json) -> str:
    return "" if value is None else str(value)


def _refuse(session: Session, refused: Sequence[str]) -> None:
    if refused:
        raise PlanRefused(
            f"{session.owner} uses what its repository may not: {refused[0]}",
            hint="the agent's own file says what it may, at `allow`",
            detail="\n".join(refused),
        )
