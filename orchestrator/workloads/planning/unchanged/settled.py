"""Which objects of a plan need no dry run: those of which can be told here that an apply changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live
from orchestrator.workloads.planning.unchanged.admission import Mutation, met_by_all
from orchestrator.workloads.planning.unchanged.atomic import (
    BUILT_IN_GROUPS,
    definition_of,
    misfits,
)
from orchestrator.workloads.planning.unchanged.decision import Walked, unchanged


def settled(
    cluster: Cluster,
    submissions: Sequence[Submission],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
    mutations: Sequence[Mutation] = (),
) -> frozenset[ObjectRef]:
    """Return the objects that applying these submissions would leave exactly as they are.

    A custom kind with such objects costs one request, for its definition: how that merges may have changed since
    the last apply. Where this plan changes it, nobody can tell; nor where ``mutations`` are newer than that.
    """
    fitting = {
        item.ref: found
        for item in submissions
        if item.ref in live
        and (item.ref.group, item.ref.kind) not in kinds.defined
        and _met(item.ref, live[item.ref], kinds, mutations)
        and (found := _walked(item, live[item.ref])) is not None
    }
    custom = [ref for ref in fitting if ref.group not in BUILT_IN_GROUPS]
    definitions = _definitions(cluster, custom, live, kinds=kinds)
    alike: dict[ObjectRef, dict[ObjectRef, frozenset[Walked]]] = {}
    for ref, walked in fitting.items():
        alike.setdefault(replace(ref, namespace="", name=""), {})[ref] = walked
    return frozenset(
        ref
        for kind, objects in alike.items()
        for ref in _merged_as_walked(objects, kind, definitions.get((kind.group, kind.kind)))
    )


def _merged_as_walked(
    objects: Mapping[ObjectRef, frozenset[Walked]], kind: ObjectRef, definition: Live | None
) -> Iterator[ObjectRef]:
    """Yield the objects of one kind and version that its schema has merged as they were compared."""
    unknown = misfits(frozenset().union(*objects.values()), kind, definition)
    return (ref for ref, walked in objects.items() if unknown.isdisjoint(walked))


def _met(ref: ObjectRef, live: Live, kinds: Kinds, mutations: Sequence[Mutation]) -> bool:
    resource = kinds.serving(ref)
    return resource is not None and met_by_all(live, resource, mutations)


def _walked(item: Submission, live: Live) -> frozenset[Walked] | None:
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
    except AccessDenied:
        # Not everybody may read definitions: then the server is asked about the objects.
        fetched = {}
    return {key: live.get(ref) or fetched.get(ref) for key, ref in named.items()}
