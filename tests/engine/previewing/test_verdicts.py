"""Which statuses a request has to have: a success only while its comment holds."""

from dataclasses import replace

import pytest

from orchestrator.engine.previewing.verdicts import Verdict, is_due, no_comment, verdict
from orchestrator.forges.forge import State
from orchestrator.plans.preview import Ruling
from orchestrator.reports.preview.memory import Memory, Remembered
from orchestrator.reports.preview.standing import EVERYTHING

_HEAD = "a" * 40
_A = Remembered(digest="1", outlook="1 to create")
_FAILED = Remembered(digest="", outlook="could not be planned")
_MEMORY = Memory(head=_HEAD, plans={"shop/a": _A, "shop/b": replace(_A, outlook="2 to delete")})
_ALL = {EVERYTHING: "moved"}


def _told(memory: Memory, stale: dict[str, str], *names: str) -> list[str]:
    found = [verdict(memory, stale, name) for name in names]
    return [f"{each.state}: {each.words}" for each in found]


@pytest.mark.parametrize(
    ("plan", "fresh", "stale"),
    [
        (_A, "success: 1 to create", "pending: stale: moved"),
        (replace(_A, ruling=Ruling.WAITS), "pending: 1 to create", "pending: stale: moved"),
        (replace(_A, ruling=Ruling.REFUSED), "failure: 1 to create", "pending: stale: moved"),
        (_FAILED, "failure: could not be planned", "failure: could not be planned"),
    ],
)
def test_a_plan_stands_as_the_comment_says_until_it_is_stale(
    plan: Remembered, fresh: str, stale: str
) -> None:
    """One that could not even be made stays a failure: that it may be repaired is found by planning alone."""
    memory = Memory(head=_HEAD, plans={"shop/a": plan})

    assert _told(memory, {}, "shop/a") == [fresh]
    assert _told(memory, {"shop/a": "moved"}, "shop/a") == [stale]
    assert _told(memory, _ALL, "shop/a") == [stale]


def test_what_guards_refuse_fails_all_whatever_else_is_stale() -> None:
    """The other one may be planned again, and this one is refused all the same."""
    refused = replace(_A, ruling=Ruling.REFUSED)
    memory = Memory(head=_HEAD, plans={"shop/a": _A, "shop/b": refused})

    assert verdict(memory, {"shop/a": "moved"}, "").state is State.FAILURE
    assert _told(memory, {"shop/b": "moved"}, "") == ["pending: stale: shop/b"]


@pytest.mark.parametrize(
    ("memory", "stale", "told"),
    [
        (_MEMORY, {}, "success: not touched any more"),
        (_MEMORY, {"shop/a": "moved"}, "success: not touched any more"),
        (_MEMORY, _ALL, "pending: stale: moved"),
        (Memory(head=_HEAD, plans={"old/*": _FAILED}), {}, "failure: could not be planned"),
        (Memory(head=_HEAD, plans={"shop/*": _FAILED}), {}, "success: not touched any more"),
        (Memory(head=_HEAD, whole=False), {}, "pending: stale: plan again"),
        (no_comment(_HEAD), {EVERYTHING: "no comment"}, "pending: stale: no comment"),
    ],
)
def test_what_a_comment_does_not_name_is_untouched_where_that_is_known(
    memory: Memory, stale: dict[str, str], told: str
) -> None:
    """Nobody knows it where the stack cannot be read, nothing could be planned, or there is no comment."""
    assert _told(memory, stale, "old/default") == [told]


def test_a_comment_without_plans_is_a_failure_or_none() -> None:
    """What could not be planned at all may be repaired by what moved on."""
    memory = Memory(head=_HEAD, whole=False)

    assert _told(memory, {}, "") == ["failure: could not be planned"]
    assert _told(memory, _ALL, "") == ["pending: stale: moved"]
    assert _told(Memory(head=_HEAD), {}, "") == ["success: Merging touches no stack"]


_STATES = {
    "success": Verdict(state=State.SUCCESS, words="1 to create"),
    "planning": Verdict(state=State.PENDING, words="planning"),
    "stale": Verdict(state=State.PENDING, words="stale: moved"),
    "other": Verdict(state=State.PENDING, words="stale: for another reason"),
    "failure": Verdict(state=State.FAILURE, words="could not be planned"),
    "nothing": None,
}


@pytest.mark.parametrize(
    ("memory", "owed", "due"),
    [
        (_MEMORY, "success", {"stale", "other", "nothing"}),
        (_MEMORY, "stale", {"success", "other", "nothing"}),
        (no_comment(_HEAD), "stale", {"success", "other", "nothing"}),
        (Memory(head=_HEAD, whole=False), "stale", {"success", "other", "failure", "nothing"}),
        (Memory(head=_HEAD, whole=False), "failure", {"success", "stale", "other", "nothing"}),
    ],
)
def test_who_does_not_plan_takes_back_what_is_no_success_any_more_and_what_was_said_so(
    memory: Memory, owed: str, due: set[str]
) -> None:
    """What a run says that plans stays, and so does a failure of which the comment does not know."""
    wanted = _STATES[owed]
    assert wanted

    assert {name for name, said in _STATES.items() if is_due(said, wanted, memory, "")} == due
