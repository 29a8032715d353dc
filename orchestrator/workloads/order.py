"""The order in which kinds are applied; deletion runs it backwards.

Objects of one rank go in one batch: nothing inside a batch needs another object of it to be accepted.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final, TypeVar

from orchestrator.plans.objects import ObjectRef

T = TypeVar("T")

FOUNDATION: Final = 0
"""What others cannot even be submitted without: definitions, namespaces, cluster-wide roles and classes."""

_WORKLOADS: Final = 4
_OTHERS: Final = 5
_GATES: Final = 6

_RANKS: Final = {
    "CustomResourceDefinition": FOUNDATION,
    "Namespace": FOUNDATION,
    "ClusterRole": FOUNDATION,
    "ResourceQuota": 1,
    "LimitRange": 1,
    "ServiceAccount": 1,
    "Role": 1,
    "ClusterRoleBinding": 2,
    "RoleBinding": 2,
    "ConfigMap": 3,
    "Secret": 3,
    "Service": 3,
    "PersistentVolume": 3,
    "PersistentVolumeClaim": 3,
    "Deployment": _WORKLOADS,
    "StatefulSet": _WORKLOADS,
    "DaemonSet": _WORKLOADS,
    "ReplicaSet": _WORKLOADS,
    "Pod": _WORKLOADS,
    "Job": _WORKLOADS,
    "CronJob": _WORKLOADS,
    # A webhook that fails closed would refuse everything that comes after it.
    "MutatingWebhookConfiguration": _GATES,
    "ValidatingWebhookConfiguration": _GATES,
}


def rank(ref: ObjectRef) -> int:
    """Return the batch that an object belongs to, counted from 0."""
    if ref.kind.endswith("Class"):
        return FOUNDATION
    foreign = "." in ref.group and not ref.group.endswith(".k8s.io")
    return _OTHERS if foreign else _RANKS.get(ref.kind, _OTHERS)


def batches(items: Iterable[tuple[ObjectRef, T]]) -> tuple[tuple[T, ...], ...]:
    """Return the items in batches, in the order of application, each batch sorted by reference."""
    ordered = sorted(items, key=lambda item: (rank(item[0]), item[0]))
    return tuple(
        tuple(item for _, item in batch) for _, batch in groupby(ordered, key=lambda i: rank(i[0]))
    )


def reverse_batches(items: Iterable[tuple[ObjectRef, T]]) -> tuple[tuple[T, ...], ...]:
    """Return the items in batches, in the order of deletion."""
    return tuple(reversed(batches(items)))
