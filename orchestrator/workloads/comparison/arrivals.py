"""What comes with an object that is not there yet: each field that its manifest has, as it would be. Pure.

It says what comparing with nothing says, at half the cost: a first apply consists of nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.comparison.elements import Keys, could_be, keys_of, name_of
from orchestrator.workloads.comparison.intent import Side, deeper, join
from orchestrator.workloads.comparison.untold import left_out

Arrival: TypeAlias = tuple[FieldChange, Path | None]
"""A field that comes, and where the manifest has it; None for what is not in there."""

_NOTHING: Final[Mapping[str, Tree]] = {}


@dataclass(frozen=True, slots=True)
class _Place:
    """A node: how people write where it is, and what the manifest says there.

    ``certain`` says that the manifest has no such node when ``wanted`` is absent.
    """

    path: str
    wanted: Side
    at: Path | None
    certain: bool = True


def arriving(result: Mapping[str, Tree], wanted: Side) -> list[Arrival]:
    """Return what an object would have of what its manifest says, in any order.

    Nothing in the manifest may be pending or secret. What only the server adds is left out.
    """
    found: list[Arrival] = []
    _maps(result, _Place("", wanted, ()), found)
    return found


def _node(after: Tree, place: _Place, found: list[Arrival]) -> None:
    said_nothing = isinstance(place.wanted, Absent) or place.wanted is None
    if after is not None and place.certain and said_nothing:
        return
    if after and isinstance(after, dict):
        _maps(after, place, found)
    elif isinstance(after, list) and any(isinstance(item, dict) for item in after):
        _lists(after, place, found)
    else:
        value = cast("Json", after)
        found.append((FieldChange(path=place.path, before=ABSENT, after=value), place.at))


def _maps(after: Mapping[str, Tree], place: _Place, found: list[Arrival]) -> None:
    wanted = place.wanted if isinstance(place.wanted, dict) else _NOTHING
    for key, value in after.items():
        if left_out(place.path, key, wanted):
            continue
        path = join(place.path, key)
        if key in wanted:
            _node(value, _Place(path, wanted[key], deeper(place.at, key)), found)
        else:
            _node(value, _Place(path, ABSENT, None, place.certain), found)


def _lists(after: Sequence[Tree], place: _Place, found: list[Arrival]) -> None:
    wanted = place.wanted if isinstance(place.wanted, list) else ()
    keys = keys_of(place.path.rpartition(".")[2], (), after)
    for index, item in enumerate(after):
        name = name_of(item, keys) if keys else str(index)
        path = f"{place.path}[{name}]"
        matching = _matching(item, index, wanted, keys)
        if len(matching) == 1:
            (number,) = matching
            _node(item, _Place(path, wanted[number], deeper(place.at, number)), found)
        else:
            _node(item, _Place(path, ABSENT, None, place.certain and not matching), found)


def _matching(item: Tree, index: int, wanted: Sequence[Tree], keys: Keys) -> list[int]:
    """Return which of the manifest's elements an element may be."""
    if not keys:
        return [index] if index < len(wanted) else []
    return [number for number, said in enumerate(wanted) if could_be(said, item, keys)]
