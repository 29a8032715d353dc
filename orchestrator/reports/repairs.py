"""What was found out about a ledger, and what a repair would do, as text and as JSON."""

from collections.abc import Iterator

from orchestrator.plans.repairs import Checked, RepairPlan
from orchestrator.reports.json import FORMAT, time_json
from orchestrator.stack.model import Json


def render_checked(checked: Checked) -> str:
    """Return what was found out about a ledger, ending in a newline."""
    return "\n".join([*_checked(checked), *_untold(checked)]) + "\n"


def checked_json(checked: Checked) -> dict[str, Json]:
    """Return whether a ledger is whole, how many entries hold, the last of them, and where it breaks first."""
    broken: Json = {"place": checked.place, "why": checked.why} if checked.why else None
    return {
        "format": FORMAT,
        "stack": checked.stack,
        "environment": checked.environment,
        "whole": checked.whole,
        "entries": checked.entries,
        "last": checked.last,
        "at": time_json(checked.at) if checked.at else None,
        "broken": broken,
        "lost": checked.lost,
        "hint": checked.hint,
    }


def render_repair(plan: RepairPlan) -> str:
    """Return what a repair would do, ending in a newline."""
    return "\n".join(_repair(plan)) + "\n"


def repair_json(plan: RepairPlan) -> dict[str, Json]:
    """Return what a repair would do: what is wrong, what was found to exist, and what another ledger has."""
    return {
        **checked_json(plan.checked),
        "needed": plan.needed,
        "again": plan.again,
        "units": [*plan.units],
        "objects": [ref.to_json() for ref in plan.objects],
        "uncertain": plan.uncertain,
        "taken": [{"kind": each.kind.value, "told": each.told} for each in plan.taken],
        "unseen": [*plan.unseen],
    }


def _checked(checked: Checked) -> Iterator[str]:
    subject = f"{checked.stack}/{checked.environment}"
    hold = "entry holds" if checked.entries == 1 else "entries hold"
    if checked.whole:
        yield f"{subject}: the ledger is whole, {checked.entries} {hold}"
    else:
        yield f"{subject}: the ledger is damaged, {checked.entries} {hold}"
    if checked.at:
        yield f"  last    {checked.last} ({checked.at:%Y-%m-%d %H:%M:%S} UTC)"
    if checked.why:
        yield f"  broken  {checked.place} {checked.why}"
    if checked.lost:
        yield f"  lost    {checked.lost}"
    if checked.hint:
        yield f"  hint    {checked.hint}"


def _untold(checked: Checked) -> Iterator[str]:
    """Yield what the chain itself cannot tell; a repair has looked at what exists."""
    if checked.whole:
        yield "  note    an end that was cut off before this clone saw it leaves no trace here; what exists tells:"
        yield f"          orchestrator ledger repair {checked.stack} --env {checked.environment}"


def _repair(plan: RepairPlan) -> Iterator[str]:
    yield from _checked(plan.checked)
    if not plan.needed:
        yield from (f"  note    {each}" for each in plan.unseen)
        seen = "" if not plan.unseen else ", as far as one could look"
        yield f"There is nothing to repair{seen}."
        return
    yield ""
    yield "A repair would"
    yield f"  go on from {_from(plan)}"
    if plan.checked.replaced:
        yield "  set aside the other ledger, with all that was recorded in it and not in these"
    if plan.again:
        yield f"  write the state beside {plan.again} of them anew"
    if plan.units:
        yield f"  record as there, with nobody knowing since when: {', '.join(plan.units)}"
    if plan.objects:
        yield "  take into the inventory what carries the stack's labels:"
        yield from (f"    {ref}" for ref in plan.objects)
    if plan.uncertain:
        yield f"  remember of {_objects(plan.uncertain)} only what is certain: where it is not, Git counts, not drift"
    if plan.taken:
        yield "  take in of the ledger that is set aside:"
        yield from (f"    {each.kind.value}  {each.told}" for each in plan.taken)
    yield from (f"  note: {each}" for each in plan.unseen)


def _from(plan: RepairPlan) -> str:
    if not plan.checked.entries:
        return "an empty ledger, since no entry holds"
    if plan.checked.entries == 1:
        return "the one entry that holds"
    return f"the last of the {plan.checked.entries} entries that hold"


def _objects(count: int) -> str:
    return f"{count} {'object' if count == 1 else 'objects'}"
