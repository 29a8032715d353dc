"""Custom resources whose definition is in the same plan: checked against it, since no server can be asked yet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import Tree, pending_in
from orchestrator.stack.model import Json
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.paths import written
from orchestrator.workloads.definitions.structural import Violation, expressions_in, violations
from orchestrator.workloads.manifests.wanted import WantedObject, group_version_kind

DEFINITION: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
"""The group and kind of what defines a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a manifest defines: a kind, and the schemas of the versions that it serves.

    A schema is None where something in it is pending. ``stateful`` versions have a status of their own, which
    manifests cannot set.
    """

    ref: ObjectRef
    group: str
    kind: str
    schemas: Mapping[str, Mapping[str, Json] | None]
    stateful: frozenset[str] = frozenset()
    place: Place | None = field(default=None, compare=False)


def definitions_in(
    objects: Iterable[WantedObject], live: Mapping[ObjectRef, Mapping[str, Json]]
) -> dict[tuple[str, str], Definition]:
    """Return the kinds, by (group, kind), whose definitions are new or not the same as those that are live."""
    found = (item for item in objects if item.group_kind == DEFINITION and item.ref)
    changing = (item for item in found if item.ref and not _settled(item, live.get(item.ref)))
    read = (definition for item in changing if (definition := _read(item)))
    return {(definition.group, definition.kind): definition for definition in read}


def check_custom_resources(
    objects: Iterable[WantedObject], definitions: Mapping[tuple[str, str], Definition]
) -> None:
    """Raise InvalidStack with everything in which objects break the definitions that this plan brings."""
    mistakes = [
        mistake
        for item in objects
        if (definition := definitions.get(item.group_kind))
        for mistake in _mistakes(item, definition)
    ]
    if mistakes:
        raise InvalidStack(tuple(mistakes))


def left_to_the_server(item: WantedObject, definition: Definition) -> str:
    """Return what nobody can tell about an object before it is applied, or an empty text."""
    schema = definition.schemas.get(_version(item))
    rules = expressions_in(dict(schema)) if schema else 0
    if not rules:
        return ""
    which = "a validation rule" if rules == 1 else f"{rules} validation rules"
    return f"the cluster checks {which} of its definition when it is applied"


def _settled(item: WantedObject, live: Mapping[str, Json] | None) -> bool:
    wanted = {version["name"]: version for version in _versions(item.value)}
    found = cast("Mapping[str, Tree]", live or {})
    there = {version["name"]: version for version in _versions(found)}
    return bool(wanted) and all(
        name in there
        and all(there[name].get(key) == version.get(key) for key in ("served", "schema"))
        for name, version in wanted.items()
    )


def _read(item: WantedObject) -> Definition | None:
    match item.value.get("spec"):
        case {"group": str(group), "names": {"kind": str(kind)}} if item.ref:
            versions = [each for each in _versions(item.value) if each.get("served") is not False]
            return Definition(
                ref=item.ref,
                group=group,
                kind=kind,
                schemas={str(each["name"]): _schema(each) for each in versions},
                stateful=frozenset(str(each["name"]) for each in versions if _has_status(each)),
                place=item.place,
            )
        case _:
            return None


def _versions(definition: Mapping[str, Tree]) -> Iterator[Mapping[str, Tree]]:
    spec = definition.get("spec")
    versions = spec.get("versions") if isinstance(spec, dict) else None
    for version in versions if isinstance(versions, list) else ():
        if isinstance(version, dict) and isinstance(version.get("name"), str):
            yield version


def _schema(version: Mapping[str, Tree]) -> Mapping[str, Json] | None:
    schema = version.get("schema")
    found = schema.get("openAPIV3Schema") if isinstance(schema, dict) else None
    if not isinstance(found, dict) or pending_in(found):
        return None
    return cast("Mapping[str, Json]", found)


def _has_status(version: Mapping[str, Tree]) -> bool:
    parts = version.get("subresources")
    return isinstance(parts, dict) and "status" in parts


def _mistakes(item: WantedObject, definition: Definition) -> Iterator[Mistake]:
    version = _version(item)
    if version not in definition.schemas:
        yield _not_served(item, definition, version)
        return
    schema = definition.schemas[version]
    if schema is None:
        return
    for violation in violations(dict(item.value), schema):
        if not (violation.path[:1] == ("status",) and version in definition.stateful):
            yield _mistake(item, violation, definition)


def _not_served(item: WantedObject, definition: Definition, version: str) -> Mistake:
    served = ", ".join(f"{definition.group}/{name}" for name in definition.schemas)
    return Mistake(
        message=f"{item.title}: its definition does not serve the version {version}",
        place=item.document.place(("apiVersion",)) if item.document else None,
        hint=f"it serves {served}" if served else "it serves none at all",
        related=definition.place,
    )


def _mistake(item: WantedObject, violation: Violation, definition: Definition) -> Mistake:
    where = written(violation.path)
    return Mistake(
        message=f"{item.title}: {where} {violation.message}".replace(":  ", ": "),
        place=_place(violation, item),
        hint=_hint(violation),
        related=definition.place,
    )


def _place(violation: Violation, item: WantedObject) -> Place | None:
    if item.document is None:
        return None
    path = (*item.document.prefix, *violation.path)
    return item.document.source.place(path, key=violation.known is not None)


def _hint(violation: Violation) -> str:
    if violation.known is None:
        return ""
    otherwise = "check the spelling and the indentation, or add it to the definition"
    return did_you_mean(str(violation.path[-1]), violation.known, otherwise=otherwise)


def _version(item: WantedObject) -> str:
    return group_version_kind(item.value)[1]
