"""A plan as the ledger keeps it: what was shown, in few words and without secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.plans.change import Action
from orchestrator.stack.model import Json, UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One change: what it does to what; ``fields`` are lines, told only of what exists already."""

    action: Action
    name: str
    type: str = ""
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the form in which the ledger keeps it; what is empty is left out."""
        return {
            "action": self.action,
            "name": self.name,
            **({"type": self.type} if self.type else {}),
            **({"fields": list(self.fields)} if self.fields else {}),
        }

    @classmethod
    def from_json(cls, value: Json) -> "PlannedChange":
        """Read what ``to_json`` wrote; raises ValueError when it is something else."""
        fields = _mapping(value)
        return cls(
            action=Action(_text(fields, "action")),
            name=_text(fields, "name"),
            type=_text(fields, "type"),
            fields=tuple(_line(each) for each in _list(fields, "fields")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUnit:
    """What was to happen to one unit, no-ops left out; ``deferred`` says why it could not be told yet."""

    unit: UnitId
    changes: tuple[PlannedChange, ...] = ()
    deferred: str = ""
    removed: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return the form in which the ledger keeps it; what is empty is left out."""
        return {
            "unit": self.unit,
            "changes": [change.to_json() for change in self.changes],
            **({"deferred": self.deferred} if self.deferred else {}),
            **({"removed": True} if self.removed else {}),
        }

    @classmethod
    def from_json(cls, value: Json) -> "PlannedUnit":
        """Read what ``to_json`` wrote; raises ValueError when it is something else."""
        fields = _mapping(value)
        return cls(
            unit=UnitId(_text(fields, "unit")),
            changes=tuple(PlannedChange.from_json(each) for each in _list(fields, "changes")),
            deferred=_text(fields, "deferred"),
            removed=fields.get("removed") is True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """What a plan was going to do, in the order of its effects."""

    units: tuple[PlannedUnit, ...] = ()

    def to_json(self) -> list[Json]:
        """Return the form in which the ledger keeps it."""
        return [unit.to_json() for unit in self.units]

    @classmethod
    def from_json(cls, value: Json) -> "PlanRecord":
        """Read what ``to_json`` wrote; raises ValueError when it is something else."""
        if not isinstance(value, list):
            message = f"a plan is kept as a list, not as {type(value).__name__}"
            raise ValueError(message)
        return cls(units=tuple(PlannedUnit.from_json(each) for each in value))


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        message = f"a part of a plan is kept as a mapping, not as {type(value).__name__}"
        raise ValueError(message)
    return value


def _text(fields: Mapping[str, Json], name: str) -> str:
    return _line(fields.get(name, ""))


def _line(value: Json) -> str:
    if not isinstance(value, str):
        message = f"a plan's words are texts, not {value!r}"
        raise ValueError(message)
    return value


def _list(fields: Mapping[str, Json], name: str) -> list[Json]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        message = f"a plan's {name} are a list, not {value!r}"
        raise ValueError(message)
    return value
