"""A status as text and as JSON."""

from collections.abc import Iterator

from orchestrator.plans.history import (
    OpenRun,
    Status,
    UnitStatus,
)
from orchestrator.plans.remembered import Approval, BadRevision, Suspension
from orchestrator.reports.history.stacks import line_json, way_out
from orchestrator.reports.history.tables import SHORT, filled, name_of, table
from orchestrator.reports.json import FORMAT, revision_json, time_json
from orchestrator.stack.model import Json

_MOST_BAD = 5
_UNIT_COLUMNS = ("UNIT", "REVISION", "WHEN (UTC)", "BY", "STATE")


def render_status(status: Status) -> str:
    """Return a status as a table, with what asks for attention below it, ending in a newline."""
    return "\n".join(_lines(status)) + "\n"


def status_json(status: Status) -> dict[str, Json]:
    """Return a status: its units in order, the sentence about an unfinished run, the lock's holder."""
    last = status.healthy
    return {
        "format": FORMAT,
        "stack": status.stack,
        "environment": status.environment,
        "unfinished": status.unfinished,
        "owed": status.owed,
        "broken_off": status.broken_off,
        "lock": status.lock,
        "units": [unit_json(unit) for unit in status.units],
        "open": _open_json(status.open) if status.open else None,
        "bad": [_bad_json(each) for each in status.bad],
        "approvals": [_approval_json(each) for each in status.approvals],
        "healthy": {
            "revision": revision_json(last.revision),
            "at": time_json(last.at),
            "entry": last.entry,
        }
        if last
        else None,
        "suspended": _suspended_json(status.suspended) if status.suspended else None,
        "vanished": [line_json(each) for each in status.vanished],
    }


def unit_json(unit: UnitStatus) -> Json:
    """Return what is recorded of a unit."""
    return {
        "unit": unit.unit,
        "outcome": unit.outcome.value if unit.outcome else None,
        "applied": revision_json(unit.applied) if unit.applied else None,
        "at": time_json(unit.at) if unit.at else None,
        "by": unit.by,
        "health": unit.health,
        "objects": unit.objects,
        "declared": unit.declared,
        "protected": unit.protected,
        "drift": unit.drift,
        "why": unit.why,
    }


def state_of(unit: UnitStatus) -> str:
    """Return the state of a unit in a few words."""
    if unit.outcome is None:
        return "not applied yet"
    words = [f"was {unit.health}" if unit.health else unit.outcome.value]
    if unit.drift:
        words.append(f"{unit.drift} drifted")
    if not unit.declared:
        words.append("no longer in Git")
    if unit.protected:
        words.append("protected")
    return ", ".join(words)


def _lines(status: Status) -> Iterator[str]:
    yield f"{status.stack}/{status.environment}"
    yield ""
    yield from table([_UNIT_COLUMNS, *(_row(unit) for unit in status.units)])
    for part in (_failures(status), _held(status), _bad(status), _waiting(status), _gone(status)):
        lines = tuple(part)
        if lines:
            yield ""
            yield from lines


def _row(unit: UnitStatus) -> tuple[str, ...]:
    return (
        unit.unit,
        str(unit.applied) if unit.applied else "-",
        f"{unit.at:%Y-%m-%d %H:%M}" if unit.at else "-",
        name_of(unit.by),
        state_of(unit),
    )


def _failures(status: Status) -> Iterator[str]:
    for unit in status.units:
        if unit.why:
            yield filled(f"{unit.unit}: {unit.why.splitlines()[0]}", hanging="  ")
    if any(unit.why for unit in status.units):
        yield "`orchestrator explain UNIT` tells all that is recorded of it."


def _held(status: Status) -> Iterator[str]:
    if status.suspended:
        by = status.suspended
        said = f"Suspended for agents by {name_of(by.who)}, {by.at:%Y-%m-%d %H:%M} UTC"
        yield filled(f"{said}: {by.why}", hanging="  ")
    if status.lock:
        yield f"Locked by {status.lock}"
    if status.unfinished:
        yield f"Unfinished: {status.unfinished}"
        yield from _in_flight(status)
        yield "The next apply goes on from what it left."
    if status.broken_off:
        yield filled(
            f"Broken off: {status.broken_off}; what it was at is as it left it", hanging="  "
        )
    if status.owed:
        yield filled(f"Owed: {status.owed}. `apply --yes` of the one that failed does it.")


def _in_flight(status: Status) -> Iterator[str]:
    run = status.open
    if run is None:
        return
    if run.done:
        yield filled(f"It was done with {', '.join(run.done)}.", indent="  ")
    if run.units:
        yield filled(f"Nothing is recorded of {', '.join(run.units)}.", indent="  ")
    yield "  If nobody is going to finish it:"
    place = f"{status.stack} --env {status.environment}"
    yield f"    orchestrator abandon {run.entry[:SHORT]} {place} --why …"


def _bad(status: Status) -> Iterator[str]:
    """Yield the revisions that failed since the stack was well, and how many did before."""
    last = status.healthy
    bad = [each for each in status.bad if last is None or each.at >= last.at]
    for each in bad[::-1][:_MOST_BAD]:
        times = f", {each.attempts} times" if each.attempts > 1 else ""
        what = f"Bad revision: {each.revision} failed{times}, last {each.at:%Y-%m-%d %H:%M} UTC"
        yield filled(f"{what}: {each.why.partition(chr(10))[0]}", hanging="  ")
    if len(bad) > _MOST_BAD:
        yield f"and {len(bad) - _MOST_BAD} bad revisions more"
    if last and status.bad:
        yield f"Last healthy: {last.revision}, {last.at:%Y-%m-%d %H:%M} UTC, entry {last.entry[:SHORT]}"
    if before := len(status.bad) - len(bad):
        failed = "1 revision that failed" if before == 1 else f"{before} revisions that failed"
        yield f"{failed} before it: not applied again without --retry."


def _waiting(status: Status) -> Iterator[str]:
    for each in status.approvals:
        why = f": {each.why}" if each.why else ""
        said = f"Approved: plan {each.digest[:16]}, by {name_of(each.who)}, {each.at:%Y-%m-%d %H:%M} UTC"
        yield filled(f"{said}{why}; not applied yet", hanging="  ")


def _gone(status: Status) -> Iterator[str]:
    for each in status.vanished:
        yield from way_out(each)


def _open_json(run: OpenRun) -> Json:
    return {
        "entry": run.entry,
        "at": time_json(run.at),
        "who": run.who,
        "message": run.message,
        "at_work": run.at_work,
        "done": [{"unit": unit} for unit in run.done],
        "in_flight": [{"unit": unit} for unit in run.units],
    }


def _bad_json(each: BadRevision) -> Json:
    return {
        "revision": revision_json(each.revision),
        "at": time_json(each.at),
        "by": each.by,
        "why": each.why,
        "entry": each.entry,
        "attempts": each.attempts,
    }


def _suspended_json(by: Suspension) -> Json:
    return {"who": by.who, "at": time_json(by.at), "why": by.why, "entry": by.entry}


def _approval_json(each: Approval) -> Json:
    return {
        "digest": each.digest,
        "who": each.who,
        "at": time_json(each.at),
        "why": each.why,
    }
