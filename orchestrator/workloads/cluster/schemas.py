"""The schemas of the kinds that a server serves: its OpenAPI description, one document for each group and version."""

from collections.abc import Mapping
from typing import Final

from orchestrator.errors import ClusterError, ClusterUnreachable
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Request
from orchestrator.workloads.cluster.connection.client import Call, Client
from orchestrator.workloads.kinds import Resource

_ROOT: Final = "/openapi/v3"


async def described(client: Client, resource: Resource) -> Mapping[str, Json]:
    """Return the document that describes a kind's version; empty where the server has or shows none.

    Raises ClusterUnreachable, Interrupted.
    """
    group = f"apis/{resource.group}" if resource.group else "api"
    path = f"{_ROOT}/{group}/{resource.version}"
    call = Call(method="GET", path=path, request=Request(verb="get", resource=path))
    try:
        body = (await client.send(call)).body
    except ClusterUnreachable:
        raise
    except ClusterError:
        return {}
    return body if isinstance(body, dict) else {}
