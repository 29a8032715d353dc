"""A shelf in a Kubernetes namespace: a Lease for the lock, a ConfigMap for everything else.

What is longer than a ConfigMap should be is packed and goes into several, of which the first one is written last. The
server replaces an object only as the version that was seen. The labels are of another kind than those of what stacks
apply, so that nothing here is ever listed, adopted or pruned as a stack's own.
"""

import base64
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from orchestrator.ledger.holder import Hold
from orchestrator.ledger.stores.chapters import CHAPTER
from orchestrator.ledger.stores.documents import ENTRY, HEAD, LOCK, STATE, decode_lock
from orchestrator.ledger.stores.shelf import Document
from orchestrator.plans.objects import Owner
from orchestrator.stack.model import Json

CONFIG_MAP, LEASE = "ConfigMap", "Lease"
_LETTERS = 256 * 1024  # in one object, of the 1 MiB that it may hold
_NEVER_CHANGED = frozenset({ENTRY, STATE, CHAPTER})
_STACK, _ENVIRONMENT = "ledger.orchestrator/stack", "ledger.orchestrator/environment"
_DOCUMENT = "ledger.orchestrator/document"
_PARTS = "ledger.orchestrator/parts"
_HOLDER = "ledger.orchestrator/holder"
_TEXT, _PACKED = "document", "packed"

Object = Mapping[str, Json]


class Objects(Protocol):
    """ConfigMaps and Leases of one namespace, each replaced or removed only as the version that was seen.

    Every method raises ClusterError when the server refuses or does not answer.
    """

    @property
    def title(self) -> str:
        """Return what people know the namespace by."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None when there is none of that name."""

    def put(self, manifest: Object) -> Object | None:
        """Replace the version that the manifest names, or create what names none; None when it is another one."""

    def drop(self, kind: str, name: str, *, version: str) -> bool:
        """Delete that version of an object; return whether it was the one that is there, or none was."""

    def select(self, kind: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects of a kind that carry these labels."""

    def labels(self, kind: str, selector: str) -> list[Mapping[str, Json]]:
        """Return the labels of each object of a kind that a selector chooses; nothing else of them is read."""


def owners_in(objects: Objects, *, entries: bool = False) -> list[Owner]:
    """Return whose ledgers are in a namespace, also where a head is missing, sorted; raises ClusterError.

    With ``entries`` also those of which only these are left: there may be many, and each of them is listed.
    """
    kinds = (HEAD, STATE, *((ENTRY, CHAPTER) if entries else ()))
    found = objects.labels(CONFIG_MAP, f"{_DOCUMENT} in ({','.join(kinds)})")
    named = sorted({(str(each.get(_STACK)), str(each.get(_ENVIRONMENT))) for each in found})
    return [Owner(stack=stack, environment=environment) for stack, environment in named]


class ClusterShelf:
    """Documents in ConfigMaps, and a lock in a Lease."""

    def __init__(self, owner: Owner, objects: Objects) -> None:
        """Take whose ledger, and the namespace."""
        self._prefix = f"ledger.{owner.stack}.{owner.environment}"
        self._labels = {_STACK: owner.stack, _ENVIRONMENT: owner.environment}
        self._objects = objects

    @property
    def title(self) -> str:
        """Return what people know the place by."""
        return self._objects.title

    def place(self, name: str) -> str:
        """Return the object of a document, as kubectl takes it."""
        kind = LEASE if name == LOCK else CONFIG_MAP
        return f"{kind.lower()}/{self._name(name)} in {self._objects.title}"

    def read(self, name: str) -> Document | None:
        """Return a document, or None when there is none of that name, or not all of it."""
        found = self._objects.get(LEASE if name == LOCK else CONFIG_MAP, self._name(name))
        return self._document(found) if found is not None else None

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Replace that version of a document, and return the new one; nothing when another one is there."""
        if name == LOCK:
            made = self._objects.put(self._lease(decode_lock(content), content, version=over))
        else:
            made = self._put(name, content, version=over)
        return _version(made) if made is not None else ""

    def remove(self, name: str, *, over: str) -> bool:
        """Remove that version of a document; return whether it was the one that is there."""
        if name == LOCK:
            return self._objects.drop(LEASE, self._name(name), version=over)
        found = self._objects.get(CONFIG_MAP, self._name(name))
        if not self._objects.drop(CONFIG_MAP, self._name(name), version=over):
            return False
        for part in self._parts_of(found) if found is not None else ():
            self._objects.drop(CONFIG_MAP, part, version="")
        return True

    def find(self, kind: str) -> Mapping[str, Document]:
        """Return the documents of a kind, by name."""
        found = self._objects.select(CONFIG_MAP, {**self._labels, _DOCUMENT: kind})
        documents = ((self._named(each), self._document(each)) for each in found)
        return {name: each for name, each in documents if each is not None}

    def _put(self, name: str, content: bytes, *, version: str) -> Object | None:
        if len(content) <= _LETTERS:
            data: dict[str, Json] = {_TEXT: content.decode()}
            return self._objects.put(self._config_map(name, {"data": data}, version=version))
        packed = zlib.compress(content)
        first, *others = (
            packed[start : start + _LETTERS] for start in range(0, len(packed), _LETTERS)
        )
        for number, piece in enumerate(others, start=1):
            # One that is there already holds the same: its name says so.
            self._objects.put(self._config_map(name, _in_bytes(piece), version="", part=number))
        whole = self._config_map(name, _in_bytes(first), version=version, parts=1 + len(others))
        return self._objects.put(whole)

    def _config_map(
        self, name: str, data: Mapping[str, Json], *, version: str, part: int = 0, parts: int = 1
    ) -> Object:
        kind = name.partition("-")[0]
        labels = {**self._labels, _DOCUMENT: "part" if part else kind}
        annotations = {_PARTS: str(parts)} if parts > 1 else {}
        return {
            "apiVersion": "v1",
            "kind": CONFIG_MAP,
            "metadata": self._metadata(_part(self._name(name), part), labels, annotations, version),
            "immutable": kind in _NEVER_CHANGED,
            **data,
        }

    def _lease(self, hold: Hold, content: bytes, *, version: str) -> Object:
        annotations = {_HOLDER: content.decode()}
        labels = {**self._labels, _DOCUMENT: LOCK}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": LEASE,
            "metadata": self._metadata(self._name(LOCK), labels, annotations, version),
            "spec": {
                "holderIdentity": f"{hold.holder.user}@{hold.holder.host}/{hold.holder.token}",
                "leaseDurationSeconds": max(1, int(hold.holder.lease)),
                "acquireTime": _micro(hold.holder.since),
                "renewTime": _micro(hold.beat),
            },
        }

    def _metadata(
        self,
        name: str,
        labels: Mapping[str, str],
        annotations: Mapping[str, str],
        version: str,
    ) -> Json:
        bound: dict[str, Json] = {"resourceVersion": version} if version else {}
        return {"name": name, "labels": {**labels}, "annotations": {**annotations}, **bound}

    def _document(self, found: Object) -> Document | None:
        annotations = _section(_section(found, "metadata"), "annotations")
        if found.get("kind") == LEASE:
            return Document(
                content=str(annotations.get(_HOLDER, "")).encode(), version=_version(found)
            )
        text = _section(found, "data").get(_TEXT)
        if isinstance(text, str):
            return Document(content=text.encode(), version=_version(found))
        pieces = [_piece(found)]
        for part in self._parts_of(found):
            piece = self._objects.get(CONFIG_MAP, part)
            pieces.append(_piece(piece) if piece is not None else b"")
        return Document(content=_unpacked(b"".join(pieces)), version=_version(found))

    def _parts_of(self, found: Object) -> list[str]:
        """Return the names of what holds the rest of a document."""
        metadata = _section(found, "metadata")
        count = str(_section(metadata, "annotations").get(_PARTS, "1"))
        name = str(metadata.get("name", ""))
        return [_part(name, number) for number in range(1, int(count) if count.isdigit() else 1)]

    def _name(self, name: str) -> str:
        return f"{self._prefix}.{name}"

    def _named(self, found: Object) -> str:
        return str(_section(found, "metadata").get("name", "")).removeprefix(f"{self._prefix}.")


def _part(name: str, number: int) -> str:
    return f"{name}.{number}" if number else name


def _micro(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _section(value: object, name: str) -> Mapping[str, Json]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def _version(found: Object) -> str:
    return str(_section(found, "metadata").get("resourceVersion", ""))


def _in_bytes(piece: bytes) -> Mapping[str, Json]:
    return {"binaryData": {_PACKED: base64.b64encode(piece).decode()}}


def _piece(found: Object) -> bytes:
    return base64.b64decode(str(_section(found, "binaryData").get(_PACKED, "")))


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return b""  # not all of it is there: it has not the digest that it is known by
