"""Pods that hold a claim which is to be made anew, and stay: it would be deleted for ever, and never be gone."""

from collections.abc import Iterable, Iterator

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.live import Live, mapping, mappings, text
from orchestrator.workloads.ownership import uid_of
from orchestrator.workloads.planning.asking.cases import Cases

_CLAIM = ("", "PersistentVolumeClaim")


def held(cluster: Cluster, cases: Cases) -> dict[ObjectRef, ClusterError]:
    """Return the claims that are not to be deleted to be made anew, since Pods use them that nothing takes away first.

    Whoever may not list Pods is told nothing. Raises what a cluster does.
    """
    anew = [case for case in cases.values() if case.replaced is not None and case.live]
    claims = [
        case for case in anew if (case.submission.ref.group, case.submission.ref.kind) == _CLAIM
    ]
    namespaces = sorted({case.submission.ref.namespace for case in claims})
    pods = {namespace: _pods(cluster, namespace) for namespace in namespaces}
    found: dict[ObjectRef, ClusterError] = {}
    for claim in claims:
        ref, unit = claim.submission.ref, claim.item.unit
        # A set deletes all that it makes anew at once.
        gone = {uid_of(case.live) for case in anew if case.live and case.item.unit == unit}
        staying = [pod for pod, uids in pods[ref.namespace] if gone.isdisjoint(uids)]
        if names := sorted(holders(ref.name, staying)):
            found[ref] = _refusal(ref, names)
    return found


def holders(claim: str, pods: Iterable[Live]) -> Iterator[str]:
    """Yield the names of Pods that keep a claim from being gone: those that a node was told to run. Pure."""
    for pod in pods:
        spec = mapping(pod, "spec")
        ended = mapping(pod, "status").get("phase") in {"Succeeded", "Failed"}
        uses = (mapping(volume, "persistentVolumeClaim") for volume in mappings(spec, "volumes"))
        if (
            spec.get("nodeName")
            and not ended
            and any(use.get("claimName") == claim for use in uses)
        ):
            yield text(mapping(pod, "metadata"), "name")


def _pods(cluster: Cluster, namespace: str) -> list[tuple[Live, frozenset[str]]]:
    """Return the Pods of a namespace, each with its uid and those of what it goes with."""
    try:
        pods = _listed(cluster, namespace, "", "Pod")
        sets = {
            uid_of(each): _owner(each) for each in _listed(cluster, namespace, "apps", "ReplicaSet")
        }
    except AccessDenied:
        return []
    owners = ((pod, _owner(pod)) for pod in pods)
    return [(pod, frozenset({uid_of(pod), owner, sets.get(owner, "")})) for pod, owner in owners]


def _listed(cluster: Cluster, namespace: str, group: str, kind: str) -> list[Live]:
    some = ObjectRef(group=group, version="v1", kind=kind, namespace=namespace, name="any")
    return cluster.list_in(cluster.resource(some), namespace, query={})


def _owner(live: Live) -> str:
    owners = mappings(mapping(live, "metadata"), "ownerReferences")
    return next((text(each, "uid") for each in owners if each.get("controller") is True), "")


def _refusal(ref: ObjectRef, names: list[str]) -> ClusterError:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return ClusterError(
        f"{ref} has to be replaced, and would not be gone: the Pod {names[0]}{more} uses it and is not made anew",
        hint="let its Pods end first (scale down what runs them, and apply that), or give the claim another name",
    )
