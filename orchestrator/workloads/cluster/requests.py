"""The requests that are about one object: read it, apply a manifest to it, delete it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, TypeAlias

from orchestrator.errors import AccessDenied, ClusterError, ClusterUnreachable
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import (
    Appeared,
    Busy,
    FieldConflict,
    Gone,
    NotServed,
    Request,
    Superseded,
    appeared,
    superseded,
)
from orchestrator.workloads.cluster.connection.client import APPLY, MERGE, Call, Client
from orchestrator.workloads.cluster.wording import apply_text
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import FIELD_MANAGER, owner_of, uid_of

Managers: TypeAlias = Callable[[Live], list[Json] | None]

# Deleting what runs Pods is done when these are gone: they may use what is deleted next.
_RUN_PODS: Final = frozenset({"apps", "batch"})
# No object that exists has the version 1, which etcd's empty store has: the server creates what is not there,
# and answers with a conflict where anything is.
_NO_VERSION: Final = "1"
_MOST_LOOKS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A manifest to apply; ``force`` takes its fields from whoever else set them.

    Where ``uid`` is given, it is refused for any other object of that name, and where there is none; where
    ``absent`` is set, it is refused when there is one that is not its owner's.
    """

    ref: ObjectRef
    manifest: Mapping[str, Json]
    force: bool = False
    uid: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the server stored, or in a dry run would store."""

    live: Live
    created: bool


Reply: TypeAlias = Accepted | ClusterError


async def read(client: Client, ref: ObjectRef, resource: Resource) -> Live | None:
    """Return an object, or None when there is none of that name."""
    call = Call(
        method="GET",
        path=resource.path(ref.namespace, ref.name),
        request=_request("get", ref, resource),
    )
    try:
        body = (await client.send(call)).body
    except (Gone, NotServed):
        return None
    return body if isinstance(body, dict) else None


async def apply(
    client: Client, submission: Submission, resource: Resource, *, dry_run: bool
) -> Reply:
    """Apply a manifest, or ask what that would do; a refusal is a reply too.

    Raises ClusterUnreachable, Busy, Interrupted.
    """
    try:
        return await _sent(client, submission, resource, dry_run=dry_run)
    except (ClusterUnreachable, Busy):
        raise
    except FieldConflict as error:
        # The server looks at conflicts before it looks at what the object was to be.
        bound = bool(submission.uid) or submission.absent
        return (bound and await _another(client, submission, resource)) or error
    except Appeared as error:
        made = await _made_by_owner(client, submission, resource)
        return await apply(client, made, resource, dry_run=dry_run) if made else error
    except ClusterError as error:
        return error


async def mend(
    client: Client, ref: ObjectRef, resource: Resource, patch: Mapping[str, Json], *, dry_run: bool
) -> Reply:
    """Change an object by a merge patch; a refusal is a reply too. Raises ClusterUnreachable, Interrupted."""
    call = Call(
        method="PATCH",
        path=resource.path(ref.namespace, ref.name),
        request=_request("patch", ref, resource),
        query={"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})},
        body=dict(patch),
        content_type=MERGE,
    )
    try:
        answer = await client.send(call)
    except ClusterUnreachable:
        raise
    except ClusterError as error:
        return error
    body = answer.body if isinstance(answer.body, dict) else {}
    return Accepted(live=body, created=False)


async def hand_over(
    client: Client, ref: ObjectRef, resource: Resource, *, uid: str, managers: Managers
) -> ClusterError | None:
    """Record other managers of an object's fields, as ``managers`` makes them from what is there.

    Nothing of the object itself changes. It is looked at anew as often as somebody else was faster.
    Return the refusal, if any; raises ClusterUnreachable, Interrupted.
    """
    reply: Reply | None = None
    for _ in range(_MOST_LOOKS):
        live = await read(client, ref, resource)
        if live is None or uid_of(live) != uid:
            return superseded(str(ref), gone=live is None)
        found = managers(live)
        if found is None:
            return None
        metadata: Json = {"uid": uid, "resourceVersion": _version(live), "managedFields": found}
        reply = await mend(client, ref, resource, {"metadata": metadata}, dry_run=False)
        if not isinstance(reply, Superseded):
            break
    return reply if isinstance(reply, ClusterError) else None


async def delete(
    client: Client, ref: ObjectRef, resource: Resource, *, uid: str
) -> ClusterError | None:
    """Start deleting an object if it still has that uid; return the refusal, if any.

    What is gone already counts as deleted. Raises ClusterUnreachable, Busy, Interrupted.
    """
    policy = "Foreground" if ref.group in _RUN_PODS else "Background"
    call = Call(
        method="DELETE",
        path=resource.path(ref.namespace, ref.name),
        request=_request("delete", ref, resource),
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": policy,
        },
    )
    try:
        await client.send(call)
    except (Gone, NotServed):
        return None
    except (ClusterUnreachable, Busy):
        raise
    except ClusterError as error:
        return error
    return None


async def _sent(
    client: Client, submission: Submission, resource: Resource, *, dry_run: bool
) -> Accepted:
    ref = submission.ref
    request = _request("patch", ref, resource)
    query = {
        "fieldManager": FIELD_MANAGER,
        "fieldValidation": "Strict",
        "force": "true" if submission.force else "false",
        **({"dryRun": "All"} if dry_run else {}),
    }
    call = Call(
        method="PATCH",
        path=resource.path(ref.namespace, ref.name),
        request=replace(request, uid=submission.uid, absent=submission.absent),
        query=query,
        body=apply_text(_bound(submission)),
        content_type=APPLY,
    )
    answer = await client.send(call)
    body = answer.body if isinstance(answer.body, dict) else {}
    return Accepted(live=body, created=answer.status == HTTPStatus.CREATED)


def _bound(submission: Submission) -> Mapping[str, Json]:
    """Return the manifest with what the object must be; nobody comes to own these fields."""
    manifest, metadata = submission.manifest, submission.manifest.get("metadata")
    bounds = {"uid": submission.uid, "resourceVersion": _NO_VERSION if submission.absent else ""}
    given = {key: value for key, value in bounds.items() if value}
    if not given or not isinstance(metadata, dict):
        return manifest
    return {**manifest, "metadata": {**metadata, **given}}


async def _another(
    client: Client, submission: Submission, resource: Resource
) -> ClusterError | None:
    """Return why fields of others are in the way, where that is since the object is another one."""
    try:
        live = await read(client, submission.ref, resource)
    except AccessDenied:
        return None
    title = str(submission.ref)
    if submission.absent:
        return appeared(title)
    if live is not None and uid_of(live) == submission.uid:
        return None
    return superseded(title, gone=live is None)


async def _made_by_owner(
    client: Client, submission: Submission, resource: Resource
) -> Submission | None:
    """Return the submission for an object that we made ourselves, by a request whose answer was lost."""
    try:
        live = await read(client, submission.ref, resource)
    except AccessDenied:
        return None
    if live is None or owner_of(live) is None or owner_of(live) != owner_of(submission.manifest):
        return None
    return replace(submission, absent=False, uid=uid_of(live))


def _version(live: Live) -> str:
    metadata = live.get("metadata")
    return str(metadata.get("resourceVersion")) if isinstance(metadata, dict) else ""


def _request(verb: str, ref: ObjectRef, resource: Resource) -> Request:
    return Request(
        verb=verb,
        resource=resource.qualified,
        namespace=ref.namespace,
        title=str(ref),
        secret=(ref.group, ref.kind) == ("", "Secret"),
    )
