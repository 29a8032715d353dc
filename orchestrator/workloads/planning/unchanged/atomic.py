"""How a schema has maps and lists merged by a server-side apply: as one value (``atomic``), or by elements. Pure."""

from collections.abc import Collection, Mapping
from typing import Final

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.live import mapping
from orchestrator.workloads.planning.unchanged.decision import ELEMENT, Shape, Walked

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

_METADATA: Final = "metadata"
_WHOLE: Final = frozenset({Shape.WHOLE_LIST, Shape.WHOLE_MAP})
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


def misfits(
    walked: Collection[Walked], ref: ObjectRef, definition: Mapping[str, Json] | None
) -> frozenset[Walked]:
    """Return the maps and lists of an object that are not known to be merged as they were compared.

    ``definition`` is that of a custom kind, if known; without it nothing is.
    """
    if ref.group in BUILT_IN_GROUPS:
        return frozenset(item for item in walked if not _is_atomic_by_name(item))
    schema = _schema(definition or {}, ref.version)
    if schema is None:
        return frozenset(walked)
    return frozenset(item for item in walked if not _fits(schema, item))


def _is_atomic_by_name(whole: Walked) -> bool:
    named = [word for word in whole.words[:-1] if word != ELEMENT]
    return whole.words[-1] in NAMES or (*named[-1:], whole.words[-1]) in PLACES


def _schema(definition: Mapping[str, Json], version: str) -> Mapping[str, Json] | None:
    versions = mapping(definition, "spec").get("versions")
    for item in versions if isinstance(versions, list) else ():
        match item:
            case {"name": str(name), "schema": {"openAPIV3Schema": dict(schema)}} if (
                name == version
            ):
                return schema
    return None


def _fits(schema: Mapping[str, Json], item: Walked) -> bool:
    """Whether a custom kind's schema has a map or list merged as it was compared."""
    if item.words[:1] == (_METADATA,):  # which is the same for all kinds
        return item.shape not in _WHOLE or _is_atomic_by_name(item)
    node = schema
    for word in item.words:
        node = _below(node, word)
    match item.shape:
        case Shape.WHOLE_LIST:
            return _list_type(node) == "atomic" and node is not _MERGED
        case Shape.WHOLE_MAP:
            return node.get("x-kubernetes-map-type") == "atomic"
        case Shape.FIELDS:
            return node.get("x-kubernetes-map-type", "granular") == "granular"
        case Shape.SET:
            return _list_type(node) == "set"
        case Shape.KEYED:
            return _list_type(node) == "map" and _keys(node) == item.keys


def _list_type(node: Mapping[str, Json]) -> Json:
    return node.get("x-kubernetes-list-type", "atomic")


def _keys(node: Mapping[str, Json]) -> tuple[str, ...]:
    keys = node.get("x-kubernetes-list-map-keys")
    return tuple(sorted(map(str, keys))) if isinstance(keys, list) else ()


def _below(node: Mapping[str, Json], word: str) -> Mapping[str, Json]:
    """Return the schema of a field or element; that of a map which is merged where nothing is known of it."""
    if word == ELEMENT:
        return mapping(node, "items") or _MERGED
    if node is _MERGED or (node.get("x-kubernetes-embedded-resource") and word == "metadata"):
        return _MERGED
    others = node.get("additionalProperties")
    found = mapping(node, "properties").get(word, others)
    if isinstance(found, dict):
        return found
    return _DEDUCED if others or node.get("x-kubernetes-preserve-unknown-fields") else _MERGED
