"""Statuses of a commit, as a forge has them in the end, whatever it answers in between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.engine.previewing.statuses import Statuses
from orchestrator.engine.previewing.verdicts import no_comment
from orchestrator.errors import (
    ForgeUnanswered,
    InvalidStack,
    Mistake,
    PlanRefused,
    RepositoryError,
    TerraformError,
)
from orchestrator.errors import Place as Where
from orchestrator.forges.clients import open_forge
from orchestrator.forges.forge import State, Status
from orchestrator.forges.patience import Patience
from orchestrator.forges.place import Place
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.processes import Stop
from orchestrator.reports.preview.memory import Memory, Remembered, recall, remember
from orchestrator.reports.preview.standing import EVERYTHING
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, Trouble, serving
from tests.forges.small_forges import SmallGitHub
from tests.plans.builders import change, plan, unit_plan

_HEAD = "a" * 40
_PLANS = {
    "shop/a": Remembered(digest="1", outlook="1 to create"),
    "shop/b": Remembered(digest="2", outlook="2 to delete"),
}
_MEMORY = Memory(head=_HEAD, plans=_PLANS)


@pytest.fixture
def forge() -> Iterator[Served]:
    """Give a GitHub."""
    with serving(held := SmallGitHub()):
        yield held


def _statuses(held: Served, configuration: str = "default", other_base: str = "") -> Statuses:
    stop = Stop()
    place = Place(kind=held.kind, api=held.api, repository=REPOSITORY, number=NUMBER, token=TOKEN)
    patience = Patience(stop=stop, now=clock.now, backoff_factor=0.01, pause=0.01)
    return Statuses(
        forge=open_forge(place, patience),
        commit=_HEAD,
        configuration=configuration,
        stop=stop,
        other_base=other_base,
    )


def _told(held: Served) -> dict[str, str]:
    return {each["context"]: f"{each['state']}: {each['description']}" for each in held.statuses}


def test_open_requests_are_listed_once(forge: Served) -> None:
    """However many statuses lead to the comments of others: a forge limits how often it is asked."""
    there = "https://forge.example/acme/shop/pulls/5#issuecomment-1"
    for name in ("", "shop/a", "shop/b"):
        context = f"orchestrator: {name}" if name else "orchestrator"
        said = {"context": context, "state": "success", "description": "", "target_url": there}
        forge.statuses.append({**said, "sha": _HEAD})

    _statuses(forge).withdraw(_MEMORY, "closed", of=NUMBER, left=lambda: True)

    assert {*_told(forge).values()} == {"pending: stale: closed"}
    assert sum(each.endswith("/pulls") for each in forge.seen) == 1


def test_each_plan_has_its_status_and_all_have_one(forge: Served) -> None:
    """Pending, then what it does, or that it failed; one that failed fails them all."""
    made = plan(unit_plan("manifests.shop", change()), environment="a")
    failed = StackPreview(stack="shop", environment="b", error=TerraformError("no"))
    preview = Preview(
        base="b" * 40,
        head=_HEAD,
        stacks=(StackPreview(stack="shop", environment="a", plan=made), failed),
    )

    _statuses(forge, "other").planning()
    _statuses(forge, "other").planning(["shop/a"])
    before = _told(forge)
    _statuses(forge, "other").planned(preview)

    assert before == {
        "orchestrator (other)": "pending: planning",
        "orchestrator (other): shop/a": "pending: planning",
    }
    assert _told(forge) == {
        "orchestrator (other)": "failure: Merging: 1 of 2 plans failed, 1 to create",
        "orchestrator (other): shop/a": "success: 1 to create",
        "orchestrator (other): shop/b": "failure: could not be planned",
    }


_MADE = StackPreview(
    stack="shop", environment="a", plan=plan(unit_plan("manifests.shop", change()), environment="a")
)
_WHY = (PlanRefused("no"),)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (replace(_MADE, refusals=_WHY, awaited=_WHY), "failure: refused, 1 to create"),
        (replace(_MADE, awaited=_WHY), "pending: needs approval, 1 to create"),
        (
            replace(_MADE, unjudged="unread"),
            "pending: needs approval, 1 to create, not judged by the base",
        ),
        (
            replace(_MADE, unjudged="unread", approved_by=("Ada",)),
            "success: 1 to create, not judged by the base",
        ),
        (replace(_MADE, later=_WHY), "success: 1 to create"),
        (replace(_MADE, refusals=_WHY, approved_by=("Ada",)), "success: 1 to create"),
    ],
)
def test_what_may_not_be_merged_yet_is_no_success(
    forge: Served, made: StackPreview, told: str
) -> None:
    """Guards that refuse are a failure, approvals that are missing pending, also when it was stale in between."""
    statuses, name = _statuses(forge), "orchestrator: shop/a"
    preview = Preview(base="b" * 40, head=_HEAD, stacks=(made, replace(_MADE, environment="b")))

    statuses.planned(preview)
    planned = _told(forge)
    memory = recall(remember(preview))
    assert memory
    statuses.settle(memory, {EVERYTHING: "moved"})
    stale = _told(forge)
    statuses.settle(memory, {})

    state = told.partition(":")[0]
    assert planned[name] == told
    assert planned["orchestrator"].partition(":")[0] == state
    assert stale[name] == "pending: stale: moved"
    assert stale["orchestrator"] == "pending: stale: moved"
    assert _told(forge)[name] == told
    assert _told(forge)["orchestrator"].partition(":")[0] == state


@pytest.mark.parametrize(
    ("configuration", "own"), [("default", "(into release)"), ("eu", "(eu, into release)")]
)
def test_what_merging_into_another_branch_would_do_decides_nothing_about_the_default_one(
    forge: Served, configuration: str, own: str
) -> None:
    """Two requests may have one head, and so one list of statuses."""
    _statuses(forge, configuration).planning()
    before = _told(forge)

    other = _statuses(forge, configuration, "release")
    other.planned(Preview(base="b" * 40, head=_HEAD, stacks=(_MADE,)))

    assert _told(forge) == before | {
        f"orchestrator {own}": "success: Merging: 1 to create",
        f"orchestrator {own}: shop/a": "success: 1 to create",
    }


def test_all_fails_where_there_is_no_comment_to_call_stale(forge: Served) -> None:
    """Its plans are told; but whoever looks what is stale would find nothing, and leave a success for good."""
    _statuses(forge).uncommented(Preview(base="b" * 40, head=_HEAD, stacks=(_MADE,)))

    assert _told(forge) == {
        "orchestrator: shop/a": "pending: 1 to create",
        "orchestrator": "failure: the comment could not be written, so plan again",
    }


def test_what_this_run_said_is_said_anew(forge: Served) -> None:
    """What is read may be older than what was said last: a run that planned says all once more, as it is by now."""
    statuses = _statuses(forge)
    statuses.settle(_MEMORY, {})
    count = len(forge.statuses)

    statuses.settle(_MEMORY, {"shop/a": "main moved on"}, anew=True)

    assert len(forge.statuses) == count + 3
    assert _told(forge) == {
        "orchestrator: shop/a": "pending: stale: main moved on",
        "orchestrator: shop/b": "success: 2 to delete",
        "orchestrator": "pending: stale: shop/a",
    }


def test_what_was_planned_for_the_commit_before_is_as_the_new_plan_says(forge: Served) -> None:
    """Not touched any more, or a failure where its stack cannot even be read; other configurations have their own."""
    before = tuple(replace(_MADE, environment=each) for each in ("a", "b"))
    blog = replace(_MADE, stack="blog")
    unread = StackPreview(stack="shop", environment="*", error=TerraformError("no"))
    _statuses(forge).forge.set_status(
        _HEAD, Status(name="ci/build", state=State.FAILURE, description="of another program")
    )
    _statuses(forge, "other").planned(Preview(base="b" * 40, head=_HEAD, stacks=before))
    _statuses(forge).planned(Preview(base="b" * 40, head=_HEAD, stacks=(*before, blog)))

    _statuses(forge).planned(Preview(base="c" * 40, head=_HEAD, stacks=(unread,)))

    assert _told(forge) == {
        "ci/build": "failure: of another program",
        "orchestrator (other): shop/a": "success: 1 to create",
        "orchestrator (other): shop/b": "success: 1 to create",
        "orchestrator (other)": "success: Merging: 2 to create",
        "orchestrator: shop/*": "failure: could not be planned",
        "orchestrator: shop/a": "failure: could not be planned",
        "orchestrator: shop/b": "failure: could not be planned",
        "orchestrator: blog/a": "success: not touched any more",
        "orchestrator": "failure: Merging: the plan failed",
    }


def test_why_nothing_could_be_planned_is_said(forge: Served) -> None:
    """Of many mistakes the first with its place, without secrets; no success stays of what was planned before."""
    _statuses(forge).planned(Preview(base="b" * 40, head=_HEAD, stacks=(_MADE,)))
    place = Where(file="orchestrator.yaml", line=2, column=1, text="")
    error = InvalidStack((Mistake(message="unknown key hunter2", place=place, hint=""),))
    made = Preview(base="b" * 40, head=_HEAD, error=error)

    _statuses(forge).planned(made, redact=lambda text: text.replace("hunter2", "(sensitive)"))

    why = "Merging could not be planned: orchestrator.yaml:2:1: unknown key (sensitive)"
    assert _told(forge) == {
        "orchestrator: shop/a": "pending: stale: plan again",
        "orchestrator": f"failure: {why}",
    }


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("POST", "/statuses/", 502, times=2),
        Trouble("POST", "/statuses/", 502, done=True),
        Trouble("POST", "/statuses/", 429, {"Retry-After": "0"}, times=2),
        Trouble("POST", "/statuses/", 403, message="a secondary rate limit", times=2),
    ],
)
def test_a_status_that_was_not_taken_is_set_again(forge: Served, trouble: Trouble) -> None:
    """It says how something has to be, so that twice does no harm."""
    forge.troubles.append(trouble)

    _statuses(forge).planning()

    assert _told(forge) == {"orchestrator": "pending: planning"}


def test_a_forge_that_takes_no_status_at_all_is_an_error(forge: Served) -> None:
    """After some tries it is told."""
    forge.troubles.append(Trouble("POST", "/statuses/", 500, times=99))

    with pytest.raises(ForgeUnanswered):
        _statuses(forge).planning()


def test_what_is_stale_goes_back_to_pending_and_what_is_not_any_more_to_success(
    forge: Served,
) -> None:
    """Only what changed is set, whatever the comment says of it, and for all of it there is one status."""
    statuses, why = _statuses(forge), {"shop/a": "main moved on"}
    statuses.settle(_MEMORY, {})

    statuses.settle(_MEMORY, why)
    first, count = _told(forge), len(forge.statuses)
    statuses.settle(_MEMORY, why)
    again = len(forge.statuses)
    statuses.settle(_MEMORY, {})

    assert first == {
        "orchestrator: shop/a": "pending: stale: main moved on",
        "orchestrator: shop/b": "success: 2 to delete",
        "orchestrator": "pending: stale: shop/a",
    }
    assert (count, again, len(forge.statuses)) == (5, 5, 7)
    changed = [each["context"] for each in forge.statuses[3:]]
    assert changed[0] == changed[3] == "orchestrator", "what decides never passes too early"
    assert _told(forge) == {
        "orchestrator: shop/a": "success: 1 to create",
        "orchestrator: shop/b": "success: 2 to delete",
        "orchestrator": "success: shop/a: 1 to create, shop/b: 2 to delete",
    }


@pytest.mark.parametrize(
    ("of", "is_open", "left", "state"),
    [
        (NUMBER, True, False, "pending"),
        (NUMBER + 1, True, False, "success"),
        (NUMBER + 1, True, True, "success"),
        (NUMBER + 1, False, True, "pending"),
        (NUMBER + 1, False, False, "success"),
    ],
)
def test_what_the_comment_of_another_request_gave_is_not_taken_back(
    forge: Served, of: int, state: str, *, is_open: bool, left: bool
) -> None:
    """Two requests may have one head, and anybody may open one: what leads to the comment of an open one is its own."""
    forge.is_open = is_open
    statuses = replace(_statuses(forge), address=f"https://a.example/pulls/{NUMBER}#issuecomment-1")
    statuses.settle(_MEMORY, {})

    found = _statuses(forge).withdraw(no_comment(_HEAD), "no comment", of=of, left=lambda: left)

    assert found is (state == "pending")
    assert {told.partition(":")[0] for told in _told(forge).values()} == {state}
    assert set(_told(forge)) == {"orchestrator", "orchestrator: shop/a", "orchestrator: shop/b"}


@pytest.mark.parametrize(("address", "state"), [("", "success"), ("5", "pending")])
def test_what_leads_nowhere_is_taken_by_whose_comment_holds(
    forge: Served, address: str, state: str
) -> None:
    """Of two requests with one head, one went elsewhere: what it took back is a sentence about itself alone."""
    forge.more_open = [5]
    there = "https://a.example/pulls/{}#issuecomment-1"
    planned = replace(_statuses(forge), address=there.format(5))
    planned.settle(_MEMORY, {})
    gone = replace(planned, address=address and there.format(address))
    stays = replace(_statuses(forge), address=there.format(NUMBER))
    gone.withdraw(_MEMORY, "the request is to be merged into release by now", of=5)

    stays.settle(_MEMORY, {})

    assert {each.partition(":")[0] for each in _told(forge).values()} == {state}


def test_a_reason_that_is_cut_is_said_once(forge: Served) -> None:
    """What the forge kept of it is what it was."""
    statuses = _statuses(forge)

    statuses.settle(_MEMORY, {EVERYTHING: "x" * 500})
    count = len(forge.statuses)
    statuses.settle(_MEMORY, {EVERYTHING: "x" * 500})

    assert len(forge.statuses) == count == 3


def test_a_description_is_as_long_as_the_forge_takes_it(forge: Served, tmp_path: Path) -> None:
    """A long reason is cut, and nothing in it breaks a line."""
    failed = RepositoryError(f"{tmp_path}\n" + "x" * 500)

    _statuses(forge).planned(Preview(base="b" * 40, head=_HEAD, error=failed))

    (told,) = forge.statuses
    assert len(told["description"]) == 140
    assert told["description"].endswith("x…")
    assert told["description"].isprintable()


def test_a_status_has_a_name_that_forges_take(forge: Served) -> None:
    """A directory may be called anything: one line, of which a hash tells two apart that begin alike."""
    names = [f"{'a' * 250}/x", f"{'a' * 250}/y", "b\nc/*"]

    _statuses(forge).planning(names)

    told = [*_told(forge)]
    assert len({*told}) == len(names)
    assert all(len(name) <= 255 and name.isprintable() for name in told)
    assert told[-1] == "orchestrator: b\\nc/*"
