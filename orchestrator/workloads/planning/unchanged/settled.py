"""Which objects of a plan need no dry run: those of which can be told here that an apply changes nothing."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live
from orchestrator.workloads.planning.unchanged.atomic import (
    BUILT_IN_GROUPS,
    all_atomic,
    definition_of,
)
from orchestrator.workloads.planning.unchanged.decision import Whole, unchanged


def settled(
    cluster: Cluster,
    submissions: Sequence[Submission],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
) -> frozenset[ObjectRef]:
    """Return the objects that applying these submissions would leave exactly as they are.

    Custom kinds whose objects have lists or maps that may be atomic cost one request each, for their definition.
    """
    wholes = {
        item.ref: found
        for item in submissions
        if item.ref in live and (found := _wholes(item, live[item.ref])) is not None
    }
    unsure = [ref for ref, found in wholes.items() if found and ref.group not in BUILT_IN_GROUPS]
    definitions = _definitions(cluster, unsure, live, kinds=kinds)
    return frozenset(
        ref
        for ref, found in wholes.items()
        if not found or all_atomic(found, ref, definitions.get((ref.group, ref.kind)))
    )


def _wholes(item: Submission, live: Live) -> frozenset[Whole] | None:
    return unchanged(item.manifest, live, built_in=item.ref.group in BUILT_IN_GROUPS)


def _definitions(
    cluster: Cluster, refs: Iterable[ObjectRef], live: Mapping[ObjectRef, Live], *, kinds: Kinds
) -> dict[tuple[str, str], Live | None]:
    named = {
        (ref.group, ref.kind): definition_of(ref.group, found.plural)
        for ref in refs
        if (found := kinds.find(ref.group, ref.kind))
    }
    missing = [ref for ref in named.values() if ref not in live]
    try:
        fetched = cluster.get_many(missing)
    except (
        AccessDenied
    ):  # not everybody may read definitions: then the server is asked about the objects
        fetched = {}
    return {key: live.get(ref) or fetched.get(ref) for key, ref in named.items()}
