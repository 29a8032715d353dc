"""Who is told what when: pure decisions over events, for one channel each."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent import events
from orchestrator.agent.configuration.channels import About, Channel, Hidden, Severity, Slack
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.notifications.choosing import Memory, Notification, chosen
from orchestrator.agent.notifications.news import Known, Matter, news
from orchestrator.agent.surveys import Undeclared
from orchestrator.agent.verdicts import End, Waits
from tests.agent.happenings import FIRST, SECOND, SHOP, ended, failed, looked, surveyed, waiting

WELL = ended(End.UNCHANGED)
DRIFTED = ended(End.DRIFTED, task=Task.WORKLOADS, drift=2, digest="d")
HEALED = ended(End.APPLIED, task=Task.WORKLOADS, drift=2)
HOUR = 3600.0


def _channel(**more: Any) -> Channel:
    usual = {"name": "team", "target": Slack(url=Hidden(variable="URL")), "about": frozenset(About)}
    return Channel(**{**usual, **more})


def _told(
    happened: Iterable[events.Event], channel: Channel, *, every: float = 1.0
) -> list[Notification]:
    """Return what a channel is told of events that come one after the other."""
    known, memory, told = Known(), Memory(), []
    for number, event in enumerate(happened):
        known, found = news(known, event)
        for each in found:
            memory, said = chosen(channel, memory, each, 1_000.0 + number * every)
            told += [said] if said else []
    return told


def _about(happened: Sequence[events.Event], **more: Any) -> list[str]:
    return [each.news.about.value for each in _told(happened, _channel(**more))]


@pytest.mark.parametrize(
    ("event", "about", "severity"),
    [
        (failed(), About.FAILURE, Severity.ERROR),
        (DRIFTED, About.DRIFT, Severity.WARNING),
        (HEALED, About.DRIFT, Severity.INFO),
        (waiting(), About.APPROVAL, Severity.WARNING),
        (waiting(Waits.PERSON), About.HELD, Severity.WARNING),
        (waiting(Waits.COMMIT), About.HELD, Severity.WARNING),
        (ended(End.APPLIED, restores=SECOND), About.ROLLBACK, Severity.WARNING),
        (ended(End.APPLIED), About.APPLIED, Severity.INFO),
        (surveyed(error="no signature"), About.FAILURE, Severity.ERROR),
        (
            events.Unreadable(
                key=Key(repository="acme", stack="shop"), revision=FIRST, error="odd"
            ),
            About.FAILURE,
            Severity.ERROR,
        ),
        (events.Gone(key=SHOP, revision=FIRST, destroyed=False), About.HELD, Severity.WARNING),
    ],
)
def test_what_an_event_is_about(event: events.Event, about: About, severity: Severity) -> None:
    """Each kind of event is news of its own kind, as severe as somebody has to do with it."""
    told = _told([event], _channel())
    assert (about, severity) in [(each.news.about, each.news.severity) for each in told]


@pytest.mark.parametrize(
    "event",
    [
        WELL,
        looked(),
        looked("no route"),
        surveyed(),
        waiting(Waits.WINDOW),
        ended(End.LOCKED),
        ended(End.OVERTAKEN),
        ended(End.INTERRUPTED),
        ended(End.SUSPENDED),
        events.Started(key=SHOP, task=Task.RECONCILE, revision=FIRST),
        events.Stopping(running=1),
        events.Gone(key=SHOP, revision=FIRST, destroyed=True),
        replace(failed(), leaving=True),
    ],
)
def test_what_is_no_news(event: events.Event) -> None:
    """What passes by itself, or was asked for, is told to nobody."""
    assert _told([event], _channel()) == []


def test_a_failure_is_told_once_and_its_end_too() -> None:
    """Retries of one revision are silent, another revision that fails is news, and so is that it is over, once."""
    happened = [failed(), failed("other words"), ended(End.LOCKED), failed(revision=SECOND), WELL]
    assert _about([*happened, WELL, WELL]) == ["failure", "failure", "recovery"]


def test_what_is_kept_on_purpose_is_told_once() -> None:
    """Each later revision does not declare it either; that it is back, or was destroyed, is told, and leaving again."""
    gone, later = (
        events.Gone(key=SHOP, revision=revision, destroyed=False) for revision in (FIRST, SECOND)
    )
    assert _about([gone, later, later]) == ["held"]
    for back in (ended(End.APPLIED), DRIFTED):
        assert _about([gone, back, later], about=("held",)) == ["held", "held"]
    held = replace(gone, why="nobody knows any more in which cluster")
    stays = replace(WELL, task=Task.DESTROY)
    assert _about([stays, held, stays, replace(held, revision=SECOND)]) == ["held"]
    assert (
        _about([held, replace(stays, verdict=ended(End.DESTROYED).verdict), held]).count("held")
        == 2
    )


def test_a_stack_that_fails_no_longer_may_drift() -> None:
    """That it does not fail is told at once, that it is as Git wants it only when it is."""
    told = _told([failed(), DRIFTED, WELL], _channel())
    assert [each.news.title for each in told] == [
        "failed",
        "fails no longer",
        "has drifted: 2 things were changed outside of Git",
        "is as Git wants it again",
    ]


def test_after_a_recovery_the_same_failure_is_news_again() -> None:
    """What ended and comes back is told again, also at the same revision."""
    assert _about([failed(), WELL, failed()]) == ["failure", "recovery", "failure"]


def test_what_stands_is_told_again_after_a_time() -> None:
    """After ``repeat`` it is told once more; without, never."""
    happened = [failed()] * 10
    assert len(_told(happened, _channel(repeat=4 * HOUR), every=HOUR)) == 3
    assert len(_told(happened, _channel(repeat=None), every=HOUR)) == 1


def test_drift_is_told_by_what_drifted() -> None:
    """The same drift is told once, more of it again, though looks at all and at workloads see it differently."""
    more = ended(End.DRIFTED, task=Task.INFRASTRUCTURE, drift=3, digest="e")
    assert _about([DRIFTED, more, DRIFTED, more, DRIFTED, WELL]) == ["drift", "drift", "recovery"]


def test_who_changes_things_again_and_again_is_told_of_once_an_hour() -> None:
    """Drift that is healed each time is no news each time."""
    healed = {"about": frozenset({About.DRIFT})}
    assert len(_told([HEALED] * 12, _channel(**healed), every=600.0)) == 2


def test_an_approval_is_wanted_once_for_a_plan() -> None:
    """Another plan wants another one; that it came is told by what follows, and not as a recovery."""
    happened = [waiting(), waiting(), waiting(digest="d2"), ended(End.APPLIED)]
    assert _about(happened) == ["approval", "approval", "applied"]


def test_a_rollback_after_a_failure_is_told_beside_it() -> None:
    """What failed and what was brought back are both told."""
    back = failed(restores=SECOND, revision=FIRST, entry="e1")
    assert _about([back, back]) == ["failure", "rollback"]
    (_, told) = _told([back], _channel())
    assert told.news.title == f"went back to {SECOND[:10]}"


def test_severity_says_what_is_told_and_recoveries_follow_their_trouble() -> None:
    """A channel for errors is told of their end, and not of the end of what it was never told of."""
    assert _about([DRIFTED, WELL, failed(), WELL], severity=Severity.ERROR) == [
        "failure",
        "recovery",
    ]
    failures = frozenset({About.FAILURE})
    assert _about([failed(), WELL, failed()], about=failures) == ["failure", "failure"]


def test_a_channel_is_told_of_its_own_stacks() -> None:
    """Patterns are of STACK/ENVIRONMENT or of the repository."""
    other = failed(key=Key(repository="acme", stack="shop", environment="staging"))
    assert len(_told([failed(), other], _channel(stacks=("*/production",)))) == 1
    assert len(_told([failed(), other], _channel(stacks=("acme",)))) == 2
    assert len(_told([failed(), other], _channel(stacks=("tools/*",)))) == 0


def test_a_repository_that_is_silent_for_long_is_news() -> None:
    """A look that fails now and then is none; what answered again is."""
    silent = looked("no route")
    assert _about([silent, silent, looked(), silent, silent]) == []
    assert _about([silent] * 5 + [looked(), looked()]) == ["failure", "recovery"]


def test_a_stack_file_that_was_mended_is_told() -> None:
    """At the next revision that can read it; the survey of the same one says nothing."""
    key = Key(repository="acme", stack="shop")
    bad = events.Unreadable(key=key, revision=FIRST, error="odd")
    assert _about([bad, surveyed()]) == ["failure"]
    told = _told([bad, surveyed(), surveyed(SECOND)], _channel())
    assert [(each.news.about, each.news.key) for each in told] == [
        (About.FAILURE, key),
        (About.RECOVERY, key),
    ]


def test_a_name_that_git_does_not_have_is_told_once() -> None:
    """Each commit finds it again; its end is told when Git has it. One that is not of a stack is the repository's."""
    why = "there is no such stack"
    missed = tuple(
        Undeclared(stack=stack, environment=environment, why=why, hint="did you mean 'web'?")
        for stack, environment in (("wbe", ""), ("shop", "prod"), ("", "staging"))
    )
    found = _told([surveyed(missed=missed), surveyed(SECOND, missed=missed[:2])], _channel())
    assert [(each.news.about, each.news.key.stack, each.news.title) for each in found] == [
        (About.HELD, "wbe", "is not declared in Git"),
        (About.HELD, "shop", "is not declared in Git"),
        (About.HELD, "", "has no stack that is kept"),
        (About.RECOVERY, "", "has stacks that are kept"),
    ]
    assert found[0].news.message == f"the agent's file names it, and {why}"
    assert found[2].news.message.startswith("*/staging: the agent's file names it")


def test_too_much_is_counted_and_told_later() -> None:
    """As many as may be told at once are, more come back with time, and say how many were not told."""
    many = [failed(key=Key(repository="acme", stack=f"s{at}", environment="x")) for at in range(30)]
    channel = _channel(most=10)
    told = _told(many, channel)
    assert len(told) == 10
    last = failed(key=Key(repository="acme", stack="last", environment="x"))
    known, memory = Known(), Memory()
    said = None
    for number, event in enumerate([*many, last]):
        known, (each,) = news(known, event)
        now = 1_000.0 + number if event is not last else 1_000.0 + HOUR / 10 + 30
        memory, said = chosen(channel, memory, each, now)
    assert said is not None
    assert (said.news.key.stack, said.unsaid) == ("last", 20)


def test_what_was_too_much_is_no_less_news_later() -> None:
    """A failure that could not be told is told when it stands later on, and so is a recovery."""
    first, second = failed(key=Key(repository="acme", stack="a", environment="x")), failed()
    told = _told([first, second, second, second, WELL, WELL], _channel(most=1), every=HOUR / 2)
    assert [(each.news.about.value, each.news.key.stack) for each in told] == [
        ("failure", "a"),
        ("failure", "shop"),
        ("recovery", "shop"),
    ]


HAPPENINGS = st.lists(
    st.sampled_from(
        [failed(), failed(revision=SECOND), WELL, DRIFTED, HEALED, waiting(), ended(End.LOCKED)]
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(HAPPENINGS, st.integers(1, 5))
def test_a_recovery_is_told_after_trouble_alone(happened: list[events.Event], most: int) -> None:
    """Whatever happens: in an hour at most twice as much is told as may be, no recovery comes by itself or twice."""
    told = _told(happened, _channel(most=most), every=30.0)
    assert len(told) <= 2 * most
    standing: set[Matter] = set()
    for each in told:
        if each.news.ends:
            assert each.news.ends & standing
        standing -= each.news.ends
        standing |= {each.news.matter} if each.news.matter else set()
