"""Why an object that is being deleted is still there: what holds it, who set that, and whether anybody is left."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.records.notation import records_in

_MOST_LISTED: Final = 5
_KNOWN: Final = {
    "batch.kubernetes.io/job-tracking": "the Job controller has not counted it yet",
    "customresourcecleanup.apiextensions.k8s.io": "objects of its kind are still there",
    "external-provisioner.volume.kubernetes.io/finalizer": "the volume's driver has not removed it",
    "finalizers.fluxcd.io": "a controller of Flux cleans up after it",
    "foregroundDeletion": "what it owns is still being deleted",
    "kubernetes.io/pv-protection": "a claim is still bound to it",
    "kubernetes.io/pvc-protection": "a Pod still uses it",
    "resources-finalizer.argocd.argoproj.io": "Argo CD deletes what it deployed",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's controller has not removed its load balancer",
}
_TOLD_CONDITIONS: Final = frozenset(
    {
        "NamespaceContentRemaining",
        "NamespaceDeletionContentFailure",
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceFinalizersRemaining",
        "Terminating",
    }
)
_WORKLOADS: Final = ("deployments", "statefulsets", "daemonsets")


def reasons(live: Live) -> Iterator[str]:
    """Yield what an object itself says about why it is still there."""
    held = finalizers(live)
    if held:
        told = ", ".join(_told(name, live) for name in held)
        yield f"it waits for the finalizer{'s' if len(held) > 1 else ''} {told}"
    conditions = mapping(live, "status").get("conditions")
    for item in conditions if isinstance(conditions, list) else ():
        match item:
            case {"type": str(kind), "status": "True", "message": str(message)} if (
                kind in _TOLD_CONDITIONS
            ):
                yield message


def finalizers(live: Live) -> tuple[str, ...]:
    """Return the finalizers that hold an object; a namespace's own one says nothing that it does not."""
    found = mapping(live, "metadata").get("finalizers")
    return tuple(map(str, found)) if isinstance(found, list) else ()


def findings(cluster: Cluster, stuck: Mapping[ObjectRef, Live]) -> tuple[str, ...]:
    """Return what the rest of the cluster says about objects that do not go, for people.

    That is the objects of a kind that is to go, and whether a workload has the name of who set a finalizer.
    What we may not look at is left out.
    """
    try:
        return (*_instances(cluster, stuck.values()), *_controllers(cluster, stuck.values()))
    except ClusterError:
        return ()


def _told(finalizer: str, live: Live) -> str:
    known = _KNOWN.get(finalizer)
    if known:
        return f"{finalizer} ({known})"
    manager, since = set_by(finalizer, live)
    return (
        f"{finalizer} (set by {manager}{f' at {since}' if since else ''})" if manager else finalizer
    )


def set_by(finalizer: str, live: Live) -> tuple[str, str]:
    """Return which manager set a finalizer, and when; empty where the object does not tell."""
    for record in records_in(live):
        metadata = mapping(mapping(record, "fieldsV1"), "f:metadata")
        if f'v:"{finalizer}"' in mapping(metadata, "f:finalizers"):
            return str(record.get("manager", "")), str(record.get("time", ""))
    return "", ""


def _instances(cluster: Cluster, stuck: Iterable[Live]) -> Iterator[str]:
    for live in stuck:
        resource = _defined(live)
        if resource is None:
            continue
        left = cluster.list_in(resource, "", query={})
        for item in left[:_MOST_LISTED]:
            held = ", ".join(_told(name, item) for name in finalizers(item))
            why = f" waits for {held}" if held else " is still there"
            yield f"{resource.kind} {_name(item)}{why}"
        if len(left) > _MOST_LISTED:
            yield f"and {len(left) - _MOST_LISTED} more of kind {resource.kind}"


def _defined(definition: Live) -> Resource | None:
    match definition:
        case {
            "kind": "CustomResourceDefinition",
            "spec": {
                "group": str(group),
                "names": {"kind": str(kind), "plural": str(plural)},
                "scope": scope,
            },
            "status": {"storedVersions": [str(version), *_]},
        }:
            return Resource(
                group=group,
                version=version,
                kind=kind,
                plural=plural,
                namespaced=scope == "Namespaced",
            )
        case _:
            return None


def _controllers(cluster: Cluster, stuck: Iterable[Live]) -> Iterator[str]:
    managers = {
        manager
        for live in stuck
        for name in finalizers(live)
        if name not in _KNOWN and (manager := set_by(name, live)[0])
    }
    if not managers:
        return
    workloads = tuple(_workloads(cluster))
    for manager in sorted(managers):
        like = [item for item in workloads if manager in _name(item).rpartition("/")[2]]
        if not like:
            yield f"no Deployment, StatefulSet or DaemonSet of this cluster is named like {manager}"
        for item in like[:_MOST_LISTED]:
            yield f"{_name(item)}, which is named like {manager}, has {_ready(item)}"


def _workloads(cluster: Cluster) -> Iterator[Live]:
    kinds = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
    for plural in _WORKLOADS:
        found = cluster.kinds().find("apps", kinds[plural])
        if found:
            yield from cluster.list_in(found, "", query={})


def _ready(item: Live) -> str:
    status = mapping(item, "status")
    ready = status.get("readyReplicas") or status.get("numberReady") or 0
    return f"{ready} Pod{'s' if ready != 1 else ''} ready"


def _name(item: Live) -> str:
    metadata = mapping(item, "metadata")
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{namespace}{metadata.get('name')}"
