"""What the ledger holds against a plan: a revision that failed before, and protection that is about to end."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from orchestrator.engine.session import Session
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.fold import identified
from orchestrator.plans.digest import digest
from orchestrator.plans.failed import failure_of, owed_after
from orchestrator.plans.guards import given_up
from orchestrator.plans.loosening import in_force, loosened
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Plan, Revision, UnitPlan
from orchestrator.plans.remembered import BadRevision
from orchestrator.stack.model import Stack, Unit, UnitId

Heirs = Mapping[UnitId, tuple[UnitId, ...]]
"""Units that take objects over from protected ones, each with those that it takes them from."""


def failed_before(revision: Revision, ledger: LedgerState) -> BadRevision | None:
    """Return what is known of a revision whose apply failed, None of any other."""
    return ledger.bad.get(identified(revision))


def notes_on_failure(revision: Revision, ledger: LedgerState) -> tuple[str, ...]:
    """Return what to know of a revision that failed before, and of what was to follow a failure."""
    bad, owed = failed_before(revision, ledger), ledger.owed
    failed = (f"{failure_of(bad)}; applying it again needs --retry",) if bad else ()
    if owed is None:
        return failed
    told = owed_after(owed.over, owed.revision)
    what = "`apply --yes` does that" if owed.over == revision else "applying this takes their place"
    return (*failed, f"{told}: {what}")


def with_lifting(
    units: Iterable[UnitPlan], stack: Stack, ledger: LedgerState, *, heirs: Heirs, destroy: bool
) -> tuple[UnitPlan, ...]:
    """Return units' plans with whether applying them ends a protection: a change of its own.

    A set that takes over what is protected, and says itself that it is not, ends that protection.
    """
    return tuple(unit if destroy else _lifting(unit, stack, ledger, heirs) for unit in units)


def with_loosening(plan: Plan, stack: Stack, ledger: LedgerState) -> Plan:
    """Return the plan of a whole stack with the guards that let more pass once it is applied."""
    found = loosened(ledger.guards, stack.guards)
    if not found:
        return plan
    told = "; ".join(map(str, found))
    note = f"guards are loosened once this is applied, and hold until then: {told}"
    return replace(plan, loosened=found, notes=(*plan.notes, note))


def with_approvals(
    plan: Plan, session: Session, ledger: LedgerState, acknowledged: Collection[str]
) -> Plan:
    """Return a plan with a note of who approved it, where it has to be approved."""
    guards = in_force(ledger.guards, session.stack.guards, acknowledged)
    if not plan.effective or not any(each.approvals for each in guards):
        return plan
    from orchestrator.engine.planning.approvers import apart, notes_on_writers, strictest
    from orchestrator.plans.approvals import approval_of

    strict = strictest(session, ledger, acknowledged)
    told = approval_of(
        ledger.approvals,
        digest(plan),
        needed=strict.approvals,
        apart=apart(session, ledger, strict),
    )
    untold = notes_on_writers(session, ledger, strict)
    return replace(plan, notes=(*plan.notes, f"this plan {told}", *untold))


def _lifting(unit: UnitPlan, stack: Stack, ledger: LedgerState, heirs: Heirs) -> UnitPlan:
    declared, record = _declared(stack).get(unit.unit), ledger.units.get(unit.unit)
    held = (record is not None and record.protect) or unit.unit in heirs
    if declared is None or declared.protect is not False or not held:
        return unit
    return replace(unit, lifted=True, effective=True)


def protected(stack: Stack, ledger: LedgerState) -> frozenset[UnitId]:
    """Return the units that nothing is deleted of: Git says so, or said so when it was applied last."""
    declared = (unit.id for unit in stack.units if unit.protect)
    recorded = (unit for unit, record in ledger.units.items() if record.protect)
    return frozenset({*declared, *recorded})


def notes_on_protection(
    units: Iterable[UnitPlan], stack: Stack, ledger: LedgerState, acknowledged: Collection[str]
) -> tuple[str, ...]:
    """Return which units a plan takes something of that it may not take before somebody names them."""
    kept, owners = protected(stack, ledger), ledger.owners
    found = {
        owner
        for unit in units
        for owner, _ in given_up(unit, protected=kept, acknowledged=acknowledged, owners=owners)
    }
    return tuple(
        f"{owner} is protected; applying this needs --acknowledge destroy:{owner}"
        for owner in sorted(found)
    )


def heirs_of(wanted: Iterable[OwnedObject], stack: Stack, ledger: LedgerState) -> Heirs:
    """Return the units that take objects over from protected ones, which keeps those objects protected."""
    kept, owners = protected(stack, ledger), {each.ref: each.unit for each in ledger.inventory}
    taken = {(each.unit, owners.get(each.ref, each.unit)) for each in wanted}
    found: dict[UnitId, tuple[UnitId, ...]] = {}
    for heir, before in sorted(taken):
        if before != heir and before in kept:
            found[heir] = (*found.get(heir, ()), before)
    return found


def notes_on_heirs(heirs: Heirs, stack: Stack, ledger: LedgerState) -> tuple[str, ...]:
    """Return which units become protected by what they take over, unless they say themselves what they are."""
    declared, kept = _declared(stack), protected(stack, ledger)
    return tuple(
        f"{heir} takes over what is protected in {' and '.join(before)}, and is protected from then on,"
        " until `protect: false` is applied"
        for heir, before in heirs.items()
        if heir not in kept and heir in declared and declared[heir].protect is None
    )


def _declared(stack: Stack) -> Mapping[UnitId, Unit]:
    return {unit.id: unit for unit in stack.units}
