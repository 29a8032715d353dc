"""What is printed to install an agent, applied as the administrator of a cluster does."""

from typing import Any

from tests.sandbox.client import Client

_APPLY = "application/apply-patch+yaml"
_PLURALS = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ConfigMap": "configmaps",
    "Service": "services",
    "Deployment": "deployments",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "NetworkPolicy": "networkpolicies",
}


def install(cluster: Client, each: dict[str, Any], *, dry_run: bool = False) -> None:
    """Apply one object, strictly."""
    query = "?fieldManager=installer&force=true&fieldValidation=Strict"
    query += "&dryRun=All" if dry_run else ""
    code, answer = cluster.request("PATCH", _path(each) + query, each, content_type=_APPLY)
    assert code in {200, 201}, answer


def _path(each: dict[str, Any]) -> str:
    version, metadata = each["apiVersion"], each["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{place}/{_PLURALS[each['kind']]}/{metadata['name']}"
