"""Comments of whatever plans, names and values, at whatever length."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from orchestrator.errors import InvalidStack, Mistake, PlanRefused, TerraformError
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.plans.values import ABSENT, Unknown, masked
from orchestrator.reports.preview.blocks import Document
from orchestrator.reports.preview.budget import SMALLEST, fitted, size
from orchestrator.reports.preview.comment import comment
from orchestrator.reports.preview.markdown import render
from orchestrator.reports.preview.memory import inside_comment
from orchestrator.reports.preview.words import headline
from tests.plans.builders import change, field_change, plan, unit_plan
from tests.reports.preview.reading import code_of, problems

_NASTY = (
    "```",
    "````\n",
    "~~~",
    "</details>",
    "<details><summary>",
    "<!--",
    "-->",
    "@everyone",
    "@ada/team",
    "\u202e",
    "\u200b",
    "\u200b" * 700,
    "\U000e0041" * 700,
    "\U0001f4a3" * 700,
    "\ufeff",
    "\ud800",
    "\U0001f4a3",
    "\n/close\n",
    "\r",
    "\t",
    "    ",
    "[x](javascript:y)",
    "![i](https://x)",
    "http://x.example",
    "<script>",
    "| a | b |\n|---|---|",
    "# x\n===",
    "\u0301" * 9,
    "`" * 50,
    "y" * 700,
)
_texts = some.lists(some.one_of(some.sampled_from(_NASTY), some.text(max_size=12)), max_size=4).map(
    "".join
)
_values = some.one_of(
    _texts,
    some.integers(),
    some.just(ABSENT),
    some.just(masked("secret")),
    some.just(Unknown(sources=("modules.a.b",))),
    some.dictionaries(_texts, _texts, max_size=3),
)
_fields = some.builds(field_change, _texts, before=_values, after=_values)
_changes = some.builds(
    Change,
    subject=some.sampled_from(Subject),
    name=_texts,
    action=some.sampled_from(Action),
    fields=some.lists(_fields, max_size=2).map(tuple),
    reason=some.one_of(some.just(""), _texts),
    previous=some.one_of(some.just(""), _texts),
    risk=some.one_of(some.none(), some.sampled_from(Risk)),
)


def _plan_of(changes: list[Change], sentences: list[str], times: int) -> Any:
    """Return a plan of a unit with all changes, and of others that make it long."""
    first = unit_plan("manifests.u", *changes, warnings=tuple(sentences))
    names = (f"{number}{'n' * 90}" for number in range(times))
    actions = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    more = (change(name, action=actions[place % 4]) for place, name in enumerate(names))
    return plan(first, unit_plan("manifests.v", *more), notes=tuple(sentences))


_plans = some.builds(
    _plan_of,
    some.lists(_changes, max_size=3),
    some.lists(_texts, max_size=2),
    some.integers(min_value=0, max_value=400),
)
_errors = some.one_of(
    some.builds(
        TerraformError, _texts, hint=_texts, detail=some.lists(_texts, max_size=5).map("\n".join)
    ),
    some.lists(some.builds(Mistake, message=_texts, hint=_texts), min_size=1, max_size=3).map(
        lambda found: InvalidStack(tuple(found))
    ),
)
_names = some.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
_refusals = some.lists(some.builds(PlanRefused, _texts, hint=_texts), max_size=2).map(tuple)
_planned = some.builds(
    StackPreview,
    stack=_names,
    environment=_names,
    plan=_plans,
    reasons=some.lists(_texts, max_size=3).map(tuple),
    refusals=_refusals,
    awaited=_refusals,
    later=_refusals,
    approved_by=some.lists(_texts, max_size=2).map(tuple),
    overruled=some.lists(_texts, max_size=2).map(tuple),
    unjudged=some.one_of(some.just(""), _texts),
)
_failed = some.builds(
    StackPreview,
    stack=_names,
    environment=_names,
    error=_errors,
    overruled=some.lists(_texts, max_size=2).map(tuple),
)
_previews = some.builds(
    Preview,
    base=some.just("b" * 40),
    head=some.just("a" * 40),
    stacks=some.lists(some.one_of(_planned, _failed), max_size=3).map(tuple),
    error=some.one_of(some.none(), _errors),
    notes=some.lists(_texts, max_size=7).map(tuple),
    ci_run=some.one_of(some.just("https://ci.example/1"), _texts),
    configuration=some.one_of(some.text(max_size=40), some.just("c" * 3_000)),
)
_limit = some.one_of(
    some.integers(min_value=SMALLEST, max_value=12_000), some.sampled_from([65_536, 1_000_000])
)
_limits = some.tuples(_limit, _limit)
# What the comment before remembers, as somebody else may have edited it.
_plans_before = some.dictionaries(
    some.builds("{}/{}".format, _names, _names), some.tuples(some.just("0"), _texts), max_size=5
)
_before = some.one_of(
    some.just(""),
    _plans_before.map(
        lambda plans: (
            f"<!-- orchestrator-plans {inside_comment({'head': 'c' * 40, 'plans': plans})} -->"
        )
    ),
)


@given(preview=_previews, limits=_limits, before=_before)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_comment_is_right_at_every_length(
    preview: Preview, limits: tuple[int, int], before: str
) -> None:
    """Whatever is planned: short enough, fences and tags balanced, nobody mentioned, headline and failures there."""
    _check(preview, limits, before)


@pytest.mark.soak
@given(preview=_previews, limits=_limits, before=_before)
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_comments_are_right(preview: Preview, limits: tuple[int, int], before: str) -> None:
    """The same, for many more."""
    _check(preview, limits, before)


def _check(preview: Preview, limits: tuple[int, int], before: str) -> None:
    small, great = sorted(limits)
    text, longer = (comment(preview, limit=each, previous=before) for each in (small, great))

    assert problems(text, small) == []
    assert problems(longer, great) == []
    failed = [each for each in preview.stacks if each.error]
    if failed or preview.error:
        assert headline(preview) in text
    if len(failed) <= 2:
        assert text.count("could not be planned**") == len(failed) + bool(preview.error)
    if "left out" not in text.lower():
        assert _visible(longer) == _visible(text)


@settings(max_examples=30, deadline=None)
@given(
    counts=some.dictionaries(
        some.sampled_from([Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE]),
        some.integers(min_value=1, max_value=200),
    ),
    limit=some.integers(min_value=SMALLEST, max_value=20_000),
)
def test_nothing_is_lost_without_being_counted(counts: dict[Action, int], limit: int) -> None:
    """Of each action, what is shown and what is said to be left out are what the plan has."""
    changes = [
        Change(subject=Subject.OBJECT, name=f"{action}-{n}-{'x' * 60}", action=action)
        for action, number in counts.items()
        for n in range(number)
    ]
    stacks = (
        StackPreview(stack="a", environment="b", plan=plan(unit_plan("manifests.a", *changes))),
    )
    code = code_of(comment(Preview(base="b", head="a", stacks=stacks), limit=limit))

    for action, number in counts.items():
        shown = len(re.findall(rf"^\S+ {action}-\d+-", code, re.MULTILINE))
        left = re.search(rf"(\d+) to {action}", code)
        assert shown + (int(left.group(1)) if left else 0) == number


@pytest.mark.parametrize("sign", ["x", "\u200b", "\U000e0041", "\U0001f4a3"])
def test_what_always_stands_there_has_room(sign: str) -> None:
    """Notes of what is written out at twelve times its length, and the name of a configuration of any length."""
    failed = StackPreview(stack="s", environment="e", error=TerraformError("the cause"))
    made = Preview(
        base="b", head="a", stacks=(failed,), notes=(sign * 200,) * 6, configuration=sign * 3_000
    )

    text = comment(made, limit=SMALLEST)

    assert problems(text, SMALLEST) == []
    assert "the cause" in text
    assert "left out: " in text


def test_each_failure_that_is_shown_has_its_cause() -> None:
    """Where there is no room for all, the last ones go as a whole: none is left with a frame alone."""
    stacks = tuple(
        StackPreview(stack=f"s{number}", environment="e", error=TerraformError(f"cause {number}"))
        for number in range(900)
    )

    text = comment(Preview(base="b", head="a", stacks=stacks), limit=12_000)

    shown = text.count("could not be planned**")
    left = re.search(
        r"left out, since a comment is only so long: (\d+) failures", text, re.IGNORECASE
    )
    assert text.count("  cause ") == shown > 100
    assert left
    assert int(left.group(1)) + shown == len(stacks)


@given(text=some.text())
def test_lengths_are_counted_as_the_strictest_forge_does(text: str) -> None:
    """A character beyond the first plane is two, as in UTF-16."""
    assert size(text) == len(text.encode("utf-16-le")) // 2


def test_a_limit_that_holds_nothing_is_refused() -> None:
    """Below the smallest limit not even the headline is certain to fit."""
    with pytest.raises(ValueError, match="4000 characters at least"):
        fitted(Document(opening=("x",), blocks=()), SMALLEST - 1, render)


def _visible(text: str) -> str:
    return re.sub(r"<!--.*?-->\n?", "", text).strip()
