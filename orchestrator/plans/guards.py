"""Verdicts over a plan before it is executed: what it may not do unless somebody named it."""

from collections.abc import Collection, Iterator, Mapping
from shlex import quote
from types import MappingProxyType
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Risk, Subject, undeposed
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.risk import AtRisk, at_risk, in_unit, named
from orchestrator.stack.model import UnitId

_MOST_SPELLED = 5
_DESTRUCTIVE = frozenset({Action.DELETE, Action.REPLACE})
_NOBODY: Final[Mapping[str, UnitId]] = MappingProxyType({})
# They hold no data of their own: that everything in them goes is what a destruction is asked for.
_CONTAINERS = frozenset(
    {"Namespace", "CustomResourceDefinition", "kubernetes_namespace", "kubernetes_namespace_v1"}
)


def destructive(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of what a unit's plan deletes or replaces, outputs left out."""
    return tuple(
        change.name
        for change in unit.changes
        if change.action in _DESTRUCTIVE and change.subject is not Subject.OUTPUT
    )


def forgotten(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of the resources that a unit's plan gives up, though they go on being there."""
    return tuple(
        change.name
        for change in unit.changes
        if change.action is Action.FORGET and change.subject is Subject.RESOURCE
    )


def unacknowledged(plan: Plan, acknowledged: Collection[str]) -> tuple[AtRisk, ...]:
    """Return what a plan loses the data of and that nobody named for this very plan.

    It is named by its name as the plan shows it, by ``UNIT/NAME``, or with all of its unit by ``destroy:UNIT``.
    """
    lost = losses(plan)
    words = zip(lost, named(lost, lost), strict=True)
    return tuple(
        one
        for one, word in words
        if acknowledged_by(one).isdisjoint(acknowledged) and word not in acknowledged
    )


def losses(plan: Plan) -> tuple[AtRisk, ...]:
    """Return what a plan loses the data of; a destruction may take what merely contains other things."""
    return tuple(
        one
        for one in at_risk(plan)
        if one.risk is Risk.DATA_LOSS and not (plan.destroy and one.type in _CONTAINERS)
    )


def acknowledged_by(one: AtRisk) -> frozenset[str]:
    """Return the words that acknowledge a loss in whatever plan of the stack it is."""
    return frozenset({f"{one.unit}/{one.name}", f"destroy:{one.unit}"})


def check_losses(plan: Plan, acknowledged: Collection[str]) -> None:
    """Refuse a plan that loses data unless each loss was acknowledged by its name; raises PlanRefused."""
    left = unacknowledged(plan, acknowledged)
    if not left:
        return
    names = named(left, losses(plan))
    flags = " ".join(f"--acknowledge {quote(name)}" for name in names[:_MOST_SPELLED])
    if len(left) > 1:
        units = dict.fromkeys(one.unit for one in left)
        flags += f", or all of a unit with --acknowledge destroy:{next(iter(units))}"
    raise PlanRefused(
        f"what is in {', '.join(names)} would be lost by this plan",
        hint=f"if that is meant, pass {flags}",
    )


def check_late_losses(shown: Plan, late: UnitPlan, acknowledged: Collection[str]) -> None:
    """Refuse a unit that was planned during the apply and loses what nobody could name before.

    What the plan showed of it already counts as named by what acknowledged it there.
    """
    known = {(one.unit, one.name) for one in losses(shown)}
    left = [
        one
        for one in in_unit(late)
        if one.risk is Risk.DATA_LOSS
        and known.isdisjoint({(one.unit, one.name), (one.unit, undeposed(one.name))})
        and acknowledged_by(one).isdisjoint(acknowledged)
    ]
    if left:
        names = ", ".join(one.name for one in left)
        message = f"{late.unit} could only be planned now, and what is in {names} would be lost"
        hint = f"if that is meant, apply again with --acknowledge destroy:{late.unit}"
        raise PlanRefused(message, hint=hint)


def check_protection(
    unit: UnitPlan,
    *,
    protected: Collection[UnitId],
    acknowledged: Collection[str],
    owners: Mapping[str, UnitId] = _NOBODY,
) -> None:
    """Refuse a unit's plan that deletes, replaces or forgets anything of a unit that is protected.

    ``acknowledged`` holds what a person named for this very plan, as ``destroy:UNIT``. ``owners`` says whose objects
    are until now, by name: another unit that takes one over does not take its protection away. Raises PlanRefused.
    """
    for owner, names in given_up(
        unit, protected=protected, acknowledged=acknowledged, owners=owners
    ):
        told = ", ".join(names)
        would = "delete, replace or forget" if forgotten(unit) else "delete or replace"
        message = f"{owner} is protected, and this plan would {would} {told}"
        hint = f"if that is meant, pass --acknowledge destroy:{owner}; or first {_lifting(unit)}"
        raise PlanRefused(message, hint=hint)


def given_up(
    unit: UnitPlan,
    *,
    protected: Collection[UnitId],
    acknowledged: Collection[str],
    owners: Mapping[str, UnitId] = _NOBODY,
) -> Iterator[tuple[UnitId, tuple[str, ...]]]:
    """Yield the protected units of which a plan deletes, replaces or forgets something, and what, unless named."""
    for owner, names in _of_owners(unit, owners):
        if owner in protected and f"destroy:{owner}" not in acknowledged:
            yield owner, names


def _of_owners(
    unit: UnitPlan, owners: Mapping[str, UnitId]
) -> Iterator[tuple[UnitId, tuple[str, ...]]]:
    """Yield what a unit gives up: all of it as its own, and what of that has been another unit's."""
    names = (*destructive(unit), *forgotten(unit))
    if names:
        yield unit.unit, names
    others = {name: owners[name] for name in names if owners.get(name, unit.unit) != unit.unit}
    for owner in sorted({*others.values()}):
        yield owner, tuple(name for name in others if others[name] == owner)


def _lifting(unit: UnitPlan) -> str:
    """Say how the protection of a unit is lifted, which is a change of its own."""
    if unit.lifted:
        return "apply `protect: false` alone, and this in a commit after it"
    return "commit and apply it with `protect: false`"
