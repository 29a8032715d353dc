"""What a unit would do, planned in its turn, beyond what its plan showed; pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from orchestrator.plans.change import Action, Change, Subject, undeposed
from orchestrator.plans.guards import destructive
from orchestrator.plans.plan import UnitPlan

# By what was shown, what is then no surprise: the same, or less.
_COVERED: Final[Mapping[Action, frozenset[Action]]] = {
    Action.CREATE: frozenset({Action.CREATE}),
    Action.UPDATE: frozenset({Action.UPDATE, Action.MOVE}),
    Action.REPLACE: frozenset({Action.REPLACE, Action.UPDATE, Action.MOVE}),
    Action.DELETE: frozenset({Action.DELETE}),
    Action.FORGET: frozenset({Action.FORGET}),
    Action.IMPORT: frozenset({Action.IMPORT}),
    Action.MOVE: frozenset({Action.MOVE}),
    Action.ADOPT: frozenset({Action.ADOPT}),
}
# What was begun and failed may be there already, half made or gone.
_BEGUN: Final[Mapping[Action, frozenset[Action]]] = {
    Action.CREATE: frozenset({Action.UPDATE, Action.REPLACE}),
    Action.REPLACE: frozenset({Action.CREATE}),
}
_HARMLESS = frozenset({Action.NO_OP, Action.READ})


def surprises(shown: UnitPlan, late: UnitPlan, *, again: bool = False) -> tuple[str, ...]:
    """Return what has to be consented to, such as ``to delete aws_vpc.main``.

    Of a unit that could not be planned before, that is what it deletes or replaces; of any other, whatever it
    does to something that was not to be touched, or not so hard. ``again`` says that carrying out what was
    shown was begun before.
    """
    if shown.deferred:
        grave = frozenset(destructive(late))
        return tuple(_told(change) for change in late.changes if change.name in grave)
    found = _beyond(shown, late, _BEGUN if again else {})
    done = _replaced(shown) if again else frozenset()
    return tuple(_told(change) for change in found if not _left_over(change, done))


def _beyond(
    shown: UnitPlan, late: UnitPlan, begun: Mapping[Action, frozenset[Action]]
) -> Iterator[Change]:
    nothing: frozenset[Action] = frozenset()
    expected = {change.name: change.action for change in shown.changes}
    for change in late.changes:
        if change.subject is Subject.OUTPUT or change.action in _HARMLESS:
            continue
        before = expected.get(change.name)
        covered = _COVERED.get(before, nothing) | begun.get(before, nothing) if before else nothing
        if change.action not in covered:
            yield change


def _replaced(shown: UnitPlan) -> frozenset[str]:
    return frozenset(change.name for change in shown.changes if change.action is Action.REPLACE)


def _left_over(change: Change, replaced: Collection[str]) -> bool:
    """Whether this deletes what was to go with a replacement that got as far as the new one."""
    deposed = undeposed(change.name)
    return change.action is Action.DELETE and change.name != deposed and deposed in replaced


def _told(change: Change) -> str:
    return f"to {change.action.value} {change.name}"
