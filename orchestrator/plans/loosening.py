"""Guards that a commit makes weaker: those that hold before it do so until it was applied. Pure.

Otherwise a commit could take away the very guard that would have stopped it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.stack.policies import Guards, Window, Windows
from orchestrator.stack.written.durations import written

ACKNOWLEDGED_BY: Final = "guards"

_HINT: Final = (
    "the commit's own `guards` would let it pass, and hold once they were applied: apply them first, in a commit that"
    f" changes nothing else, or pass --acknowledge {ACKNOWLEDGED_BY}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosened:
    """A guard that holds less than it does before a commit; both values as people are told of them."""

    guard: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return ``guards.approvals: 2 → 1``."""
        return f"guards.{self.guard}: {self.before} → {self.after}"


def loosened(before: Guards | None, now: Guards) -> tuple[Loosened, ...]:
    """Return which guards let more pass than those that hold before a commit; none where none do."""
    if before is None:
        return ()
    compared = (
        ("prune", _at_most(before.prune, now.prune, before.at_least, now.at_least), _share),
        ("destroys", _at_most(_many(before), _many(now)), _destroys),
        ("empty", now.empty <= before.empty, lambda guards: _word(guards.empty)),
        ("approvals", now.approvals >= before.approvals, lambda guards: str(guards.approvals)),
        (
            "own_approvals",
            now.own_approvals <= before.own_approvals or not before.approvals,
            lambda guards: _word(guards.own_approvals),
        ),
        ("windows", _within(now.windows, before.windows), lambda guards: _times(guards.windows)),
    )
    return tuple(
        Loosened(guard=name, before=told(before), after=told(now))
        for name, as_strict, told in compared
        if not as_strict
    )


def in_force(
    before: Guards | None, now: Guards, acknowledged: Collection[str]
) -> tuple[Guards, ...]:
    """Return the guards that a plan has to pass: its commit's, and those before it where they hold more."""
    if before is None or ACKNOWLEDGED_BY in acknowledged or not loosened(before, now):
        return (now,)
    return (now, before)


def held_from_before(refusal: PlanRefused) -> PlanRefused:
    """Return the refusal by guards that hold before a commit, and that the commit's own would not have made."""
    hint = f"{refusal.hint}; {_HINT}" if refusal.hint else _HINT
    message = f"{refusal.message}; these guards hold since before this commit"
    return PlanRefused(message, hint=hint, detail=refusal.detail)


def _at_most(before: float, now: float, *more: float) -> bool:
    """Whether numbers are no higher now, given in pairs of before and now."""
    numbers = (before, now, *more)
    return all(new <= old for old, new in zip(numbers[::2], numbers[1::2], strict=True))


def _many(guards: Guards) -> float:
    return float("inf") if guards.destroys is None else guards.destroys


def _within(now: Windows, before: Windows) -> bool:
    """Whether nothing may be changed at a time at which it might not before, as far as one can tell."""
    if not (before.allow or before.freeze):
        return True
    fewer = not before.allow or (bool(now.allow) and {*now.allow} <= {*before.allow})
    return now.zone == before.zone and fewer and {*before.freeze} <= {*now.freeze}


def _share(guards: Guards) -> str:
    least = f", {guards.at_least} objects or more" if guards.at_least > 1 else ""
    return f"{guards.prune}%{least}"


def _destroys(guards: Guards) -> str:
    return "any number" if guards.destroys is None else str(guards.destroys)


def _word(flag: bool) -> str:  # noqa: FBT001 - a flag as people write it
    return "true" if flag else "false"


def _times(windows: Windows) -> str:
    parts = [
        *(f"allow {_time(window)}" for window in windows.allow),
        *(f"freeze {_time(window)}" for window in windows.freeze),
    ]
    return f"{', '.join(parts)} ({windows.zone})" if parts else "at any time"


def _time(window: Window) -> str:
    return f"'{window.cron}' for {written(window.seconds)}"
