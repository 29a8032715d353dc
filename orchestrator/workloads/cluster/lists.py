"""Reading collections page by page, at one version of the store."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster.answers import Gone, Request
from orchestrator.workloads.cluster.connection.client import JSON, Call, Client
from orchestrator.workloads.cluster.watches import Listing, Scope, reference
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live, mapping

Keep: TypeAlias = Callable[[Live], Live]
"""What is kept of an object that was read."""

METADATA: Final = f"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,{JSON}"
"""The form of a list that leaves out all but names, labels and the like."""

_PAGE: Final = 500
_STARTS: Final = 5  # how often a list that grew too old between two pages is begun again


def whole(live: Live) -> Live:
    """Keep all of an object."""
    return live


async def listing(
    client: Client, scope: Scope, *, keep: Keep = whole, accept: str = JSON
) -> Listing:
    """Return what a collection holds; raises ClusterError when it cannot be read.

    ``accept`` is the form to ask for: all of the objects, or no more than their metadata.
    """
    objects: list[tuple[ObjectRef, Live]] = []
    more, starts = "", 0
    while True:
        query = {**scope.query, "limit": str(_PAGE), **({"continue": more} if more else {})}
        try:
            body = await _page(client, scope, query, accept)
        except Gone:
            starts += 1
            if not more or starts > _STARTS:
                raise
            objects, more = [], ""
            continue
        told = mapping(body, "metadata")
        objects += _items(body, scope.resource, keep)
        more = str(told.get("continue") or "")
        if not more:
            version = str(told.get("resourceVersion") or "")
            return Listing(scope=scope, objects=tuple(objects), version=version)


async def _page(client: Client, scope: Scope, query: Mapping[str, str], accept: str) -> Live:
    request = Request(verb="list", resource=scope.resource.qualified, namespace=scope.namespace)
    path = scope.resource.path(scope.namespace)
    call = Call(method="GET", path=path, request=request, query=query, accept=accept)
    answer = await client.send(call)
    return answer.body if isinstance(answer.body, dict) else {}


def _items(body: Live, resource: Resource, keep: Keep) -> Iterator[tuple[ObjectRef, Live]]:
    items = body.get("items")
    kind = {
        "apiVersion": f"{resource.group}/{resource.version}".removeprefix("/"),
        "kind": resource.kind,
    }
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            live = {**kind, **item}  # the items of a list come without their kind
            yield reference(resource, live), keep(live)
