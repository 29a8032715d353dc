"""What a cluster says itself that a stack owns, for when nothing else tells it any more."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.workloads.cluster.api import Cluster, Wanted
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import uid_of, unit_of
from orchestrator.workloads.records.owned import Record, records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rediscovered:
    """The objects that carry a stack's labels and that we applied, sorted; ``unseen`` are kinds we may not list."""

    objects: tuple[OwnedObject, ...] = ()
    unseen: tuple[str, ...] = ()


def rediscover(cluster: Cluster, owner: Owner, namespaces: Iterable[str]) -> Rediscovered:
    """Look through all kinds of a cluster for an owner's objects.

    ``namespaces`` are looked through one by one where all of them together may not be listed. Raises
    ClusterUnreachable when a part of the API does not answer: what it holds cannot be told.
    """
    kinds = cluster.kinds(refresh=True)
    cluster.check_answering((group, "") for group, _ in kinds.stale)
    around = frozenset(filter(None, namespaces))
    wanted = [
        Wanted(resource=versions[0], namespaces=around)
        for _, versions in sorted(kinds.resources.items())
    ]
    live, unseen = _listed(cluster, owner, wanted)
    found = {owned.ref: owned for ref, each in live.items() for owned in _owned(ref, each)}
    return Rediscovered(objects=tuple(sorted(found.values())), unseen=tuple(unseen))


def _listed(
    cluster: Cluster, owner: Owner, wanted: Sequence[Wanted]
) -> tuple[dict[ObjectRef, Live], list[str]]:
    try:
        return cluster.list_owned(wanted, owner), []
    except AccessDenied:
        found: dict[ObjectRef, Live] = {}
        unseen: list[str] = []
    for one in wanted:
        try:
            found |= cluster.list_owned([one], owner)
        except AccessDenied:
            unseen.append(_told(one.resource))
    return found, unseen


def _owned(ref: ObjectRef, live: Live) -> Iterator[OwnedObject]:
    """Yield the object if we applied it: controllers copy labels to what they make of it.

    Some kinds are served by two groups; the record of who set what says in which one it was applied.
    """
    unit = unit_of(live)
    ours = next((record for record in records_of(live) if record.ours), None)
    if unit is None or ours is None or _group(ours) != ref.group:
        return
    version = ours.version.rpartition("/")[2]
    yield OwnedObject(ref=replace(ref, version=version), unit=unit, uid=uid_of(live))


def _group(record: Record) -> str:
    return record.version.rpartition("/")[0]


def _told(resource: Resource) -> str:
    return resource.qualified
