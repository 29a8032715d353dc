"""Which manifest sets cannot be applied before which others, by what is declared in them.

A custom resource needs its definition, and an object its namespace: whichever set has these, it goes first,
also where nobody wrote that down.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from orchestrator.stack.graph import Need
from orchestrator.stack.model import Json, ManifestSet, UnitId
from orchestrator.stack.reference import OPENING
from orchestrator.workloads.manifests.documents import ManifestDocument

Documents: TypeAlias = Mapping[UnitId, Iterable[ManifestDocument]]

_KIND: Final = "kind"
_NAMESPACE: Final = "namespace"


def prerequisites(
    sets: Iterable[ManifestSet], documents: Documents
) -> dict[UnitId, dict[UnitId, Need]]:
    """Return what each set needs of others, with the reason.

    Names that hold expressions are left out: they are not known yet.
    """
    brought = {
        thing: unit
        for unit, found in documents.items()
        for item in found
        if (thing := _brought(item))
    }
    return {
        manifests.id: dict(_needs(manifests, documents.get(manifests.id, ()), brought))
        for manifests in sets
    }


def _needs(
    manifests: ManifestSet,
    documents: Iterable[ManifestDocument],
    brought: Mapping[tuple[str, str], UnitId],
) -> Iterator[tuple[UnitId, Need]]:
    told: set[UnitId] = set()
    for item in documents if brought else ():
        for thing in _used(manifests, item):
            unit = brought.get(thing)
            if unit is not None and unit != manifests.id and unit not in told:
                told.add(unit)
                yield unit, Need(reason=_reason(thing), reads=False)


def _brought(item: ManifestDocument) -> tuple[str, str] | None:
    match item.value:
        case {
            "kind": "CustomResourceDefinition",
            "spec": {"group": str(group), "names": {"kind": str(kind)}},
        }:
            return _KIND, f"{kind}.{group}"
        case {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": str(name)}}:
            return None if OPENING in name else (_NAMESPACE, name)
        case _:
            return None


def _used(manifests: ManifestSet, item: ManifestDocument) -> Iterator[tuple[str, str]]:
    group = str(item.value.get("apiVersion", "")).rpartition("/")[0]
    yield _KIND, f"{item.value.get('kind')}.{group}"
    metadata = item.value.get("metadata")
    own: Json = metadata.get("namespace") if isinstance(metadata, dict) else None
    namespace = own or manifests.namespace
    if isinstance(namespace, str):
        yield _NAMESPACE, namespace


def _reason(thing: tuple[str, str]) -> str:
    what, name = thing
    return (
        f"has objects of the kind {name}"
        if what == _KIND
        else f"has objects in the namespace {name}"
    )
