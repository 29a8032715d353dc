"""Which kinds of objects there are, where they are served, and whether they live in namespaces.

A cluster's own answer comes from discovery; without a cluster a table of the built-in kinds has to do.
Definitions in a stack's own manifests extend either.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json

CLUSTER_WIDE: Final = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)
_BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "policy",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "storage.k8s.io",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Resource:
    """One kind in one version as the API server serves it; ``plural`` is its name in addresses."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the address of a collection, or of one object in it, below the server's own."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        middle = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{middle}/{self.plural}{f'/{name}' if name else ''}"

    @property
    def api_version(self) -> str:
        """Return group and version as manifests write them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return ``plural.group``, as access rules name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds known: (group, kind) to its versions, the preferred one first.

    ``complete`` says that a cluster was asked, so that a kind which is not here does not exist, unless its
    (group, version) is ``stale``: of those nobody can tell, since their own server does not answer. ``defined``
    are the (group, kind) that manifests define, which planning narrows to those whose definition changes;
    ``planned`` are those (group, version, kind) that only manifests define: the server does not serve them yet.
    """

    resources: Mapping[tuple[str, str], tuple[Resource, ...]] = field(default_factory=dict)
    complete: bool = False
    stale: frozenset[tuple[str, str]] = frozenset()
    defined: frozenset[tuple[str, str]] = frozenset()
    planned: frozenset[tuple[str, str, str]] = frozenset()

    def find(self, group: str, kind: str, *, version: str = "") -> Resource | None:
        """Return the kind in ``version``, or in the preferred one when none is asked for."""
        versions = self.resources.get((group, kind), ())
        return next((item for item in versions if version in {"", item.version}), None)

    def serving(self, ref: ObjectRef) -> Resource | None:
        """Return how an object is reached, in another version where its own is no longer served."""
        exact = self.find(ref.group, ref.kind, version=ref.version)
        return exact or self.find(ref.group, ref.kind)

    def unanswered(self, group: str, kind: str) -> tuple[str, ...]:
        """Return the ``group/version`` that may serve a kind and do not answer, sorted.

        There are none where some version of the kind is served.
        """
        if self.find(group, kind):
            return ()
        return tuple(sorted(f"{name}/{version}" for name, version in self.stale if name == group))

    def namespaced(self, group: str, kind: str) -> bool | None:
        """Return whether objects of a kind live in namespaces; None when that is not known."""
        found = self.find(group, kind)
        if found:
            return found.namespaced
        if (group, kind) in CLUSTER_WIDE:
            return False
        return True if group in _BUILT_IN_GROUPS else None

    def with_definitions(self, manifests: Iterable[Mapping[str, Json]]) -> "Kinds":
        """Return these kinds and those that CustomResourceDefinitions among ``manifests`` define."""
        found = [resource for manifest in manifests for resource in _defined(manifest)]
        new = [item for item in found if not self.find(item.group, item.kind, version=item.version)]
        resources = dict(self.resources)
        for item in new:
            resources[item.group, item.kind] = (*resources.get((item.group, item.kind), ()), item)
        return replace(
            self,
            resources=resources,
            defined=self.defined | {(item.group, item.kind) for item in found},
            planned=self.planned | {(item.group, item.version, item.kind) for item in new},
        )


BUILT_IN: Final = Kinds()
"""What is known without a cluster: the scope of built-in kinds."""


def _defined(manifest: Mapping[str, Json]) -> tuple[Resource, ...]:
    match manifest:
        case {
            "kind": "CustomResourceDefinition",
            "spec": {
                "group": str(group),
                "names": {"kind": str(kind), "plural": str(plural)},
                "scope": str(scope),
                "versions": [*versions],
            },
        }:
            return tuple(
                Resource(
                    group=group,
                    version=version,
                    kind=kind,
                    plural=plural,
                    namespaced=scope == "Namespaced",
                )
                for version in map(_served, versions)
                if version
            )
        case _:
            return ()


def _served(version: Json) -> str:
    match version:
        case {"served": False}:
            return ""
        case {"name": str(name)}:
            return name
        case _:
            return ""
