"""The order in which kinds are applied; deletion runs it backwards.

Objects of one rank go in one batch: nothing inside a batch needs another object of it to be accepted.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeVar

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId

T = TypeVar("T")

FOUNDATION: Final = 0
"""What others cannot even be submitted without: definitions, namespaces and cluster-wide roles."""

# Objects name their class, whoever brings it; its own kind may be defined by the same set, or its namespace.
_CLASSES: Final = 1
_WORKLOADS: Final = 5
_OTHERS: Final = 6
_CUSTOM: Final = 7
_GATES: Final = 8

# The groups of Kubernetes' own classes; those of its other groups, such as GatewayClass, have controllers of vendors.
_OWN_CLASSES: Final = frozenset(
    {
        "networking.k8s.io",
        "node.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)

_RANKS: Final = {
    "CustomResourceDefinition": FOUNDATION,
    "Namespace": FOUNDATION,
    "ClusterRole": FOUNDATION,
    "ResourceQuota": 2,
    "LimitRange": 2,
    "ServiceAccount": 2,
    "Role": 2,
    "ClusterRoleBinding": 3,
    "RoleBinding": 3,
    "ConfigMap": 4,
    "Secret": 4,
    "Service": 4,
    "PersistentVolume": 4,
    "PersistentVolumeClaim": 4,
    "Deployment": _WORKLOADS,
    "StatefulSet": _WORKLOADS,
    "DaemonSet": _WORKLOADS,
    "ReplicaSet": _WORKLOADS,
    "Pod": _WORKLOADS,
    "Job": _WORKLOADS,
    "CronJob": _WORKLOADS,
    # What is asked about every object: where it fails closed, it would refuse everything that comes after it.
    "MutatingAdmissionPolicy": _GATES,
    "MutatingAdmissionPolicyBinding": _GATES,
    "MutatingWebhookConfiguration": _GATES,
    "ValidatingAdmissionPolicy": _GATES,
    "ValidatingAdmissionPolicyBinding": _GATES,
    "ValidatingWebhookConfiguration": _GATES,
}


def rank(ref: ObjectRef) -> int:
    """Return the batch that an object belongs to, counted from 0."""
    if _is_class(ref):
        return _CLASSES
    return _CUSTOM if _custom(ref) else _RANKS.get(ref.kind, _OTHERS)


def deletion_order(
    units: Sequence[UnitId], doomed: Mapping[UnitId, Iterable[ObjectRef]]
) -> tuple[UnitId, ...]:
    """Return units in the order of deletion: as given, but for what has to go before something else of it.

    Custom resources go before the definition of their kind, and what is in a namespace before that, also
    where they belong to another unit that knows nothing of it. ``doomed`` are the objects that each deletes.
    """
    lives = {unit: _surroundings(doomed.get(unit, ())) for unit in units}
    first = {unit: _before(unit, doomed.get(unit, ()), lives) for unit in units}
    order: list[UnitId] = []
    while len(order) < len(units):
        left = [unit for unit in units if unit not in order]
        free = (unit for unit in left if first[unit].issubset(order))
        order.append(next(free, left[0]))  # in a circle the given order has to do
    return tuple(order)


def _surroundings(refs: Iterable[ObjectRef]) -> frozenset[tuple[str, str]]:
    """Return what objects cannot be without: the definition of their group, and their namespace."""
    return frozenset(
        pair for ref in refs for pair in (("group", ref.group), ("namespace", ref.namespace))
    )


def _before(
    unit: UnitId,
    doomed: Iterable[ObjectRef],
    lives: Mapping[UnitId, frozenset[tuple[str, str]]],
) -> set[UnitId]:
    """Return the units whose objects cannot be without what this one deletes."""
    taken: set[tuple[str, str]] = set()
    for ref in doomed:
        match ref.group, ref.kind:
            case "", "Namespace":
                taken.add(("namespace", ref.name))
            case "apiextensions.k8s.io", "CustomResourceDefinition":
                taken.add(("group", ref.name.partition(".")[2]))
            case _:
                pass
    return {other for other, needs in lives.items() if other != unit and needs & taken}


def batches(items: Iterable[tuple[ObjectRef, T]]) -> tuple[tuple[T, ...], ...]:
    """Return the items in batches, in the order of application, each batch sorted by reference."""
    ordered = sorted(items, key=lambda item: (rank(item[0]), item[0]))
    return tuple(
        tuple(item for _, item in batch) for _, batch in groupby(ordered, key=lambda i: rank(i[0]))
    )


def reverse_batches(items: Iterable[tuple[ObjectRef, T]]) -> tuple[tuple[T, ...], ...]:
    """Return the items in batches, in the order of deletion: backwards, but for classes of vendors.

    These may hold a finalizer of a controller that is deleted with them, so they go before it, and after what names
    them, which runs nothing either.
    """
    found = [*items]
    classes = [item for item in found if _is_a_vendors_class(item[0])]
    others = [item for item in found if not _is_a_vendors_class(item[0])]
    before = [item for item in others if rank(item[0]) > _WORKLOADS]
    after = [item for item in others if rank(item[0]) <= _WORKLOADS]
    return tuple(batch for some in (before, classes, after) for batch in reversed(batches(some)))


def _is_class(ref: ObjectRef) -> bool:
    return ref.kind.endswith("Class")


def _is_a_vendors_class(ref: ObjectRef) -> bool:
    return _is_class(ref) and "." in ref.group and ref.group not in _OWN_CLASSES


def _custom(ref: ObjectRef) -> bool:
    return "." in ref.group and not ref.group.endswith(".k8s.io")
