"""Objects that cannot be dry-run as they are, dry-run in a way that comes near it, for their mistakes alone.

An object of a namespace that this very plan creates is asked about in one that exists, and where a value is
pending another one of its type stands in. What the server says is only believed where it cannot be about that.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.expressions import Path, Pending, Tree
from orchestrator.stack.model import Json
from orchestrator.stack.paths import written
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Invalid, TooEarly, Unreadable
from orchestrator.workloads.cluster.requests import Reply, Submission
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.manifests.wanted import WantedObject, group_version_kind
from orchestrator.workloads.ownership import marked
from orchestrator.workloads.planning.asking.namespaces import missing_namespaces
from orchestrator.workloads.planning.asking.standins import Document, filled, without_stand_ins
from orchestrator.workloads.planning.asking.unhindered import mistakes_of_fields, unhindered

_STAND_IN_NAMESPACE: Final = "default"
_STAND_IN_NAME: Final = "pending"
# Of a Secret nothing is quoted, so that it cannot be told whether a refusal is about a stand-in.
_ABOUT_FIELDS: Final = "has fields that its kind does not know"
_PLAIN_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?")
_NO_DRY_RUN: Final = "does not support dry run"


def rehearse(
    cluster: Cluster,
    objects: Sequence[WantedObject],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
    owner: Owner,
) -> tuple[ClusterError, ...]:
    """Return what the server finds wrong with objects that nobody can ask about as they are.

    ``live`` are the objects known to be there; ``kinds`` tell which ones manifests define, whose objects are
    checked otherwise. Raises ClusterUnreachable, Interrupted.
    """
    missing = missing_namespaces(cluster, (item.ref for item in objects if item.ref), live)
    parts = [
        part
        for item in objects
        if (part := _part(item, live, missing)) and _asked(part, cluster.kinds(), kinds)
    ]
    alike: dict[str, list[_Part]] = {}
    for part in parts:
        alike.setdefault(_shape(part), []).append(part)
    groups = tuple(alike.values())
    refusals = _asked_for(cluster, [group[0] for group in groups], owner)
    return tuple(
        _told(part, refusal, instead=group[0])
        for group, refusal in zip(groups, refusals, strict=True)
        if refusal
        for part in group
    )


def _asked_for(
    cluster: Cluster, parts: Sequence["_Part"], owner: Owner
) -> tuple[ClusterError | None, ...]:
    """Return what is certainly wrong with each object, or None."""
    documents = _documents(cluster, parts)
    first = _replies(cluster, parts, documents, owner=owner, variant=0) if parts else ()
    doubtful = [part for part, reply in zip(parts, first, strict=True) if _refused(reply)]
    second = _replies(cluster, doubtful, documents, owner=owner, variant=1) if doubtful else ()
    there = cluster.get_many(part.ref for part in doubtful if not part.named)
    again = iter(second)
    return tuple(
        _certain(part, reply, next(again), there.get(part.ref)) if _refused(reply) else None
        for part, reply in zip(parts, first, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One object, and under which name it is asked about; ``named`` says that this is its own one."""

    item: WantedObject
    ref: ObjectRef
    named: bool


def _part(
    item: WantedObject, live: Mapping[ObjectRef, Live], missing: frozenset[str]
) -> _Part | None:
    """Return how an object is asked about, or None for one that can be asked about as it is."""
    ref = item.ref or _pretended(item)
    placed = ref.namespace not in missing
    if item.ref in live or (item.ref and placed and not item.pending):
        return None
    chosen = ref if placed else replace(ref, namespace=_STAND_IN_NAMESPACE)
    return _Part(item=item, ref=chosen, named=chosen == item.ref)


def _pretended(item: WantedObject) -> ObjectRef:
    """Return a reference for an object whose name or namespace is pending."""
    metadata = item.value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    group, version, kind = group_version_kind(item.value)
    name, namespace = fields.get("name"), fields.get("namespace", "")
    return ObjectRef(
        group=group,
        version=version,
        kind=kind,
        namespace=_STAND_IN_NAMESPACE if isinstance(namespace, Pending) else str(namespace),
        name=_STAND_IN_NAME if isinstance(name, Pending) else str(name),
    )


def _asked(part: _Part, served: Kinds, kinds: Kinds) -> bool:
    ref = part.ref
    known = served.find(ref.group, ref.kind, version=ref.version) is not None
    # A definition's name has to fit what it defines: no other one will do.
    fits = part.named or ref.kind != "CustomResourceDefinition"
    return known and fits and (ref.group, ref.kind) not in kinds.defined


def _documents(cluster: Cluster, parts: Iterable[_Part]) -> dict[tuple[str, str], Document]:
    """Return the descriptions that stand-ins need, by group and version."""
    needed = [part.ref for part in parts if part.item.pending]
    resources = {(ref.group, ref.version): cluster.resource(ref) for ref in needed}
    return {key: cluster.described(resource) for key, resource in sorted(resources.items())}


def _replies(
    cluster: Cluster,
    parts: Iterable[_Part],
    documents: Mapping[tuple[str, str], Document],
    *,
    owner: Owner,
    variant: int,
) -> tuple[Reply, ...]:
    submissions = [
        Submission(
            ref=part.ref,
            manifest=marked(_manifest(part, documents, variant), owner=owner, unit=part.item.unit),
            force=True,
        )
        for part in parts
    ]
    replies = [*cluster.apply_many(submissions, dry_run=True)]
    early = [(index, reply) for index, reply in enumerate(replies) if isinstance(reply, TooEarly)]
    said = unhindered(cluster, [(submissions[index], reply) for index, reply in early])
    for (index, reply), error in zip(early, said, strict=True):
        replies[index] = mistakes_of_fields(error) or reply
    return tuple(replies)


def _manifest(
    part: _Part, documents: Mapping[tuple[str, str], Document], variant: int
) -> dict[str, Json]:
    ref = part.ref
    document = documents.get((ref.group, ref.version), {})
    value: dict[str, Tree] = dict(part.item.value)
    manifest = filled(value, document, kind=(ref.group, ref.version, ref.kind), variant=variant)
    fields = mapping(manifest, "metadata")
    named: dict[str, Json] = {**fields, "name": ref.name}
    return {
        **manifest,
        "metadata": {**named, "namespace": ref.namespace} if ref.namespace else named,
    }


def _refused(reply: Reply) -> bool:
    plain = type(reply) is Invalid and _NO_DRY_RUN not in reply.message
    return plain or isinstance(reply, Unreadable)


def _certain(part: _Part, one: Reply, other: Reply, there: Live | None) -> ClusterError | None:
    """Return the part of a refusal that is about what the manifest says, and not about what stands in.

    Where something of that name is ``there``, in the namespace asked about, it may be about that. A policy names no
    field, so that it may be about that namespace, or about a value that stands in.
    """
    if there is not None or not (isinstance(one, Invalid) and isinstance(other, Invalid)):
        return None
    if not part.item.pending:
        named = _ABOUT_FIELDS in one.message or any(one.causes.values())
        return one if named or isinstance(one, Unreadable) else None
    waiting = dict(_pending_paths(dict(part.item.value), ()))
    if _ABOUT_FIELDS in one.message:
        told = without_stand_ins(one.message, other.message, waiting)
        return ClusterError(told, hint=one.hint)
    pending = tuple(map(written, waiting))
    left = [
        text
        for text, where in one.causes.items()
        if where and text in other.causes and not any(_touch(where, path) for path in pending)
    ]
    if not left or part.item.group_kind == ("", "Secret"):
        return None
    return ClusterError(f"{part.ref} is not valid: {'; '.join(left)}", hint=one.hint)


def _pending_paths(tree: Tree, path: Path) -> Iterator[tuple[Path, Pending]]:
    match tree:
        case Pending():
            yield path, tree
        case dict():
            for key, item in tree.items():
                yield from _pending_paths(item, (*path, key))
        case list():
            for index, item in enumerate(tree):
                yield from _pending_paths(item, (*path, index))
        case _:
            pass


def _touch(one: str, other: str) -> bool:
    """Whether one path leads to, through or from the other."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))


def _told(part: _Part, error: ClusterError, *, instead: _Part) -> ClusterError:
    """Return the refusal of one object, for which another one may have been asked about."""
    place = part.item.place
    detail = f"declared in {place}" if place else ""
    told = error.message.replace(str(instead.ref), part.item.title)
    return ClusterError(told, hint=error.hint, detail=detail)


def _shape(part: _Part) -> str:
    """Return what objects have in common that differ in their names alone, as generated ones do.

    One of them is asked about for all; one whose name may be a mistake itself stands alone.
    """
    value = json.dumps(part.item.value, sort_keys=True, default=repr)
    if not _PLAIN_NAME.fullmatch(part.ref.name):
        return value
    return value.replace(part.ref.name, "\0")
