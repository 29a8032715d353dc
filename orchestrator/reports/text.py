"""A plan, a run, a status and a history as text for people: 80 columns, readable without colour.

The sign of a line stands first after its indentation (``+ ~ -/+ - > & <``), so that a terminal can paint it.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.digest import digest
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Left, Plan, Since, UnitPlan, count
from orchestrator.plans.report import Report, accomplished, changed, loosening, past
from orchestrator.reports.fallback import fallback_lines
from orchestrator.reports.fields import render_fields, show_transition
from orchestrator.reports.folding import COLUMNS, wrapped
from orchestrator.reports.mistakes import render
from orchestrator.reports.restoring import restored_lines
from orchestrator.reports.risk import risk_lines

SIGNS: Final[Mapping[Action, str]] = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.READ: "<",
    Action.MOVE: ">",
    Action.IMPORT: "&",
    Action.FORGET: "x",
    Action.ADOPT: "&",
    Action.NO_OP: " ",
}

_FIELD_INDENT = 8
_NOTHING_LEFT = "Nothing to destroy: nothing of this stack is there."
_MOST_LEFT = 10


def render_plan(plan: Plan) -> str:
    """Return a plan as text, ending in a newline: units in order, then a line that counts."""
    return "\n".join(_plan_lines(plan)) + "\n"


def render_unit(unit: UnitPlan) -> str:
    """Return one unit's part of a plan as text, ending in a newline."""
    return "\n".join(_unit_lines(unit, told=False)) + "\n"


def summary(plan: Plan) -> str:
    """Return the line that counts a plan's changes."""
    if not plan.effective and any(unit.unsettled for unit in plan.units):
        apply = "apply --retry" if plan.failed else "apply"
        return (
            f"Nothing to change, but the last run left something undone: {apply} takes it up again."
        )
    if not plan.effective and plan.since is not None:
        return f"Nothing to do: what changed since {plan.since.revision} is what runs."
    if not plan.effective:
        said = f"Nothing to do: what runs is what Git says{_but_for(plan)}."
        return _NOTHING_LEFT if plan.destroy else said
    counts = count(plan)
    parts = [
        f"{number} to {action.value}"
        for action, number in counts.actions.items()
        if action is not Action.NO_OP
    ]
    lost = sum(change.risk is Risk.DATA_LOSS for _, change in plan.changes())
    if lost:
        parts.append(f"{lost} {'loses' if lost == 1 else 'lose'} data")
    parts += [*_let_go(plan), *_differing(plan)]
    if counts.deferred:
        parts.append(f"{_units(counts.deferred)} planned in turn, during the apply")
    return f"Plan: {', '.join(parts) or 'only outputs change'}."


def _let_go(plan: Plan) -> Iterator[str]:
    """Say what holds less once a plan is applied."""
    if plan.lifted:
        yield f"protection of {_units(plan.lifted)} lifted"
    if plan.loosened:
        yield loosening(plan)


def _plan_lines(plan: Plan) -> Iterator[str]:
    verb = "destroying" if plan.destroy else "applying"
    subject = f" ({plan.revision.subject})" if plan.revision.subject else ""
    yield f"Plan for {verb} {plan.stack}/{plan.environment} at {plan.revision}{subject}"
    yield from restored_lines(plan)
    risks = tuple(risk_lines(plan))
    if risks:
        yield ""
        yield from risks
    for unit in plan.units:
        if unit.effective or unit.warnings or unit.unsettled or unit.drift or unit.left:
            yield ""
            yield from _unit_lines(unit, told=plan.destroy)
    if plan.since is not None:
        yield ""
        yield from considered_lines(plan.since)
    yield from _untouched_lines(plan)
    yield ""
    for note in plan.notes:
        yield from wrapped(f"Note: {note}")
    yield from wrapped(summary(plan))
    if plan.effective:
        yield f"Digest: {digest(plan)[:16]}"


def _untouched_lines(plan: Plan) -> Iterator[str]:
    """Name the units that nothing is to be said of."""
    unlooked = [unit for unit in plan.units if unit.unlooked]
    if unlooked:
        yield ""
        yield from unlooked_lines(unlooked)
    told = [
        unit.effective or unit.unsettled or unit.drift or unit.left or unit.alone or unit.unlooked
        for unit in plan.units
    ]
    quiet = [unit.unit for unit, anything in zip(plan.units, told, strict=True) if not anything]
    if quiet:
        yield ""
        yield from wrapped(", ".join(quiet), first="Unchanged: ", rest=" " * 11)


def unlooked_lines(units: Sequence[UnitPlan]) -> Iterator[str]:
    """Say of units why they were not looked at, those with the same reason together."""
    for reason in dict.fromkeys(unit.unlooked for unit in units):
        names = ", ".join(unit.unit for unit in units if unit.unlooked == reason)
        yield from wrapped(f"{names}: {reason}", rest="  ")


def considered_lines(since: Since) -> Iterator[str]:
    """Yield which units a plan of what changed takes, and why."""
    taken = sum(1 for each in since.considered if each.taken)
    yield f"Since {since.revision}: {taken} of {_units(len(since.considered))}"
    for each in since.considered:
        line = f"  {'taken' if each.taken else 'left':<5}  {each.unit}: {each.reason}"
        yield from wrapped(line, rest=" " * 9)


def _unit_lines(unit: UnitPlan, *, told: bool) -> Iterator[str]:
    removed = "  (no longer in Git)" if unit.removed and not told else ""
    yield f"  {unit.unit}{removed}"
    yield from later_lines(unit)
    if unit.lifted:
        yield "    ! protection lifted: once this is applied, a plan may delete or replace it"
    for drifted in unit.drift:
        yield from drift_lines(drifted)
        if drifted.action is not Action.DELETE:
            yield from render_fields(drifted.fields, indent=_FIELD_INDENT)
    yield from left_lines(unit.left)
    for change in unit.changes:
        if change.action is not Action.NO_OP and not goes_without_saying(change):
            yield from change_lines(change)
    for warning in (*unit.warnings, *filter(None, [unit.unsettled])):
        yield from wrapped(f"    ! {warning}", rest=" " * 6)


def later_lines(unit: UnitPlan) -> Iterator[str]:
    """Say what is planned later, or again; an object's pending fields say it themselves."""
    text = unit.deferred
    if unit.pending and not text and unit.unit.startswith("modules."):
        known = any(path.count(".") > 1 for path in unit.pending)  # else it is told to wait
        text = f"waits for {', '.join(unit.pending)}; planned again when that is {'known' if known else 'applied'}"
    if text:
        yield from wrapped(f"    ? {text}", rest=" " * 6)


def drift_lines(drifted: Change) -> Iterator[str]:
    """Yield what others did to one thing."""
    where = "Terraform" if drifted.subject is Subject.RESOURCE else "this stack"
    line = f"    ! {drifted.name} was {past(drifted.action)} outside of {where}"
    yield from _with_reason(line, drifted.reason)


def _differing(plan: Plan) -> Iterator[str]:
    """Say how much differs from Git and stays so."""
    if plan.drifted:
        yield _left(plan.drifted)
    if plan.left:
        yield f"{plan.left} field{'s' if plan.left > 1 else ''} left to others"
    if plan.alone:
        yield f"{plan.alone} object{'s' if plan.alone > 1 else ''} left alone"


def _but_for(plan: Plan) -> str:
    """Say what is not as Git says though there is nothing to do, as the end of a sentence."""
    told = [*_differing(plan)]
    listed = " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
    return f", but for {listed}" if told else ""


def left_lines(left: Sequence[Left]) -> Iterator[str]:
    """Yield the fields that differ from Git and stay so."""
    for one in left[:_MOST_LEFT]:
        verb = "differs" if len(one.fields) == 1 else "differ"
        to = f" to {one.to}" if one.to else " as others set it"
        line = f"    ! {one.name}: {_some(one.fields)} {verb} from Git, left{to}"
        yield from wrapped(line, rest=" " * 6)
    if len(left) > _MOST_LEFT:
        yield f"    ! and fields of {len(left) - _MOST_LEFT} more objects"


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - _MOST_LEFT
    return ", ".join(paths[:_MOST_LEFT]) + (f" and {more} more" if more > 0 else "")


def _left(number: int) -> str:
    if number == 1:
        return "1 drifted object left as it is"
    return f"{number} drifted objects left as they are"


def goes_without_saying(change: Change) -> bool:
    """Whether a change is an output that goes with everything else of its module."""
    return change.subject is Subject.OUTPUT and change.action is Action.DELETE


def change_lines(change: Change) -> Iterator[str]:
    """Yield a change, its sign first after four blanks, and its fields below it."""
    moved = f"{change.previous} → " if change.previous else ""
    output = "output " if change.subject is Subject.OUTPUT else ""
    whole = "".join(f"  {show_transition(item)}" for item in change.fields if not item.path)
    lost = "  # loses data" if change.risk is Risk.DATA_LOSS else ""
    named = f"    {SIGNS[change.action]} {output}{moved}{change.name}"
    yield from _with_reason(named, change.reason, f"{whole}{lost}")
    if change.action is not Action.DELETE:  # the name says it all; the values are in the JSON
        fields = [item for item in change.fields if item.path]
        yield from render_fields(fields, indent=_FIELD_INDENT)


def _with_reason(line: str, reason: str, rest: str = "") -> Iterator[str]:
    """Yield a line with the reason for it, which gets lines of its own where there is no room."""
    one = f"{line}  ({reason}){rest}" if reason else f"{line}{rest}"
    if not reason or len(one) <= COLUMNS:
        yield one
        return
    yield f"{line}{rest}"
    indent = " " * _FIELD_INDENT
    yield from wrapped(f"({reason})", first=indent, rest=f"{indent} ")


def render_report(report: Report) -> str:
    """Return how an apply or destroy ended, failures last and whole, ending in a newline."""
    return "\n".join(_report_lines(report)) + "\n"


def _report_lines(report: Report) -> Iterator[str]:
    for result in report.results:
        if result.error is not None:
            yield from _failure_lines(result.unit, result.error)
    if report.trouble is not None:
        whole = f"{report.plan.stack}/{report.plan.environment}"
        yield from _failure_lines(whole, report.trouble)
    yield from wrapped(_last_line(report))
    if report.fallback is not None:
        for line in fallback_lines(report.fallback, report.plan):
            yield from wrapped(line)


def _last_line(report: Report) -> str:
    where = f"{report.plan.stack}/{report.plan.environment} at {report.plan.revision}"
    took = f" in {report.seconds:.1f} s"
    entry = f" Ledger entry {report.entry[:10]}." if report.entry else ""
    match report.outcome:
        case Outcome.FAILED if report.fallback is not None and not report.results:
            return f"Not applied again: {where}, which failed before."
        case Outcome.FAILED:
            return f"Failed: {where}{took}: {accomplished(report)}.{entry}"
        case Outcome.INTERRUPTED:
            done = f": {', '.join(told)}" if (told := changed(report)) else ""
            return f"Interrupted: {where}{took}{done}. Run apply again to go on from here.{entry}"
        case Outcome.UNCHANGED if report.plan.destroy:
            return f"{_NOTHING_LEFT}{entry}"
        case Outcome.UNCHANGED if not report.plan.loosened:
            return f"Nothing to do: {where} is what runs{_but_for(report.plan)}.{entry}"
        case Outcome.DESTROYED:
            return f"Destroyed {report.plan.stack}/{report.plan.environment}{took}.{entry}"
        case _:
            return f"Applied {where}{took}: {accomplished(report)}.{entry}"


def _failure_lines(where: str, error: OrchestratorError) -> Iterator[str]:
    prefix = f"{where}: "  # many messages name their unit themselves
    yield prefix + error.message.removeprefix(prefix)
    if isinstance(error, InvalidStack):
        yield textwrap.indent(render(error.mistakes).rstrip(), "  ")
    for line in error.detail.splitlines():
        yield f"  {line}".rstrip()
    if error.hint:
        yield f"  hint: {error.hint}"
    yield ""


def _units(number: int) -> str:
    return f"{number} unit{'s' if number != 1 else ''}"
