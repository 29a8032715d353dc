"""Which maps and lists are one value to a server-side apply (``atomic``), and not merged by their elements. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.live import mapping
from orchestrator.workloads.planning.unchanged.decision import Whole

BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""The groups whose kinds come with Kubernetes, and whose schemas are therefore known here."""

# Fields that are atomic wherever a built-in kind has a map or list of this name. A test holds this to what a
# real server says of its schemas. A name that is missing only costs a request.
NAMES: Final = frozenset(
    {
        "accessModes", "add", "admissionReviewVersions", "allowedTopologies", "args",
        "categories", "cidrs", "clusterIPs", "clusterRoleSelectors", "command",
        "configMapKeyRef", "controllerExpandSecretRef", "controllerPublishSecretRef", "conversionReviewVersions",
        "dataSource", "drop", "egress", "endpoints", "envFrom", "externalIPs", "fieldRef", "fileKeyRef", "groups",
        "hostnames", "httpHeaders", "ingress", "ipFamilies", "items", "loadBalancerSourceRanges",
        "matchConstraints", "matchLabelKeys", "matchResources", "metrics", "monitors", "mountOptions", "mutations",
        "nameservers", "namespaceSelector", "nodeExpandSecretRef", "nodePublishSecretRef", "nodeSelector",
        "nodeStageSecretRef", "objectSelector", "paramKind", "paramRef", "podSelector", "policies", "policyTypes",
        "port", "preferredDuringSchedulingIgnoredDuringExecution", "readinessGates", "required",
        "requiredDuringSchedulingIgnoredDuringExecution", "resizePolicy", "resource", "resourceFieldRef",
        "restartPolicyRules", "roleRef", "rules", "scopeSelector", "scopes", "searches", "secretKeyRef",
        "secretRef", "selector", "shortNames", "sources", "subjects", "subsets", "supplementalGroups", "sysctls",
        "taints", "tls", "tokenRequests", "tolerations", "topologyKeys", "usages", "validations", "versions",
        "volumeClaimTemplates",
    }
)  # fmt: skip

# Elsewhere the same names are merged: these are told apart by the field above them.
PLACES: Final = frozenset(
    {
        ("dnsConfig", "options"),
        ("topologySpreadConstraints", "labelSelector"),
        ("imagePullSecrets",),
        ("imagePullSecrets", "[]"),
        ("ownerReferences", "[]"),
        ("secrets", "[]"),
        ("spec", "limits"),
    }
)

_METADATA: Final = "f:metadata"
_MERGED: Final[Mapping[str, Json]] = {"type": "object"}
_DEDUCED: Final[Mapping[str, Json]] = {"x-kubernetes-preserve-unknown-fields": True}


def definition_of(group: str, plural: str) -> ObjectRef:
    """Return the reference of the object that defines a custom kind."""
    return ObjectRef(
        group="apiextensions.k8s.io",
        version="v1",
        kind="CustomResourceDefinition",
        namespace="",
        name=f"{plural}.{group}",
    )


def all_atomic(
    wholes: Iterable[Whole], ref: ObjectRef, definition: Mapping[str, Json] | None
) -> bool:
    """Whether all these values of an object are atomic; ``definition`` is that of a custom kind, if known."""
    if ref.group in BUILT_IN_GROUPS:
        return all(_is_atomic_by_name(whole) for whole in wholes)
    schema = _schema(definition or {}, ref.version)
    return schema is not None and all(_is_atomic_in(schema, whole) for whole in wholes)


def _is_atomic_by_name(whole: Whole) -> bool:
    words = [_word(step) for step in whole.path]
    named = [word for word in words[:-1] if word != "[]"]
    return words[-1] in NAMES or (*named[-1:], words[-1]) in PLACES


def _word(step: str) -> str:
    return step.removeprefix("f:") if step.startswith("f:") else "[]"


def _schema(definition: Mapping[str, Json], version: str) -> Mapping[str, Json] | None:
    versions = mapping(definition, "spec").get("versions")
    for item in versions if isinstance(versions, list) else ():
        match item:
            case {"name": str(name), "schema": {"openAPIV3Schema": dict(schema)}} if (
                name == version
            ):
                return schema
    return None


def _is_atomic_in(schema: Mapping[str, Json], whole: Whole) -> bool:
    if whole.path[0] == _METADATA:
        return _is_atomic_by_name(whole)
    node = schema
    for step in whole.path:
        node = _below(node, _word(step))
    if whole.is_list:
        return node.get("x-kubernetes-list-type", "atomic") == "atomic" and node is not _MERGED
    return node.get("x-kubernetes-map-type") == "atomic"


def _below(node: Mapping[str, Json], word: str) -> Mapping[str, Json]:
    """Return the schema of a field or element; that of a map which is merged where nothing is known of it."""
    if word == "[]":
        return mapping(node, "items") or _MERGED
    if node is _MERGED or (node.get("x-kubernetes-embedded-resource") and word == "metadata"):
        return _MERGED
    others = node.get("additionalProperties")
    found = mapping(node, "properties").get(word, others)
    if isinstance(found, dict):
        return found
    return _DEDUCED if others or node.get("x-kubernetes-preserve-unknown-fields") else _MERGED
