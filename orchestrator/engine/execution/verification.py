"""Law 2 in code: what was shown is what is done, or nothing is, and the refusal says what moved."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.engine.execution.permissions import Permissions
from orchestrator.engine.planning.planned import PlannedModule, outputs_of
from orchestrator.engine.planning.workloads import PlannedSet, plan_pruning, plan_workloads
from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import IMMATERIAL
from orchestrator.ledger.store import Store
from orchestrator.plans.change import Action, Change, FieldChange
from orchestrator.plans.guards import destructive
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.surprises import surprises
from orchestrator.plans.values import Masked, Unknown
from orchestrator.stack.model import UnitId
from orchestrator.workloads.comparison.elements import renames

if TYPE_CHECKING:
    from orchestrator.engine.planning.plan import Planned

_MOST_NOTES = 50
_AGAIN = "plan again, and look at what changed"


def verify_unmoved(planned: "Planned") -> None:
    """Look at the world once more before the first effect; raises PlanRefused when it moved."""
    _verify_states((*planned.modules.values(), *planned.destroyed.values()))
    if planned.cluster is None:
        return
    if planned.plan.destroy:
        now = plan_pruning(planned.session, planned.inventory, planned.cluster)
    else:
        now = plan_workloads(
            planned.session,
            planned.wanted,
            planned.graph,
            outputs=outputs_of(planned.modules),
            inventory=planned.inventory,
            cluster=planned.cluster,
        )
    moved = [
        difference
        for unit, each in now.sets.items()
        for difference in _differences(planned.sets.get(unit), each)
    ]
    if moved:
        message = f"the cluster changed since the plan was made: {', '.join(moved)}"
        raise PlanRefused(message, hint=_AGAIN)


def _verify_states(modules: Iterable[PlannedModule]) -> None:
    looked_at = [module for module in modules if module.acts or module.result is None]
    if not looked_at:
        return
    from orchestrator.infrastructure.modules import state_stamp

    for module in looked_at:
        verify_state(module, state_stamp(module.workspace))


def only_noted_since(store: Store, before: str, now: str) -> bool:
    """Return whether nothing that matters to a plan was recorded since the ledger's head was ``before``.

    Approvals and the like come between a plan and its execution. Raises LedgerError.
    """
    if before == now:
        return True
    for entry in store.history(_MOST_NOTES):
        if entry.run.operation not in IMMATERIAL:
            return False
        if entry.previous == before:
            return True
    return False


def verify_late_unit(shown: UnitPlan, late: UnitPlan, allowed: Permissions) -> None:
    """Refuse a unit, planned in its turn, that would do what nobody was shown and nobody consents to now.

    Of one that could not be planned before, that is to delete or replace something. Raises PlanRefused.
    """
    found = surprises(shown, late)
    if not found or allowed.deferred:
        return
    message = f"{late.unit} would now do more than the plan showed: {', '.join(found)}"
    if shown.deferred:
        names = ", ".join(destructive(late))
        message = f"{late.unit} could only be planned now, and would delete or replace {names}"
    if allowed.ask is None:
        hint = "apply again: it is part of the plan then; or pass --allow-deferred beforehand"
        raise PlanRefused(message, hint=hint)
    if not allowed.ask(late, message):
        raise PlanRefused(
            f"{message}; that was not agreed to",
            hint="what was applied before stays; plan again to see what is left",
        )


def verify_late_sets(
    shown: Mapping[UnitId, PlannedSet], late: Mapping[UnitId, PlannedSet], allowed: Permissions
) -> None:
    """Refuse sets that, with every value known, would do what the plan did not show; raises PlanRefused."""
    for unit, each in late.items():
        before = shown.get(unit)
        if before is not None and before.unit_plan.deferred:
            verify_late_unit(before.unit_plan, each.unit_plan, allowed)
            if allowed.deferred or not before.unit_plan.changes:
                continue
        moved = list(_differences(before, each))
        if moved:
            message = f"{unit} would now do more than the plan showed: {', '.join(moved)}"
            raise PlanRefused(message, hint=_AGAIN)


def verify_state(shown: PlannedModule, now: str) -> None:
    """Refuse a module whose state, by its stamp, is another one than the plan was made against."""
    if now != shown.state_stamp:
        message = f"the Terraform state of {shown.unit_plan.unit} moved since the plan was made"
        raise PlanRefused(message, hint=_AGAIN)


def _differences(shown: PlannedSet | None, now: PlannedSet) -> Iterator[str]:
    """Yield what is done now and was not shown; what needs no doing any more is no difference."""
    expected = {change.name: change for change in shown.unit_plan.changes} if shown else {}
    unnamed = any(
        change.action is Action.CREATE and "(known after apply" in name
        for name, change in expected.items()
    )
    for change in now.unit_plan.changes:
        if change.action is Action.NO_OP:
            continue
        before = expected.get(change.name) or expected.get(_unplaced(change.name))
        if before is None and unnamed and change.action is Action.CREATE:
            continue
        if before is None or before.action is not change.action or not _agree(before, change):
            yield f"{change.name} to {change.action.value}"


def _unplaced(name: str) -> str:
    """Return an object's name as it is shown while nobody knows whether its kind lives in namespaces."""
    kind, _, rest = name.partition(" ")
    return f"{kind} {rest.rpartition('/')[2]}"


def _agree(shown: Change, now: Change) -> bool:
    """Whether a change does no more than was shown: pending fields may have got their values.

    Where such a value names an element of a list, as a port does, that list could not be told by its names before.
    """
    expected = {item.path: item for item in shown.fields}
    pending = tuple(path for path, item in expected.items() if isinstance(item.after, Unknown))
    renamed = {path for path in map(renames, pending) if path}
    open_below = (
        *(f"{path}." for path in pending),
        *(f"{path}[" for path in (*pending, *sorted(renamed))),
    )
    return all(
        _same(expected.get(item.path), item)
        or item.path in pending
        or item.path.startswith(open_below)
        for item in now.fields
    )


def _same(shown: FieldChange | None, now: FieldChange) -> bool:
    """Whether a field becomes what was shown; a masked value was not, and may be drawn anew by its module."""
    if shown is None:
        return False
    masked = isinstance(shown.after, Masked) and isinstance(now.after, Masked)
    return shown == (replace(now, after=shown.after) if masked else now)
