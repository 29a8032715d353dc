"""Namespaces that a plan creates: whatever is asked about objects in one, it is not there yet."""

from collections.abc import Iterable, Mapping

from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.live import Live


def missing_namespaces(
    cluster: Cluster, refs: Iterable[ObjectRef], live: Mapping[ObjectRef, Live]
) -> frozenset[str]:
    """Return the names of the namespaces among ``refs`` that are not there; ``live`` are known to be."""
    wanted = [ref for ref in refs if (ref.group, ref.kind) == ("", "Namespace")]
    found = cluster.get_many(ref for ref in wanted if ref not in live)
    return frozenset(ref.name for ref, namespace in found.items() if namespace is None)


def namespace_of(ref: ObjectRef) -> ObjectRef:
    """Return the namespace that an object lives in."""
    return ObjectRef(group="", version="v1", kind="Namespace", namespace="", name=ref.namespace)
