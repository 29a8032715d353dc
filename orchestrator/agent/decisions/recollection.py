"""What the agent keeps of its agenda from one start to the next, as JSON. Pure.

A clock that runs on is read in seconds of its own, which mean nothing after a start: what is kept is the time of day.
That may be set back or forwards, so that nothing read here is later than the longest that anything is put off.
"""

import math
from collections.abc import Mapping

from orchestrator.agent.decisions.agenda import NEVER, REVISIONS, Agenda, Item, Key, Task
from orchestrator.agent.verdicts import End, Verdict, Waits
from orchestrator.stack.model import Json

Verdicts = Mapping[Key, Verdict]


def remembered(agenda: Agenda, verdicts: Verdicts, *, now: float, wall: float) -> dict[str, Json]:
    """Return what is kept; ``now`` reads the clock that runs on, ``wall`` is the time of day."""
    items: list[Json] = [
        {
            "repository": key.repository,
            "stack": key.stack,
            "environment": key.environment,
            "revision": item.revision,
            "content": item.content,
            "attempted": item.attempted,
            "settled": item.settled,
            "declared": item.declared,
            "failures": item.failures,
            "waits": item.waits,
            "working": item.running.value if item.running else None,
            "look": round(item.look - now + wall, 1) if item.look < NEVER else None,
            "due": {task.value: round(at - now + wall, 1) for task, at in item.due.items()},
            "verdict": _kept(verdicts[key]) if key in verdicts else None,
        }
        for key, item in sorted(agenda.items())
        if not item.leaving
    ]
    return {"format": 1, "items": items}


def recalled(document: Json, *, now: float, wall: float, longest: float) -> tuple[Agenda, Verdicts]:
    """Return what was kept, nothing when it cannot be read.

    What was being worked on, and what waits for a person, is due at once.
    """
    agenda: dict[Key, Item] = {}
    verdicts: dict[Key, Verdict] = {}
    for each in _items(document):
        try:
            item = _item(each, now=now, wall=wall, longest=longest)
            verdict = _verdict(each["verdict"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return {}, {}
        agenda[item.key] = item
        if verdict is not None:
            verdicts[item.key] = verdict
    return agenda, verdicts


def _kept(verdict: Verdict) -> Json:
    """Return what is kept of a verdict: what tells whether the next one is any news."""
    return {
        "end": verdict.end.value,
        "message": verdict.message,
        "revision": verdict.revision,
        "digest": verdict.digest,
        "drift": verdict.drift,
        "waits": verdict.waits.value if verdict.waits else None,
    }


def _verdict(kept: Json) -> Verdict | None:
    if not isinstance(kept, dict):
        return None
    return Verdict(
        end=End(str(kept["end"])),
        message=str(kept["message"]),
        revision=str(kept["revision"]),
        digest=str(kept["digest"]),
        drift=int(_number(kept["drift"])),
        waits=Waits(str(kept["waits"])) if kept["waits"] else None,
    )


def _items(document: Json) -> list[dict[str, Json]]:
    found = document.get("items") if isinstance(document, dict) else None
    known = isinstance(document, dict) and document.get("format") == 1
    return (
        [each for each in found if isinstance(each, dict)]
        if known and isinstance(found, list)
        else []
    )


def _item(each: Mapping[str, Json], *, now: float, wall: float, longest: float) -> Item:
    key = Key(
        repository=str(each["repository"]),
        stack=str(each["stack"]),
        environment=str(each["environment"]),
    )
    due, waits, look = each["due"], each["waits"] is True, each["look"]

    def later(at: Json) -> float:
        return now + min(max(_number(at) - wall, 0.0), longest)

    working = Task(str(each["working"])) if each["working"] else None
    if not isinstance(due, dict):
        raise TypeError(due)
    times = {Task(name): later(at) for name, at in due.items()}
    if working is not None and key.stack and REVISIONS.isdisjoint(times):
        times[working] = now
    if waits:
        times = dict.fromkeys(times, now)
    return Item(
        key=key,
        # A repository that was being looked at counts as moved.
        revision="" if working is Task.SURVEY else str(each["revision"]),
        content=str(each["content"]),
        attempted=str(each["attempted"]),
        settled=str(each["settled"]),
        declared=str(each["declared"]),
        failures=int(_number(each["failures"])),
        waits=waits,
        due=times,
        look=NEVER if look is None else later(look),
    )


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)
