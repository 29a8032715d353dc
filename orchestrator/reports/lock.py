"""Who holds a lock and who waits for it, as text and as JSON."""

from collections.abc import Iterator

from orchestrator.plans.history import LockStatus, Occupant
from orchestrator.reports.json import FORMAT, time_json
from orchestrator.stack.model import Json
from orchestrator.stack.written.durations import written


def render_lock(status: LockStatus) -> str:
    """Return a lock's holder and its queue, ending in a newline."""
    return "\n".join(_lines(status)) + "\n"


def lock_json(status: LockStatus) -> dict[str, Json]:
    """Return a lock: its holder or null, the last heartbeat, the lease in seconds, and who waits, in order."""
    return {
        "format": FORMAT,
        "stack": status.stack,
        "environment": status.environment,
        "holder": _occupant_json(status.holder) if status.holder else None,
        "heartbeat": time_json(status.beat) if status.beat else None,
        "lease": status.lease,
        "ended": status.ended,
        "waiting": [_occupant_json(each) for each in status.waiting],
    }


def _lines(status: LockStatus) -> Iterator[str]:
    subject, holder = f"{status.stack}/{status.environment}", status.holder
    if holder is None:
        yield f"{subject} is not locked"
    else:
        yield f"{subject} is locked"
        yield f"  by         {holder.who} on {holder.host}, process {holder.process}{_ended(status)}"
        yield f"  command    {holder.command}"
        if holder.ci_run:
            yield f"  CI run     {holder.ci_run}"
        yield f"  since      {holder.since:%Y-%m-%d %H:%M:%S} UTC"
        yield f"  heartbeat  {_heartbeat(status)}"
        yield f"  id         {holder.id}"
    if status.waiting:
        yield "waiting, in this order:"
    for number, each in enumerate(status.waiting, start=1):
        since = f"{each.since:%Y-%m-%d %H:%M:%S} UTC"
        yield f"  {number}. {each.who} on {each.host} since {since} (process {each.process}, {each.command})"


def _ended(status: LockStatus) -> str:
    return ", which has ended" if status.ended else ""


def _heartbeat(status: LockStatus) -> str:
    if status.beat is None or not status.lease:
        return "none: its version gives no heartbeats"
    return f"{status.beat:%Y-%m-%d %H:%M:%S} UTC by its clock; its lease is {written(status.lease)}"


def _occupant_json(each: Occupant) -> Json:
    return {
        "id": each.id,
        "who": each.who,
        "host": each.host,
        "process": each.process,
        "command": each.command,
        "since": time_json(each.since),
        "ci_run": each.ci_run,
    }
