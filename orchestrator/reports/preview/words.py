"""The few words that say what a plan does: deletions first, since they are what a reader must not miss."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.plan import Plan
from orchestrator.plans.preview import Preview, Ruling, StackPreview

_GRAVEST_FIRST: Final = (
    Action.DELETE,
    Action.REPLACE,
    Action.CREATE,
    Action.UPDATE,
    Action.MOVE,
    Action.IMPORT,
    Action.ADOPT,
    Action.FORGET,
    Action.READ,
)

_RULINGS: Final = {
    Ruling.PASSES: "",
    Ruling.WAITS: "needs approval",
    Ruling.REFUSED: "refused",
}


def headline(preview: Preview) -> str:
    """Return what merging does in a line: what failed, what goes and whether data is lost, what is made."""
    plans = [each.plan for each in preview.stacks if each.plan is not None]
    failed = sum(each.error is not None for each in preview.stacks)
    parts = [*_failed(failed, len(preview.stacks)), *_ruled(preview.stacks), *_effects(plans)]
    parts += [*_overruled(preview.stacks), *_unjudged(preview.stacks)]
    if preview.error is not None:
        return "Merging could not be planned"
    return f"Merging: {', '.join(parts)}" if parts else "Merging changes nothing"


def outlook(preview: StackPreview) -> str:
    """Return what merging does to one stack in an environment, in a few words."""
    if preview.plan is None:
        return "could not be planned"
    parts = [*filter(None, [_RULINGS[preview.ruling]]), *_effects([preview.plan])]
    parts += ["policies change"] if preview.overruled else []
    parts += ["not judged by the base"] if preview.unjudged else []
    return ", ".join(parts) or "nothing to change"


def overruled_lines(preview: StackPreview) -> Iterator[str]:
    """Yield which policies the request would change, and by whose it was judged."""
    if preview.overruled:
        yield f"! policies change: {', '.join(preview.overruled)}"
        yield "!   until this is merged those of the base count, and it was judged by them"
    if preview.unjudged:
        yield f"! not judged by the base, since {preview.unjudged}"
        yield "!   its own policies count, and those that were applied last"
        if preview.ruling is Ruling.WAITS:
            yield "!   so somebody has to approve it"


def cause(error: OrchestratorError) -> str:
    """Return why something failed in a line: of many mistakes, the first with its place."""
    first = next(iter(error.mistakes), None) if isinstance(error, InvalidStack) else None
    return str(first) if first else error.message


def counted(counts: Counter[str]) -> str:
    """Return ``12 to create, fields of 3 changes``, in the order in which they were counted."""
    return ", ".join(_counted(word, number) for word, number in counts.items())


def _counted(word: str, number: int) -> str:
    words = word.format(number) if "{}" in word else f"{number} {word}"
    return words.removesuffix("s") if number == 1 else words


def _effects(plans: Iterable[Plan]) -> Iterator[str]:
    plans = tuple(plans)
    yield from _back(plans)
    changes = [change for plan in plans for _, change in plan.changes() if _counts(change)]
    actions = Counter(change.action for change in changes)
    lost = sum(change.risk is Risk.DATA_LOSS for change in changes)
    if lost:
        yield f"{lost} {'loses' if lost == 1 else 'lose'} data"
    yield from (
        f"{actions[action]} to {action.value}" for action in _GRAVEST_FIRST if actions[action]
    )
    deferred = sum(1 for plan in plans for unit in plan.units if unit.deferred)
    if deferred:
        yield f"{_number(deferred, 'unit')} planned during the apply"
    if not changes and not deferred and any(plan.effective for plan in plans):
        yield "only outputs change"
    drifted = sum(plan.drifted for plan in plans)
    if drifted:
        yield f"{_number(drifted, 'drifted object')} left"


def _back(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield whereto plans go back, which is more than what they change."""
    revisions = {str(plan.restores.revision) for plan in plans if plan.restores}
    if len(revisions) == 1:
        yield f"back to {revisions.pop()}"
    elif revisions:
        yield "back to earlier revisions"


def _counts(change: Change) -> bool:
    return change.subject is not Subject.OUTPUT and change.action is not Action.NO_OP


def _failed(failed: int, of: int) -> Iterator[str]:
    if failed == of == 1:
        yield "the plan failed"
    elif failed:
        yield f"{failed} of {_number(of, 'plan')} failed"


def _ruled(previews: Iterable[StackPreview]) -> Iterator[str]:
    found = Counter(each.ruling for each in previews)
    if refused := found[Ruling.REFUSED]:
        yield f"{_number(refused, 'plan')} refused"
    if waiting := found[Ruling.WAITS]:
        yield f"{_number(waiting, 'plan')} {'needs' if waiting == 1 else 'need'} approval"


def _overruled(previews: Iterable[StackPreview]) -> Iterator[str]:
    overruled = sum(bool(each.overruled) for each in previews)
    if overruled:
        yield f"policies change in {_number(overruled, 'plan')}"


def _unjudged(previews: Iterable[StackPreview]) -> Iterator[str]:
    unjudged = sum(bool(each.unjudged) for each in previews)
    if unjudged:
        yield f"{_number(unjudged, 'plan')} not judged by the base"


def _number(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
