"""What became of a plan, read from entries: which run counts, and what came after it that matters."""

from dataclasses import replace

import pytest

from orchestrator.engine.previewing.afterwards import afterwards, moved_on
from orchestrator.ledger.entry import Entry, Kind, Operation
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.plans.preview import Afterwards, Became
from orchestrator.reports.preview.afterwards import last_sentences
from tests.ledger.builders import NOON, run

_PLAN = "5" * 64


def _entry(
    name: str,
    kind: Kind = Kind.FINISHED,
    outcome: Outcome | None = Outcome.APPLIED,
    *,
    commit: str = "new",
    plan: str = _PLAN,
    operation: Operation = Operation.APPLY,
) -> Entry:
    """Return an entry of the run called by its first letter."""
    made = run(revision=Revision(commit=commit), operation=operation)
    return Entry(
        id=name,
        previous="",
        kind=kind,
        run=replace(made, id=name[0], plan=plan),
        at=NOON,
        message=f"apply shop/production: {name}",
        outcome=outcome if kind is Kind.FINISHED else None,
    )


_STARTED = _entry("a1", Kind.STARTED)
_DONE = _entry("a2")
_FAILED = _entry("b1", outcome=Outcome.FAILED)
_OTHER = _entry("c1", plan="6" * 64)
_BEFORE = _entry("d1", commit="old")


@pytest.mark.parametrize(
    ("entries", "became", "as_shown"),
    [
        ((), Became.NOTHING, False),
        ((_BEFORE,), Became.NOTHING, False),
        ((_STARTED, _BEFORE), Became.BEGUN, True),
        ((_DONE, _STARTED, _BEFORE), Became.APPLIED, True),
        ((_FAILED, _BEFORE), Became.FAILED, True),
        ((_DONE, _STARTED, _FAILED), Became.APPLIED, True),
        ((_FAILED, _DONE, _STARTED), Became.APPLIED, True),
        ((_DONE, _STARTED, _OTHER), Became.APPLIED, False),
        ((_entry("e1", outcome=Outcome.UNCHANGED),), Became.APPLIED, True),
        ((_entry("n1", Kind.NOTED, operation=Operation.APPROVE),), Became.NOTHING, False),
    ],
)
def test_the_first_run_that_succeeded_counts(
    entries: tuple[Entry, ...], became: Became, *, as_shown: bool
) -> None:
    """Of those whose revision holds the change, newest first; where none succeeded, the last one."""
    found = afterwards("shop/production", "5" * 16, entries, holds="new".__eq__)

    assert (found.became, found.as_shown) == (became, as_shown)


def test_an_approval_is_no_reason_to_plan_again() -> None:
    """Whatever else came since is, and nothing is when the plan is of the last entry."""
    approval = _entry("n1", Kind.NOTED, operation=Operation.APPROVE)
    stopped = _entry("s1", Kind.NOTED, operation=Operation.SUSPEND)
    moved = _entry("t1", Kind.NOTED, operation=Operation.TERRAFORM)

    assert moved_on((approval, stopped, _DONE, _STARTED), "a2") == ""
    assert moved_on((approval, moved, _DONE), "a2") == moved.message
    assert moved_on((_FAILED, _DONE), "a2") == _FAILED.message
    assert moved_on((approval, _DONE), "") == _DONE.message
    assert moved_on((), "") == moved_on((approval,), "") == ""
    assert moved_on((_DONE,), "forgotten") == _DONE.message
    assert moved_on((approval, stopped, _DONE), "a2", most=2) == ""
    assert moved_on((approval, stopped), "before", most=1) == stopped.message


def test_a_ledger_that_lost_what_a_plan_was_made_after_is_another_one() -> None:
    """It was deleted, or begun anew: a clone that never saw it knows no better."""
    approval = _entry("n1", Kind.NOTED, operation=Operation.APPROVE)

    for entries in ((), (approval,)):
        assert moved_on(entries, "a2") == "its ledger does not have what it was made after"


def test_the_last_line_says_who_applied_what_and_when() -> None:
    """Names of people are theirs, not their addresses; an address of a run that is none is left out."""
    done = Afterwards(
        name="shop/staging",
        became=Became.APPLIED,
        at=NOON,
        who="Ada `@all` <ada@example.org>",
        as_shown=True,
        ci_run="https://ci.example/7",
    )
    failed = replace(done, name="shop/a", became=Became.FAILED, ci_run="javascript:x")
    other = replace(done, name="shop/b", as_shown=False, ci_run="")
    nothing = Afterwards(name="shop/c", became=Became.NOTHING)

    assert [*last_sentences((done, failed, other, nothing), merged_as="a" * 40)] == [
        "Merged as `aaaaaaaaaa`.",
        "`shop/a` was applied 2025-03-14 12:00 UTC by `` Ada `@all` `` and failed.",
        "`shop/b` was applied 2025-03-14 12:00 UTC by `` Ada `@all` ``, by another plan than the one shown here.",
        "`shop/c` is not applied yet.",
        (
            "`shop/staging` was applied 2025-03-14 12:00 UTC by `` Ada `@all` ``"
            " ([run](https://ci.example/7)), as shown here."
        ),
    ]
    assert [*last_sentences((nothing,), merged_as="")] == ["Closed, and not merged."]
