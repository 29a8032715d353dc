"""What the stacks of a repository may use, by the agent's own word: nobody who writes there can widen it.

Whatever Git says of it is checked before anything is planned, and what only a plan tells before anything is done.
"""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from orchestrator.agent.configuration.model import Allowed
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.model import Cluster, Json, Ledger, LedgerStore, Module
from orchestrator.stack.reference import OPENING

_CURRENT = "current"
_SANDBOX = "sandbox"


def check_stack(session: Session, allowed: Allowed) -> None:
    """Refuse a stack that uses what its repository may not, as far as Git says it; raises PlanRefused."""
    refused = [
        *_clusters(session.stack.cluster, allowed.clusters),
        *_ledgers(session.stack.ledger, allowed.ledgers),
        *_sources(session.stack.modules, allowed.sources),
        *_written(session, allowed.namespaces),
    ]
    _refuse(session.owner, refused)


def check_planned(planned: Planned, allowed: Allowed) -> None:
    """Refuse a plan that reaches into a namespace that is not the repository's; raises PlanRefused."""
    refs = {step.ref for each in planned.sets.values() if each.result for step in each.result.steps}
    refs |= {owned.ref for owned in planned.ledger.inventory}
    check_objects(refs, allowed, owner=planned.session.owner)


def check_objects(refs: Iterable[ObjectRef], allowed: Allowed, *, owner: Owner) -> None:
    """Refuse objects in namespaces that are not the repository's; raises PlanRefused."""
    patterns = allowed.namespaces
    if patterns is None:
        return
    outside = sorted(ref for ref in refs if not _matches(_namespace(ref), patterns))
    _refuse(owner, [f"{ref} is not in one of its namespaces" for ref in outside])


def _written(session: Session, patterns: Sequence[str] | None) -> Iterator[str]:
    """Yield what manifests say outright of namespaces; what they take from elsewhere the plan tells."""
    if patterns is None:
        return
    memory = session.repository.folder / "manifests"
    wanted = read_wanted(session.tree, session.stack, memory=memory)
    for unit, documents in wanted.documents.items():
        usual = wanted.manifests[unit].namespace
        for document in documents:
            metadata = document.value.get("metadata")
            namespace = (metadata.get("namespace") if isinstance(metadata, dict) else None) or usual
            told = isinstance(namespace, str) and OPENING not in namespace
            if told and not _matches(str(namespace), patterns):
                yield f"an object of {unit} is in {namespace}, which is not one of its namespaces"


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


def _refuse(owner: Owner, refused: Sequence[str]) -> None:
    if refused:
        raise PlanRefused(
            f"{owner} uses what its repository may not: {refused[0]}",
            hint="the agent's own file says what it may, at `allow`",
            detail="\n".join(refused),
        )
