"""What a cluster says itself that a stack owns, for when nothing else tells it any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.workloads.claimed import claimed, has_to_be_known
from orchestrator.workloads.cluster.answers import NotServed
from orchestrator.workloads.cluster.api import Cluster, Wanted
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Rediscovered:
    """The objects that carry a stack's labels and that we applied, sorted; ``unseen`` are kinds we may not list.

    ``spared`` are those of them that a ledger need not know, since they ask to stay or are being deleted. ``silent``
    are the parts of the API, as ``group/version``, that do not answer.
    """

    objects: tuple[OwnedObject, ...] = ()
    spared: frozenset[ObjectRef] = frozenset()
    unseen: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def rediscover(cluster: Cluster, owner: Owner, namespaces: Iterable[str]) -> Rediscovered:
    """Look through all kinds of a cluster for an owner's objects.

    ``namespaces`` are looked through one by one where all of them together may not be listed. Raises
    ClusterUnreachable when a part of the API does not answer: what it holds cannot be told.
    """
    kinds = cluster.kinds(refresh=True)
    cluster.check_answering((group, "") for group, _ in kinds.stale)
    return look_around(cluster, owner, namespaces)


def look_around(cluster: Cluster, owner: Owner, namespaces: Iterable[str]) -> Rediscovered:
    """Look through the kinds of a cluster that are served now, as far as one can, for an owner's objects.

    What is served by a part of the API that does not answer is left out. Raises ClusterUnreachable.
    """
    kinds = cluster.kinds()
    around = frozenset(filter(None, namespaces))
    wanted = [
        Wanted(resource=versions[0], namespaces=around)
        for _, versions in sorted(kinds.resources.items())
    ]
    live, unseen = _listed(cluster, owner, wanted)
    found = {owned.ref: owned for ref, each in live.items() if (owned := claimed(ref, each))}
    return Rediscovered(
        objects=tuple(sorted(found.values())),
        spared=frozenset(ref for ref, each in live.items() if not has_to_be_known(each)),
        unseen=tuple(unseen),
        silent=tuple(sorted(f"{group}/{version}" for group, version in kinds.stale)),
    )


def _listed(
    cluster: Cluster, owner: Owner, wanted: Sequence[Wanted]
) -> tuple[dict[ObjectRef, Live], list[str]]:
    try:
        return cluster.list_owned(wanted, owner), []
    except (AccessDenied, NotServed):
        found: dict[ObjectRef, Live] = {}
        unseen: list[str] = []
    for one in wanted:
        try:
            found |= cluster.list_owned([one], owner)
        except AccessDenied:
            unseen.append(_told(one.resource))
        except NotServed:  # its definition was deleted a moment ago, and all of its kind with it
            continue
    return found, unseen


def _told(resource: Resource) -> str:
    return resource.qualified
