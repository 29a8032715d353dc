"""A plan as the lines of a diff: ``+``, ``-`` and ``!`` in the first column, where forges colour them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from orchestrator.plans.approvals import plain
from orchestrator.plans.change import Action, Change
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.preview import StackPreview
from orchestrator.reports.fields import render_fields
from orchestrator.reports.preview.blocks import Group, Piece, Rank
from orchestrator.reports.preview.harmless import broken, line
from orchestrator.reports.preview.words import overruled_lines
from orchestrator.reports.restoring import restored_lines
from orchestrator.reports.risk import risk_lines
from orchestrator.reports.text import (
    SIGNS,
    change_lines,
    considered_lines,
    drift_lines,
    goes_without_saying,
    later_lines,
    left_lines,
)

_FIELDS_COUNTED: Final = "fields of {} changes"
_FIELD_INDENT: Final = 8
_INDENT: Final = "    "  # no fence is closed by a line that begins with so many
# The sign that colours a line, and the word for what no colour tells: a comment has no legend.
_IN_COLUMN_1: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "!",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.MOVE: "! move",
    Action.IMPORT: "! import",
    Action.ADOPT: "! adopt",
    Action.FORGET: "! forget",
    Action.READ: "    read",
}
_NAMES: Final = {
    Action.CREATE: Rank.CREATED,
    Action.REPLACE: Rank.REPLACED,
    Action.DELETE: Rank.DELETED,
}
_FIELDS: Final = {
    Action.CREATE: Rank.FIELDS_OF_CREATED,
    Action.REPLACE: Rank.FIELDS_OF_REPLACED,
}
_DIFFERENCE: Final = re.compile(r"^( {8,})\| ([-+@ ])(.*)$")

Redact = Callable[[str], str]


def diff_of(preview: StackPreview, plan: Plan, redact: Redact) -> Iterator[Group]:
    """Yield a plan in parts: verdicts first, then unit by unit, then what is only good to know."""
    risks = (f"!{text[3:]}" for text in risk_lines(plan))
    verdicts = [
        *_refusal_lines(preview, redact),
        *overruled_lines(preview),
        *_restored_lines(plan),
        *risks,
    ]
    yield Group(pieces=tuple(_pieces(verdicts, Rank.VERDICT, redact)))
    for unit in plan.units:
        pieces = tuple(_unit_pieces(_redacted(unit, redact), redact))
        removed = " (no longer in Git)" if unit.removed and not plan.destroy else ""
        yield Group(heading=line(redact(f"@@ {unit.unit}{removed} @@")), pieces=pieces)
    aside = [f"{_INDENT}Note: {note}" for note in plan.notes]
    if plan.since is not None:
        aside += [f"{_INDENT}{text}" for text in considered_lines(plan.since)]
    aside += [f"{_INDENT}{unit.unit}: {unit.unlooked}" for unit in plan.units if unit.unlooked]
    yield Group(pieces=tuple(_pieces(aside, Rank.ASIDE, redact)))


def _restored_lines(plan: Plan) -> Iterator[str]:
    return (f"! {text.replace('! ', '', 1)}" for text in restored_lines(plan))


def _redacted(unit: UnitPlan, redact: Redact) -> UnitPlan:
    """Return a unit's plan with its sentences redacted before they are broken into lines."""
    return replace(
        unit,
        deferred=redact(unit.deferred),
        left=tuple(replace(one, name=redact(one.name), to=redact(one.to)) for one in unit.left),
        changes=tuple(replace(each, reason=redact(each.reason)) for each in unit.changes),
        drift=tuple(replace(each, reason=redact(each.reason)) for each in unit.drift),
    )


def _refusal_lines(preview: StackPreview, redact: Redact) -> Iterator[str]:
    """Yield what stands against a plan, and what to do about it; the gravest first."""
    told = (
        *(("refused", each) for each in preview.refusals),
        *(("needs approval", each) for each in preview.awaited),
        *(("not now", each) for each in preview.later),
    )
    for word, refusal in told:
        for text in broken(redact(f"{word}: {refusal.message}")):
            yield f"! {text}"
        for text in broken(redact(f"hint: {refusal.hint}")) if refusal.hint else ():
            yield f"!   {text}"
        for text in broken(redact(refusal.detail)) if refusal.detail else ():
            yield f"!     {text}"
    if preview.refusals and preview.approved_by:
        yield f"! approved all the same, just as it is, by {redact(', '.join(map(plain, preview.approved_by)))}"


def _unit_pieces(unit: UnitPlan, redact: Redact) -> Iterator[Piece]:
    told = [f"!{text[5:]}" if text.startswith("    ? ") else text for text in later_lines(unit)]
    told += [f"! {warning}" for warning in (*unit.warnings, *filter(None, [unit.unsettled]))]
    yield from _pieces(told, Rank.UPDATED, redact)
    for drifted in unit.drift:
        first, *more = drift_lines(drifted)
        yield from _named((first[4:], *more), Rank.UPDATED, redact, counted="drifted")
        if drifted.action is not Action.DELETE:
            fields = render_fields(drifted.fields, indent=_FIELD_INDENT)
            yield from _below([*fields], Rank.FIELDS_OF_UPDATED, redact)
    left = [f"!{text[5:]}" if text.startswith("    !") else text for text in left_lines(unit.left)]
    yield from _pieces(left, Rank.ASIDE, redact)
    for change in unit.changes:
        if change.action is not Action.NO_OP and not goes_without_saying(change):
            yield from _change_pieces(change, redact)


def _change_pieces(change: Change, redact: Redact) -> Iterator[Piece]:
    first, *more = change_lines(change)
    sign = SIGNS[change.action]
    named = _IN_COLUMN_1[change.action] + first[len(_INDENT) + len(sign) :]
    name = _NAMES.get(change.action, Rank.UPDATED)
    fields = _FIELDS.get(change.action, Rank.FIELDS_OF_UPDATED)
    yield from _named((named,), name, redact, counted=f"to {change.action.value}")
    yield from _below(more, fields, redact)


def _named(lines: tuple[str, ...], rank: Rank, redact: Redact, *, counted: str) -> Iterator[Piece]:
    yield Piece(rank=rank, lines=tuple(line(redact(text)) for text in lines), counted=counted)


def _below(lines: list[str], rank: Rank, redact: Redact) -> Iterator[Piece]:
    if lines:
        shown = tuple(line(redact(_sign_first(text))) for text in lines)
        yield Piece(rank=rank, lines=shown, counted=_FIELDS_COUNTED)


def _sign_first(text: str) -> str:
    """Return a line of a difference with its sign in the first column, any other as it is."""
    found = _DIFFERENCE.match(text)
    if not found:
        return text
    indent, sign, rest = found.groups()
    return f"{sign}{indent[1:]}{rest}" if sign in "+-" else f"{indent}{sign}{rest}"


def _pieces(texts: list[str], rank: Rank, redact: Redact) -> Iterator[Piece]:
    for text in texts:
        first, *more = redact(text).splitlines() or [""]
        below = (f"{_INDENT}  {each.lstrip()}" for each in more)
        yield Piece(rank=rank, lines=tuple(map(line, (first, *below))), counted="notes")
