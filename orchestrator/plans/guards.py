"""Verdicts over a plan before it is executed: what it may not do unless somebody named it."""

from collections.abc import Collection

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import UnitId

_DESTRUCTIVE = frozenset({Action.DELETE, Action.REPLACE})
# Volumes with what was written to them, and kinds and namespaces with every object in them.
_HOLDING_DATA = frozenset(
    {"PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace"}
)


def destructive(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of what a unit's plan deletes or replaces, outputs left out."""
    return tuple(
        change.name
        for change in unit.changes
        if change.action in _DESTRUCTIVE and change.subject is not Subject.OUTPUT
    )


def losing_data(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of the objects that a unit's plan deletes and that hold data or other objects."""
    return tuple(
        change.name
        for change in unit.changes
        if change.subject is Subject.OBJECT
        and change.action in _DESTRUCTIVE
        and change.name.partition(" ")[0] in _HOLDING_DATA
    )


def check_protection(
    unit: UnitPlan, *, protected: Collection[UnitId], acknowledged: Collection[str]
) -> None:
    """Refuse a unit's plan that deletes or replaces anything although the unit is protected.

    ``acknowledged`` holds what a person named for this very plan, as ``destroy:UNIT``. Raises PlanRefused.
    """
    names = destructive(unit)
    if unit.unit in protected and names and f"destroy:{unit.unit}" not in acknowledged:
        message = (
            f"{unit.unit} is protected, and this plan would delete or replace {', '.join(names)}"
        )
        raise PlanRefused(message, hint=f"if that is meant, pass --acknowledge destroy:{unit.unit}")
