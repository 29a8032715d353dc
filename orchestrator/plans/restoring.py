"""Going back: which earlier run a revision takes the stack back to, and what no revert brings back; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Final

from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.plan import Lasting, Plan, Unrestored
from orchestrator.plans.risk import risk_of, type_of
from orchestrator.stack.model import UnitId

_MADE_ANEW: Final = frozenset({Action.CREATE, Action.REPLACE})
_JOB: Final = "Job"
_DEFINITION: Final = "CustomResourceDefinition"
_ADDRESSED: Final = frozenset({"Service", "Ingress", "Gateway"})
_VERSIONS: Final = "spec.versions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that ended: what its revision holds, empty where nobody can tell, and what became of it.

    ``applied`` says that all of it was, ``destroyed`` that the run took the stack away.
    """

    content: str
    applied: bool = False
    destroyed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingBack:
    """The places, in a list of runs, of the one that is gone back to and of the newest that is undone."""

    to: int
    over: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A change that an undone run made, or set out to make; ``type`` as in a plan, empty for an object."""

    unit: UnitId
    action: Action
    name: str
    type: str = ""


def going_back(content: str, runs: Sequence[Ended]) -> GoingBack | None:
    """Return which run a revision with that content goes back to, or None when it leads on; newest runs first.

    A run that tried the same content and did not get through leads back too. Of several that brought it, one after
    the other, it is the first. What was before the stack was destroyed does not come back: it is made anew.
    """
    alive = list(takewhile(lambda run: not run.destroyed, runs))
    over = next((place for place, run in enumerate(alive) if run.content != content), None)
    good = [place for place, run in enumerate(alive) if run.content == content and run.applied]
    if over is None or not good or good[0] < over:
        return None
    same = (place for place in count(good[0]) if place + 1 not in good)
    return GoingBack(to=next(same), over=over)


def unrestored(
    plan: Plan, undone: Sequence[Undone], own: Mapping[str, Risk]
) -> tuple[Unrestored, ...]:
    """Return what a plan that goes back does not bring back as it was, in the plan's order.

    All that was there was applied once: what is created now was there before, with whatever was in it. ``own``
    is what the stack says of losing things.
    """
    found = [*_by_this_plan(plan, own, undone), *_by_undone_runs(undone, own)]
    told: dict[tuple[UnitId, str, bool], Unrestored] = {}
    for one in found:
        told.setdefault((one.unit, one.name, one.why is Lasting.RAN), one)
    return tuple(told.values())


def _by_this_plan(
    plan: Plan, own: Mapping[str, Risk], undone: Sequence[Undone]
) -> Iterator[Unrestored]:
    moved = {(one.unit, one.name) for one in undone if one.action is Action.MOVE}
    # Of an object there is but one of a name: one that is made was gone when it was forgotten.
    left = {(one.unit, one.name) for one in undone if one.action is Action.FORGET and one.type}
    for unit, change in plan.changes():
        why = _lasting(change, own)
        if change.action is Action.DELETE and (unit.unit, change.name) in moved:
            # Terraform knows no way back from an address, unless a block says so: it makes another one.
            why = Lasting.MOVED
        if change.action is Action.CREATE and (unit.unit, change.name) in left:
            why = Lasting.FORGOTTEN
        if why is not None:
            yield Unrestored(unit=unit.unit, name=change.name, why=why)


def _lasting(change: Change, own: Mapping[str, Risk]) -> Lasting | None:
    if change.subject is Subject.OUTPUT:
        return None
    kind = type_of(change)
    match change.action:
        case Action.CREATE | Action.REPLACE if kind == _JOB:
            return Lasting.RUNS_AGAIN
        case Action.CREATE:
            return _known(change, kind, _AGAIN[risk_of(kind, own)])
        case Action.REPLACE:
            return _known(change, kind, _REPLACED[change.risk or risk_of(kind, own)])
        case Action.DELETE:
            return Lasting.DATA if change.risk is Risk.DATA_LOSS else None
        case Action.UPDATE if kind == _DEFINITION and _changes_versions(change):
            return Lasting.STORED
        case _:
            return None


def _known(change: Change, kind: str, why: Lasting | None) -> Lasting | None:
    """Return why something is not as it was; an object is known by its name, but for what has an address."""
    named = change.subject is Subject.OBJECT and kind not in _ADDRESSED
    return None if named and why is Lasting.IDENTITY else why


_AGAIN: Final = {
    Risk.DATA_LOSS: Lasting.EMPTIED,
    Risk.RECREATED: Lasting.IDENTITY,
    Risk.REVERSIBLE: None,
}
_REPLACED: Final = {**_AGAIN, Risk.DATA_LOSS: Lasting.DATA}


def _changes_versions(change: Change) -> bool:
    """Whether a definition gets or loses versions, or stores objects in another one."""
    return any(
        field.path.startswith(_VERSIONS)
        and (field.path.endswith((".storage", ".name")) or "." not in field.path[len(_VERSIONS) :])
        for field in change.fields
    )


def _by_undone_runs(undone: Sequence[Undone], own: Mapping[str, Risk]) -> Iterator[Unrestored]:
    for one in undone:
        kind = one.type or one.name.partition(" ")[0]
        if kind == _JOB and one.action in _MADE_ANEW:
            yield Unrestored(unit=one.unit, name=one.name, why=Lasting.RAN)
        elif one.action is Action.REPLACE and risk_of(kind, own) is Risk.DATA_LOSS:
            yield Unrestored(unit=one.unit, name=one.name, why=Lasting.EMPTIED)
