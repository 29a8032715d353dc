"""What a unit did before it failed: what is known as done, and what may have been done."""

import pytest

from orchestrator.engine.execution.tally import Tally
from orchestrator.plans.change import Action, Change, Subject
from orchestrator.plans.events import ChangeBegun, ChangeDone, ChangeRefused, Event
from orchestrator.stack.model import UnitId

UNIT = UnitId("manifests.shop")


def begun(name: str) -> Event:
    """Return that a change was sent on its way."""
    return ChangeBegun(unit=UNIT, name=name)


def done(name: str, action: Action = Action.CREATE, *, waiting: bool = False) -> Event:
    """Return that a change was carried out, or waits for its end."""
    return ChangeDone(unit=UNIT, name=name, action=action, waiting=waiting)


def refused(name: str) -> Event:
    """Return that a change was refused."""
    return ChangeRefused(unit=UNIT, name=name)


def _account(events: list[Event], *planned: Change) -> tuple[dict[str, Action], tuple[str, ...]]:
    heard: list[Event] = []
    tally = Tally(heard.append)
    for event in events:
        tally.listen(event)
    assert heard == events
    changes, unknown = tally.account(UNIT, planned)
    assert tally.account(UnitId("manifests.other"), planned) == ((), ())
    return {change.name: change.action for change in changes}, unknown


def _replace(name: str) -> Change:
    return Change(subject=Subject.RESOURCE, name=name, action=Action.REPLACE)


@pytest.mark.parametrize(
    ("events", "known", "unknown"),
    [
        ([begun("a"), done("a")], {"a": Action.CREATE}, ()),
        ([begun("a"), done("a", waiting=True)], {"a": Action.CREATE}, ()),  # for its health
        ([begun("a"), refused("a")], {}, ()),
        ([begun("a")], {}, ("a",)),
        ([begun("a"), refused("a"), begun("a")], {}, ("a",)),
        ([begun("a"), done("a", Action.DELETE, waiting=True)], {}, ("a",)),
        ([begun("a"), done("a", Action.DELETE)], {"a": Action.DELETE}, ()),
        ([done("a"), begun("a"), done("a", Action.UPDATE)], {"a": Action.CREATE}, ()),
        ([done("a", Action.NO_OP)], {}, ()),
    ],
)
def test_what_is_done_and_what_may_be(
    events: list[Event], known: dict[str, Action], unknown: tuple[str, ...]
) -> None:
    """Without an answer nobody can tell; what is deleted is done when it is gone; of attempts the first one counts."""
    assert _account(events) == (known, unknown)


@pytest.mark.parametrize(
    ("events", "known", "unknown"),
    [
        ([done("a", Action.DELETE)], {}, ("a",)),
        ([done("a", Action.DELETE), begun("a")], {}, ("a",)),
        ([done("a", Action.DELETE), done("a")], {"a": Action.REPLACE}, ()),
        ([done("a", Action.REPLACE)], {"a": Action.REPLACE}, ()),
    ],
)
def test_what_is_made_anew_is_done_when_both_halves_are(
    events: list[Event], known: dict[str, Action], unknown: tuple[str, ...]
) -> None:
    """Terraform tells of both halves, by the same name; an object is told once."""
    assert _account(events, _replace("a")) == (known, unknown)
