"""What a unit does in its turn is held against what was shown: the same or less is none of anybody's business."""

import pytest

from orchestrator.plans.change import Action, Change, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.surprises import surprises
from orchestrator.stack.model import UnitId


@pytest.mark.parametrize(
    ("shown", "late", "surprising"),
    [
        (Action.CREATE, Action.CREATE, False),
        (Action.UPDATE, Action.UPDATE, False),
        (Action.REPLACE, Action.REPLACE, False),
        (Action.REPLACE, Action.UPDATE, False),
        (Action.REPLACE, Action.NO_OP, False),
        (Action.DELETE, Action.DELETE, False),
        (Action.UPDATE, Action.READ, False),
        (Action.UPDATE, Action.REPLACE, True),
        (Action.UPDATE, Action.DELETE, True),
        (Action.CREATE, Action.REPLACE, True),
        (Action.MOVE, Action.UPDATE, True),
        (Action.READ, Action.CREATE, True),
        (None, Action.CREATE, True),
        (None, Action.UPDATE, True),
        (None, Action.READ, False),
    ],
)
def test_more_than_was_shown_is_a_surprise(
    shown: Action | None, late: Action, *, surprising: bool
) -> None:
    """What was not to be touched, or not so hard, is named with what is done to it."""
    before = _unit(*([_change("a.b", shown)] if shown else []))
    after = _unit(_change("a.b", late))
    assert surprises(before, after) == ((f"to {late.value} a.b",) if surprising else ())


@pytest.mark.parametrize(
    ("shown", "late", "surprising"),
    [
        pytest.param(Action.CREATE, Action.REPLACE, False, id="what was half made is made anew"),
        pytest.param(Action.CREATE, Action.UPDATE, False, id="or completed"),
        pytest.param(Action.REPLACE, Action.CREATE, False, id="what is gone is made"),
        pytest.param(Action.CREATE, Action.DELETE, True, id="nothing is only deleted"),
        pytest.param(Action.UPDATE, Action.REPLACE, True, id="nor replaced that was there before"),
        pytest.param(None, Action.CREATE, True, id="nor made that was never shown"),
    ],
)
def test_what_was_begun_may_be_there_in_part(
    shown: Action | None, late: Action, *, surprising: bool
) -> None:
    """Another attempt may complete what the one before it began, and no more."""
    before = _unit(*([_change("a.b", shown)] if shown else []))
    found = surprises(before, _unit(_change("a.b", late)), again=True)
    assert bool(found) is surprising


def test_a_replacement_may_be_finished() -> None:
    """Where the new one was made first and the old one is left over, another attempt deletes that, and no other."""
    shown = _unit(_change("t.p", Action.REPLACE), _change("t.q", Action.UPDATE))
    left = _unit(_change("t.p (deposed 3fa01bc2)", Action.DELETE))
    other = _unit(_change("t.q (deposed 3fa01bc2)", Action.DELETE))
    assert surprises(shown, left, again=True) == ()
    assert surprises(shown, left) == ("to delete t.p (deposed 3fa01bc2)",)
    assert surprises(shown, other, again=True) == ("to delete t.q (deposed 3fa01bc2)",)


def test_outputs_are_no_surprise() -> None:
    """Nothing is made or destroyed by a value that a module gives."""
    assert surprises(_unit(), _unit(_change("url", Action.CREATE, Subject.OUTPUT))) == ()


def test_of_what_could_not_be_shown_only_destruction_counts() -> None:
    """A unit that was deferred may create and change things; nobody was told that it deletes any."""
    late = _unit(*(_change(f"a.{action.value}", action) for action in Action))
    assert surprises(_unit(deferred="planned later"), late) == (
        "to replace a.replace",
        "to delete a.delete",
    )


def _unit(*changes: Change, deferred: str = "") -> UnitPlan:
    return UnitPlan(unit=UnitId("modules.a"), changes=changes, deferred=deferred, effective=True)


def _change(name: str, action: Action, subject: Subject = Subject.RESOURCE) -> Change:
    return Change(subject=subject, name=name, action=action)
