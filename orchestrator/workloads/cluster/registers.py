"""Objects that keep records, some changed by several writers: each only as the version that was seen.

A request whose answer was lost is sent again like any other. The second time a server may say that another version is
there, which is our own: whoever asks looks at what the object holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import AccessDenied
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Gone, NamespaceMissing, Request, Superseded
from orchestrator.workloads.cluster.connection.client import Call, Client
from orchestrator.workloads.cluster.lists import METADATA, listing
from orchestrator.workloads.cluster.watches import Scope
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.ownership import FIELD_MANAGER

_SERVED: Final = (
    ("", "ConfigMap", "configmaps"),
    ("coordination.k8s.io", "Lease", "leases"),
    # What happened is kept as Events, each about an object of one of the kinds below.
    ("", "Event", "events"),
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("batch", "CronJob", "cronjobs"),
    ("", "Pod", "pods"),
    ("", "ServiceAccount", "serviceaccounts"),
)
_KINDS: Final = {
    kind: Resource(group=group, version="v1", kind=kind, plural=plural, namespaced=True)
    for group, kind, plural in _SERVED
}
_NAMESPACES: Final = Resource(
    group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """ConfigMaps, Leases and Events of one namespace; every method blocks, and raises ClusterError."""

    client: Client
    namespace: str

    @property
    def title(self) -> str:
        """Return what people know the namespace by."""
        return f"the namespace {self.namespace} of {self.client.title}"

    def get(self, kind: str, name: str) -> Live | None:
        """Return an object, or None when there is none of that name; raises when there is no such namespace."""
        try:
            return self._send("GET", "get", kind, name)
        except Gone:
            self._check_namespace()
            return None

    def put(self, manifest: Mapping[str, Json]) -> Live | None:
        """Replace the version that a manifest names, or create what names none; None when it is another one."""
        kind, metadata = str(manifest["kind"]), mapping(manifest, "metadata")
        name = str(metadata["name"])
        body = {**manifest, "metadata": {**metadata, "namespace": self.namespace}}
        try:
            if "resourceVersion" in metadata:
                return self._send("PUT", "update", kind, name, body=body)
            return self._send("POST", "create", kind, name, body=body)
        except NamespaceMissing:
            raise
        except (Gone, Superseded):
            return None

    def drop(self, kind: str, name: str, *, version: str) -> bool:
        """Delete that version of an object (empty: any); return whether it is gone by that, or was before."""
        conditions: Json = {"resourceVersion": version} if version else {}
        body: Live = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": conditions,
            "propagationPolicy": "Background",
        }
        try:
            self._send("DELETE", "delete", kind, name, body=body)
        except Gone:
            return True
        except Superseded:
            return False
        return True

    def select(self, kind: str, labels: Mapping[str, str]) -> list[Live]:
        """Return the objects of a kind that carry these labels."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
        scope = Scope(resource=_KINDS[kind], namespace=self.namespace, query=query)
        return [live for _, live in self.client.run(listing(self.client, scope)).objects]

    def labels(self, kind: str, selector: str) -> list[Mapping[str, Json]]:
        """Return the labels of each object of a kind that a selector chooses; nothing else of them is read."""
        query = {"labelSelector": selector}
        scope = Scope(resource=_KINDS[kind], namespace=self.namespace, query=query)
        found = self.client.run(listing(self.client, scope, accept=METADATA)).objects
        return [mapping(mapping(live, "metadata"), "labels") for _, live in found]

    def _send(
        self, method: str, verb: str, kind: str, name: str, *, body: Live | None = None
    ) -> Live:
        resource = _KINDS[kind]
        request = Request(
            verb=verb,
            resource=resource.qualified,
            namespace=self.namespace,
            title=f"{kind} {self.namespace}/{name}",
        )
        path = resource.path(self.namespace, "" if method == "POST" else name)
        query = {} if method in {"GET", "DELETE"} else {"fieldManager": FIELD_MANAGER}
        call = Call(method=method, path=path, request=request, query=query, body=_json(body))
        answer = self.client.run(self.client.send(call))
        return answer.body if isinstance(answer.body, dict) else {}

    def _check_namespace(self) -> None:
        """Tell a namespace that is not there from one without the object, where we may know."""
        request = Request(verb="get", resource="namespaces", title=f"Namespace {self.namespace}")
        call = Call(method="GET", path=_NAMESPACES.path("", self.namespace), request=request)
        try:
            self.client.run(self.client.send(call))
        except AccessDenied:
            return
        except Gone as error:
            raise NamespaceMissing(
                f"the namespace {self.namespace} of {self.client.title} does not exist",
                namespace=self.namespace,
                hint=f"name the right one, or make it: kubectl create namespace {self.namespace}",
            ) from error


def _json(body: Live | None) -> Json:
    return dict(body) if body is not None else None
