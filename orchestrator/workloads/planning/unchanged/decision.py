"""Whether a server-side apply would change nothing, told from an object's own record of who set which field.

A server keeps for each manager the set of fields that it applied last (``managedFields``). An apply is without
any effect when it would record the same set again and every value in it is the live one already. The set is
walked beside manifest and object; whatever does not fit is a reason to ask the server, and never a guess.

What the set alone does not tell is how the kind's schema has maps and lists merged: by its name one field may be
one value, or was only empty once; and what was merged by its elements then may be one value by now. How each was
walked is returned, for others to decide.
"""

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.model import Json
from orchestrator.workloads.live import SET_BY_THE_SERVER, Live, map_of, mapping
from orchestrator.workloads.planning.unchanged.stored import left_out, names_of, same, stored_as
from orchestrator.workloads.records.notation import ITSELF, is_ours, records_in

Fields: TypeAlias = Mapping[str, Json]
FieldPath: TypeAlias = tuple[str, ...]
Side: TypeAlias = "Json | Absent"
Token: TypeAlias = Hashable

ELEMENT: Final = "[]"
"""The word for any element of a list."""

_NAMED: Final = "f:"
_KEYED: Final = "k:"
_VALUED: Final = "v:"
_PLAIN: Final = frozenset({str, int, bool})

# No manager owns these, so that an apply of other values would not show in any set.
_IDENTITY: Final = ("apiVersion", "kind")
_NAMES: Final = ("name", "namespace")


class Shape(StrEnum):
    """How a map or list was compared."""

    WHOLE_MAP = "a map as one value"
    WHOLE_LIST = "a list as one value"
    FIELDS = "a map by its fields"
    KEYED = "a list by its elements' keys"
    SET = "a list by its elements' values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A map or list that was compared: where it is, as words of its schema (``[]`` for any element), and how.

    ``keys`` are those that a keyed list's elements were told apart by, sorted.
    """

    words: tuple[str, ...]
    shape: Shape
    keys: tuple[str, ...] = ()


def unchanged(wanted: Live, live: Live, *, built_in: bool = False) -> frozenset[Walked] | None:
    """Return None where only the server can tell whether applying ``wanted`` would change anything.

    Otherwise nothing would change, provided that each map and list returned is merged as it was compared. Of
    built-in kinds, whose schemas stay what they are, only those compared as one value are returned.
    ``live`` is the object as it was read in the manifest's own version; ``built_in`` says that its kind is one
    of Kubernetes' own, which keep some values in another form than they were written in.
    """
    fields = _ours(live, str(wanted.get("apiVersion")))
    if fields is None or not _same_object(wanted, live):
        return None
    others = _others(live, wanted["apiVersion"]) if built_in else None
    comparison = _Comparison(others=others, built_in=built_in)
    fits = comparison.maps(_without_names(wanted), dict(live), fields, ())
    return frozenset(comparison.walked) if fits else None


def _ours(live: Live, api_version: str) -> Fields | None:
    """Return the set that we applied last, where there is exactly one and it was written in this version."""
    found = [entry for entry in records_in(live) if is_ours(entry)]
    match found:
        case [{"apiVersion": str(version), "fieldsType": "FieldsV1", "fieldsV1": dict(fields)}]:
            return fields if version == api_version else None
        case _:
            return None


def _others(live: Live, api_version: Json) -> list[Fields] | None:
    """Return the sets of everybody else; None where one may name the same field by another path."""
    found = [entry for entry in records_in(live) if not is_ours(entry)]
    if any(entry.get("apiVersion") != api_version for entry in found):
        return None
    return [mapping(entry, "fieldsV1") for entry in found]


def _same_object(wanted: Live, live: Live) -> bool:
    there, here = mapping(live, "metadata"), mapping(wanted, "metadata")
    return (
        all(wanted.get(key) == live.get(key) for key in _IDENTITY)
        and all(here.get(key) == there.get(key) for key in _NAMES)
        and "deletionTimestamp" not in there
        and SET_BY_THE_SERVER.isdisjoint(here)
    )


def _without_names(wanted: Live) -> dict[str, Json]:
    metadata = {
        key: value for key, value in map_of(wanted["metadata"]).items() if key not in _NAMES
    }
    rest = {key: value for key, value in wanted.items() if key not in _IDENTITY}
    return {**rest, "metadata": metadata}


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """One walk along a set of fields; ``others`` are other managers' sets, None where values stay as written."""

    others: Sequence[Fields] | None
    built_in: bool
    walked: set[Walked] = field(default_factory=set)

    def maps(self, wanted: Live, live: Json, fields: Fields, path: FieldPath) -> bool:
        """Whether the set names just the keys of ``wanted``, and all their values are live."""
        if not isinstance(live, dict) or _count(fields) != len(wanted):
            return False
        self._merged(path, Shape.FIELDS)
        for key, value in wanted.items():
            step, there = _NAMED + key, live.get(key, ABSENT)
            inner = fields.get(step)
            plain = inner == {} and type(value) in _PLAIN and type(value) is type(there)
            if plain and value == there:
                continue  # as most values are, which then cost no path
            if not self._values(value, there, inner, (*path, step)):
                return False
        return True

    def _values(self, wanted: Json, live: Side, fields: Json, path: FieldPath) -> bool:
        if not isinstance(fields, dict) or wanted is None:
            return False
        if isinstance(live, Absent):
            return self._left_out(wanted, fields, path)
        if not _count(fields):
            return self._leaves(wanted, live, path)
        match wanted:
            case dict():
                return self.maps(wanted, live, fields, path)
            case [_, *_] if isinstance(live, list) and _count(fields) == len(wanted):
                return self._lists(wanted, live, fields, path)
            case _:
                return False

    def _leaves(self, wanted: Json, live: Json, path: FieldPath) -> bool:
        self._note(wanted, path)
        if same(wanted, live):
            return True
        return self._ours_alone(path) and stored_as(wanted, live, names_of(path))

    def _left_out(self, wanted: Json, fields: Fields, path: FieldPath) -> bool:
        self._note(wanted, path)
        return not _count(fields) and self._ours_alone(path) and left_out(wanted, names_of(path))

    def _note(self, wanted: Json, path: FieldPath) -> None:
        if isinstance(wanted, list) or (isinstance(wanted, dict) and wanted):
            shape = Shape.WHOLE_LIST if isinstance(wanted, list) else Shape.WHOLE_MAP
            self.walked.add(Walked(words=_words(path), shape=shape))

    def _merged(self, path: FieldPath, shape: Shape, keys: tuple[str, ...] = ()) -> None:
        if not self.built_in:
            self.walked.add(Walked(words=_words(path), shape=shape, keys=keys))

    def _ours_alone(self, path: FieldPath) -> bool:
        """Whether a value may be written in another way: to whoever owns it too, that is a conflict."""
        return self.others is not None and not any(_owns(fields, path) for fields in self.others)

    def _lists(self, wanted: list[Json], live: list[Json], fields: Fields, path: FieldPath) -> bool:
        """Whether a list's elements are those of the set, live, each once, and in the manifest's order."""
        steps = [step for step in fields if step != ITSELF]
        if all(step.startswith(_KEYED) for step in steps):
            return self._keyed_lists(wanted, live, fields, path)
        if not all(step.startswith(_VALUED) for step in steps):
            return False
        declared = {_value_of(step) for step in steps}
        chosen = [_token(item) for item in wanted]
        if declared != set(chosen):
            return False
        self._merged(path, Shape.SET)
        return _in_order(chosen, map(_token, live)) is not None

    def _keyed_lists(
        self, wanted: list[Json], live: list[Json], fields: Fields, path: FieldPath
    ) -> bool:
        keyed = _Keyed.of(fields)
        steps = keyed.steps(wanted)
        places = _in_order(steps, keyed.live(live)) if steps else None
        if not steps or places is None:
            return False
        self._merged(path, Shape.KEYED, tuple(keyed.names))
        return all(
            self._values(item, live[place], fields[step], (*path, step))
            for item, place, step in zip(wanted, places, steps, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keyed:
    """The elements of a keyed list that a set names, found by what a manifest and an object say.

    A manifest may leave out a key that the server defaults, such as a port's protocol. The set tells which key
    was left out: it is in the element's identity, and not among its fields.
    """

    names: Sequence[str]
    declared: Mapping[Token, str]
    complete: Mapping[Token, str]

    @classmethod
    def of(cls, fields: Fields) -> "_Keyed":
        names: set[str] = set()
        declared: dict[Token, str] = {}
        complete: dict[Token, str] = {}
        for step, inner in fields.items():
            if step != ITSELF:
                key, token = _identity(step)
                names.update(key)
                complete[token] = step
                declared[_stated(key, token, map_of(inner))] = step
        return cls(names=sorted(names), declared=declared, complete=complete)

    def steps(self, wanted: list[Json]) -> list[str]:
        """Return which element of the set each one of the manifest is; empty where that cannot be told."""
        found = [self.declared.get(self._key_of(item), "") for item in wanted]
        certain = len(self.declared) == len(self.complete) == len(set(found)) == len(found)
        return found if certain and all(found) else []

    def live(self, live: list[Json]) -> Iterator[str]:
        """Yield which element of the set each live one is, and an empty text for those of others."""
        return (self.complete.get(self._key_of(item), "") for item in live)

    def _key_of(self, item: Json) -> "Token":
        element = map_of(item)
        return tuple((name, _token(element[name])) for name in self.names if name in element)


def _stated(key: Mapping[str, Json], token: Token, fields: Fields) -> Token:
    """Return the part of an element's key that the manifest itself gave; all of it where that is not told."""
    if not _count(fields) or all(_NAMED + name in fields for name in key):
        return token
    return _key({name: value for name, value in key.items() if _NAMED + name in fields})


def _in_order(chosen: Sequence[Token], there: Iterator[Token]) -> list[int] | None:
    """Return where each is, if each is there exactly once and they are in this order."""
    wanted = set(chosen)
    found = [(item, place) for place, item in enumerate(there) if item in wanted]
    return [place for _, place in found] if [item for item, _ in found] == list(chosen) else None


def _owns(fields: Fields, path: FieldPath) -> bool:
    node: Json = dict(fields)
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def _words(path: FieldPath) -> tuple[str, ...]:
    return tuple(step.removeprefix(_NAMED) if step.startswith(_NAMED) else ELEMENT for step in path)


def _count(fields: Fields) -> int:
    return len(fields) - (ITSELF in fields)


def _key(key: Mapping[str, Json]) -> Token:
    return tuple((name, _token(key[name])) for name in sorted(key))


def _token(value: Json) -> Token:
    """Return what is equal for equal values of the same types, and for no others."""
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return type(value), value


@lru_cache(maxsize=4096)
def _value_of(step: str) -> Token:
    return _token(json.loads(step.removeprefix(_VALUED)))


@lru_cache(maxsize=4096)
def _identity(step: str) -> tuple[Mapping[str, Json], Token]:
    key = map_of(json.loads(step.removeprefix(_KEYED)))
    return key, _key(key)
