"""What is told in a comment later: marked below the headline, or in a last line, and the rest stays as it is."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from orchestrator.reports.preview.comment import comment
from orchestrator.reports.preview.memory import recall
from orchestrator.reports.preview.standing import (
    ROOM,
    with_last_line,
    with_stale,
)
from tests.reports.preview.reading import problems, text_of
from tests.reports.preview.samples import SAMPLES

_GITHUB = 65_536
_SAMPLES = ("a small change", "a change without effect", "no stack is touched", "a huge plan")
_WHY = {"shop/production": "main has other files", "shop/staging": "locked by `Ada`\n--> @all"}
_hostile = some.dictionaries(some.text(max_size=30), some.text(max_size=200), max_size=12)


@pytest.mark.parametrize("name", _SAMPLES)
def test_what_is_stale_is_told_and_taken_back(name: str) -> None:
    """It stands below the headline, says the same when it is told again, and leaves no trace when it is over."""
    text = comment(SAMPLES[name](), limit=_GITHUB - ROOM)

    stale = with_stale(text, _WHY, limit=_GITHUB)

    assert "**Out of date:** `shop/production`, since `main has other files`;" in stale
    assert stale.splitlines()[:2] == text.splitlines()[:2]
    assert "; `shop/staging`, since `` locked by `Ada`" in stale
    assert with_stale(stale, _WHY, limit=_GITHUB) == stale
    assert with_stale(stale, {}, limit=_GITHUB) == text
    assert recall(stale) == recall(text)
    assert problems(stale, _GITHUB) == []


@given(stale=_hostile, limit=some.integers(min_value=4_000, max_value=6_000))
@settings(max_examples=25, deadline=None)
def test_whatever_is_stale_the_comment_is_right(stale: dict[str, str], limit: int) -> None:
    """At every length, whatever the reasons hold: short enough, balanced, nobody mentioned."""
    text = comment(SAMPLES["a long error"](), limit=limit - min(ROOM, limit - 4_000))

    told = with_stale(text, stale, limit=limit)

    assert problems(told, limit) == []
    assert with_stale(told, {}, limit=limit) == text


def test_where_there_is_no_room_the_reasons_go_first() -> None:
    """Then the names; that it is stale is what has to be said."""
    text = comment(SAMPLES["a small change"](), limit=_GITHUB)
    stale = {f"shop/{number}": "x" * 90 for number in range(8)}

    room = [with_stale(text, stale, limit=len(text) + more) for more in (2_000, 600, 140, 10)]

    told = [each.splitlines()[3] for each in room[:3]]
    assert [line.count("x" * 90) for line in told] == [8, 0, 0]
    assert [line.count("`shop/") for line in told] == [8, 8, 0]
    assert told[2] == "**Out of date:** plan again to see what holds by now."
    assert room[3] == text
    beyond = with_stale(text, stale, limit=len(text) - 900, most=len(text) + 140)
    assert beyond.splitlines()[3] == told[2]


@pytest.mark.parametrize("name", _SAMPLES)
def test_a_last_line_takes_the_place_of_the_one_before(name: str) -> None:
    """The comment ends in it, and is the one that it was otherwise."""
    text = comment(SAMPLES[name](), limit=_GITHUB - ROOM)

    first = with_last_line(
        text, ["Merged as `abc`.", "`shop/a` is not applied yet."], limit=_GITHUB
    )
    second = with_last_line(first, ["Merged as `abc`."], limit=_GITHUB)

    assert first.endswith("\nMerged as `abc`. `shop/a` is not applied yet.\n")
    assert second == with_last_line(text, ["Merged as `abc`."], limit=_GITHUB)
    assert second.startswith(text.rstrip("\n"))
    assert recall(second) == recall(text)
    assert problems(first, _GITHUB) == []
    assert with_last_line(text, ["a" * 90, "b" * 90], limit=len(text) + 150).endswith("a\n")


def test_a_comment_that_was_edited_in_a_browser_is_read_all_the_same() -> None:
    """Browsers send their own line endings."""
    text = comment(SAMPLES["a small change"](), limit=_GITHUB)
    stale = with_stale(text, _WHY, limit=_GITHUB).replace("\n", "\r\n")

    assert with_stale(stale, _WHY, limit=_GITHUB) == stale.replace("\r\n", "\n")
    assert recall(stale) == recall(text)
    assert with_stale(stale, {}, limit=_GITHUB) == text


def test_what_others_wrote_is_taken_for_nothing() -> None:
    """A line of a plan that looks like one of ours stands in a fence, and above ours."""
    fake = '<!-- orchestrator-plans {"head": "0000000000000000000000000000000000000000", "plans": {}} -->'
    made = SAMPLES["a small change"]()
    shown = comment(replace(made, notes=(fake,)), limit=_GITHUB)

    found = recall(f"{fake}\n{shown}")

    assert found is not None
    assert found.head == made.head
    assert fake not in text_of(shown)
