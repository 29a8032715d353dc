"""Refusals of an object because of another one that it needs, and that the same plan may bring or change. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.plans.objects import ObjectRef

_RBAC: Final = "rbac.authorization.k8s.io"
_BINDINGS: Final = frozenset({f"rolebindings.{_RBAC}", f"clusterrolebindings.{_RBAC}"})
_ROLES: Final = frozenset({(_RBAC, "Role"), (_RBAC, "ClusterRole")})
_MISSING: Final = (
    (re.compile(r'serviceaccount "([^"]*)" not found'), ("", "ServiceAccount")),
    (re.compile(r"no PriorityClass with name (\S+) was found"), ("scheduling.k8s.io", "PriorityClass")),
    (re.compile(r'RuntimeClass "([^"]*)" not found'), ("node.k8s.io", "RuntimeClass")),
)  # fmt: skip
_QUOTA: Final = re.compile(r"exceeded quota: ([^,\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What an object cannot be without: one of some (group, kind), by its name.

    ``too_small`` says that it is there, and would have to allow more.
    """

    kinds: frozenset[tuple[str, str]]
    namespace: str
    name: str
    too_small: bool = False

    def met_by(self, ref: ObjectRef) -> bool:
        """Whether this is the object that is needed, once it is as somebody wants it."""
        return (
            (ref.group, ref.kind) in self.kinds
            and ref.name == self.name
            and ref.namespace in {"", self.namespace}
        )


def lack_in(message: str, namespace: str) -> Lack | None:
    """Return what admission says that an object of this namespace needs, if it says so."""
    for words, kind in _MISSING:
        if found := words.search(message):
            return Lack(kinds=frozenset({kind}), namespace=namespace, name=found[1])
    if found := _QUOTA.search(message):
        kinds = frozenset({("", "ResourceQuota")})
        return Lack(kinds=kinds, namespace=namespace, name=found[1], too_small=True)
    return None


def missing_role(resource: str, namespace: str, name: str) -> Lack | None:
    """Return the role that a binding needs, where applying one is answered by "not found".

    Who may not bind whatever there is has the role looked up; the answer names the role, and calls it a binding.
    """
    if resource not in _BINDINGS:
        return None
    return Lack(kinds=_ROLES, namespace=namespace, name=name)
