from __future__ import annotations

from benchmarks.measuring import Limit, Row, Unit, take_turns
from benchmarks.table import document, render, to_json


def _row(ours: tuple[float, ...], limit: Limit) -> Row:
    return Row(
        name="orchestrator plan",
        ours=ours,
        raw=(0.2, 0.1, 0.4),
        raw_name="terraform plan",
        limit=limit,
        explain=tuple,
    )


def test_a_row_says_plainly_whether_its_limit_was_kept() -> None:
    """Medians count, a limit may grow with what the raw tools take, and a miss stands out."""
    kept = _row((0.9, 0.3, 0.2), Limit(ratio=1.15, plus=0.1))
    missed = _row((0.3, 0.3, 0.1), Limit(most=0.25))

    assert render([kept, missed]).splitlines() == [
        "                   ours    raw     ratio  limit               allowed  verdict  raw is",
        "orchestrator plan  300 ms  200 ms  1.50   1.15 x raw + 0.1 s  330 ms   met      terraform plan",
        "orchestrator plan  300 ms  200 ms  1.50   0.25 s              250 ms   MISSED   terraform plan",
    ]


def test_the_harder_of_two_limits_counts() -> None:
    """A share of what the raw tools take and a number of seconds may be promised together."""
    limit = Limit(ratio=1 / 8, most=1.0)

    assert limit.text(Unit.SECONDS) == "1/8 x raw and 1 s"
    assert limit.allowed(4.0) == 0.5
    assert limit.allowed(80.0) == 1.0


def test_what_nothing_is_comparable_with_has_a_limit_of_its_own() -> None:
    """Memory is told in megabytes, and a row without raw tools leaves their columns empty."""
    row = Row(
        name="peak memory",
        ours=(310.0, 300.0, 320.0),
        limit=Limit(most=400),
        explain=tuple,
        unit=Unit.MEGABYTES,
    )

    (_, line) = render([row]).splitlines()
    assert line.split() == [
        "peak",
        "memory",
        "310",
        "MB",
        "-",
        "-",
        "400",
        "MB",
        "400",
        "MB",
        "met",
        "-",
    ]
    assert to_json([row])["rows"][0]["raw_median"] is None


def test_every_sample_is_kept() -> None:
    """Runs can be compared later by all that was measured, not by a median alone."""
    (row,) = to_json([_row((0.3, 0.1, 0.2), Limit(most=1.0))], commit="abc")["rows"]

    assert row["ours"] == [0.3, 0.1, 0.2]
    assert row["median"] == 0.2
    assert row["met"] is True


def test_a_new_run_stands_in_the_place_of_the_one_before() -> None:
    """What was not measured again stays as it was; the order is that of the benchmarks, not of the runs."""
    first = document({"plan": "plan 1", "start": "start 1"}, order=("start", "plan", "aws"))
    then = document({"plan": "plan 2"}, order=("start", "plan", "aws"), before=first)

    assert list(then["runs"].items()) == [("start", "start 1"), ("plan", "plan 2")]


def test_contestants_take_turns() -> None:
    """A machine that gets slower slows ours and theirs alike; the first round only warms up."""
    order: list[str] = []

    samples = take_turns(2, lambda: order.append("ours"), lambda: order.append("raw"))

    assert order == ["ours", "raw"] * 3
    assert [len(taken) for taken in samples] == [2, 2]
