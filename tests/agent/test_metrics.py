"""Metrics: what events come to, as Prometheus's own parser reads it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.agent import events
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import Item, Key, Task
from orchestrator.agent.loop import Loop
from orchestrator.agent.metrics.catalogue import CATALOGUE, Kind
from orchestrator.agent.metrics.exposition import Exposition
from orchestrator.agent.metrics.figures import Figures, counted, recalled
from orchestrator.agent.metrics.gathering import Gathering
from orchestrator.agent.metrics.samples import Glance, samples
from orchestrator.agent.replicas.share import Share
from orchestrator.agent.serving import serving
from orchestrator.agent.surveys import Undeclared
from orchestrator.agent.verdicts import End, Verdict, Waits
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from tests.agent.happenings import FIRST, SECOND, SHOP, ended, failed, looked, surveyed, waiting
from tests.agent.test_serving import ask

NOW = 1_800_000_000.0
BEGAN = events.Began(repositories=("acme",))
UNITS = ("_seconds", "_total", "_info")
WHERE = {"repository": "acme", "stack": "shop", "environment": "production"}


def _figures(happened: Sequence[events.Event], *, every: float = 10.0) -> Figures:
    figures = Figures()
    for number, event in enumerate((BEGAN, *happened)):
        figures = counted(figures, event, NOW + number * every)
    return figures


def _glance(**more: object) -> Glance:
    usual = {"name": "keeper", "version": "1.2", "workers": 4, "agenda": {}, "at": 50.0}
    return Glance(**{**usual, "beat": 49.0, "now": NOW + 100, **more})  # type: ignore[arg-type]


def _text(
    happened: Sequence[events.Event], *, known: Mapping[Key, Verdict] | None = None, **more: object
) -> str:
    figures = recalled(_figures(happened), known or {}, NOW)
    return Exposition(lambda: samples(figures, _glance(**more))).text()


def _read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _value(happened: Sequence[events.Event], name: str, **labels: str) -> float | None:
    """Return one value of the stack; None when there is none."""
    found = _read(_text(happened))
    return found.get((name, frozenset({**WHERE, **labels}.items())))


def test_revisions_are_the_last_attempted_and_the_last_applied() -> None:
    """A revision that fails is attempted; in effect stays the one that was applied before."""
    happened = [ended(End.APPLIED), failed(revision=SECOND)]
    assert _value(happened, "orchestrator_stack_applied_revision_info", revision=FIRST) == 1
    assert _value(happened, "orchestrator_stack_attempted_revision_info", revision=SECOND) == 1
    assert _value(happened, "orchestrator_stack_attempted_revision_info", revision=FIRST) is None
    assert _value(happened, "orchestrator_stack_last_success_timestamp_seconds") == NOW + 10
    assert _value(happened, "orchestrator_stack_last_attempt_timestamp_seconds") == NOW + 20
    assert _value(happened, "orchestrator_stack_last_result", result="failed") == 1
    assert _value(happened, "orchestrator_stack_last_result", result="applied") == 0
    assert _value(happened, "orchestrator_stack_as_wanted") == 0
    assert _value(happened, "orchestrator_stack_last_duration_seconds") == 2


def test_drift_stays_until_it_was_brought_back() -> None:
    """A task that failed says nothing of drift; one that heals counts what it brought back."""
    drifted = ended(End.DRIFTED, task=Task.WORKLOADS, drift=3)
    assert _value([drifted, failed()], "orchestrator_stack_drift") == 3
    healed = ended(End.APPLIED, task=Task.WORKLOADS, drift=3)
    assert _value([drifted, healed], "orchestrator_stack_drift") == 0
    assert _value([drifted, healed], "orchestrator_stack_drift_healed_total") == 3
    assert _value([drifted], "orchestrator_stack_as_wanted") == 0


def test_what_waits_is_told_by_its_reason() -> None:
    """A plan that waits for an approval is pending, one that waits for a window is not."""
    assert _value([waiting()], "orchestrator_stack_pending_approvals") == 1
    assert _value([waiting(), ended(End.APPLIED)], "orchestrator_stack_pending_approvals") == 0
    window = [waiting(Waits.WINDOW)]
    assert _value(window, "orchestrator_stack_pending_approvals") == 0
    assert _value(window, "orchestrator_stack_waits", reason="window") == 1
    assert _value([ended(End.SUSPENDED)], "orchestrator_stack_suspended") == 1


def test_a_lock_grows_old_while_it_is_held() -> None:
    """It counts from when it was first seen at the remote, or met, and starts anew once it was free."""
    name, held = "orchestrator_stack_lock_age_seconds", ("shop/production",)
    base = ended(End.APPLIED)
    assert _value([base, looked(locks=held), looked(locks=held)], name) == 80
    assert _value([base, looked(locks=held), looked()], name) == 0
    assert _value([base, looked(locks=held), looked(), looked(locks=held)], name) == 60
    assert _value([base, looked(locks=("shop/staging",))], name) == 0
    assert _value([ended(End.LOCKED), ended(End.LOCKED)], name) == 90
    assert _value([ended(End.LOCKED), ended(End.UNCHANGED)], name) == 0


def test_a_stack_that_is_gone_has_no_figures() -> None:
    """What Git forgot leaves no series behind; one that is to be destroyed leaves with its end."""
    gone = events.Gone(key=SHOP, revision=SECOND, destroyed=False)
    assert "production" not in _text([ended(End.APPLIED), gone])
    doomed = events.Gone(key=SHOP, revision=SECOND, destroyed=True)
    assert "production" in _text([ended(End.APPLIED), doomed])
    destroyed = ended(End.DESTROYED, task=Task.DESTROY)
    assert "production" not in _text([ended(End.APPLIED), doomed, destroyed])
    refused = ended(End.HELD, task=Task.DESTROY)
    assert "production" in _text([ended(End.APPLIED), doomed, refused])
    last = replace(ended(End.FAILED), leaving=True)
    assert "production" not in _text([ended(End.APPLIED), gone, last])


def test_a_repository_that_does_not_answer_keeps_what_was_known() -> None:
    """It is unreachable at once, and its last revision and answer stay."""
    found = _read(_text([looked(), surveyed(), looked("no route")]))
    acme = ("repository", "acme")
    assert found["orchestrator_repository_reachable", frozenset({acme})] == 0
    polls = "orchestrator_repository_polls_total"
    assert found[polls, frozenset({acme, ("result", "failed")})] == 1
    assert found[polls, frozenset({acme, ("result", "answered")})] == 1
    answered = "orchestrator_repository_last_answer_timestamp_seconds"
    assert found[answered, frozenset({acme})] == NOW + 10
    branch = "orchestrator_repository_revision_info"
    assert found[branch, frozenset({acme, ("revision", FIRST)})] == 1
    assert found["orchestrator_repository_stacks", frozenset({acme})] == 1


def test_a_stack_file_is_unreadable_until_a_revision_has_it_right() -> None:
    """A newer revision that does not complain of it has mended it."""
    bad = events.Unreadable(key=Key(repository="acme", stack="shop"), revision=FIRST, error="odd")
    name = ("orchestrator_repository_unreadable_stacks", frozenset({("repository", "acme")}))
    assert _read(_text([bad, surveyed()]))[name] == 1
    assert _read(_text([bad, surveyed(), surveyed(SECOND)]))[name] == 0


def test_a_name_that_git_does_not_have_stays_told_until_it_has() -> None:
    """Also from before the process began: what did not move is not read anew, and was read well all the same."""
    missed = Undeclared(stack="web", environment="", why="there is no such stack", hint="")
    acme = frozenset({("repository", "acme")})
    name = ("orchestrator_repository_misnamed", acme)
    assert _read(_text([surveyed(missed=(missed,))]))[name] == 1
    assert _read(_text([surveyed(missed=(missed,)), surveyed(SECOND)]))[name] == 0
    for end, readable, misnamed in (
        (End.HELD, 1, 1),
        (End.UNCHANGED, 1, 0),
        (End.FAILED, 0, 0),
    ):
        known = {Key(repository="acme"): Verdict(end=end), SHOP: Verdict(end=End.APPLIED)}
        found = _read(_text([], known=known))
        assert found["orchestrator_repository_readable", acme] == readable
        assert found[name] == misnamed
        assert found["orchestrator_repository_stacks", acme] == 1


def test_a_patrol_is_a_look_at_stacks_that_are_well() -> None:
    """It counts from when a stack became known, or from the start; a stack at which nobody is to look has none."""
    name = "orchestrator_stack_last_look_timestamp_seconds"
    well = "orchestrator_stack_last_success_timestamp_seconds"
    patrolled = events.Patrolled(keys=(SHOP,))
    assert _value([surveyed()], name) == NOW + 10
    assert _value([surveyed(), ended(End.UNCHANGED)], name) == NOW + 20
    seen: list[events.Event] = [ended(End.UNCHANGED), surveyed(), surveyed(SECOND), patrolled]
    assert (_value(seen, name), _value(seen, well)) == (NOW + 40, NOW + 40)
    assert _value([surveyed(), waiting(), patrolled], well) is None
    where = frozenset(WHERE.items())
    known = {SHOP: Verdict(end=End.UNCHANGED)}
    assert _read(_text([], known=known))[name, where] == NOW
    for item, told in ((Item(key=SHOP), False), (Item(key=SHOP, look=60.0), True)):
        assert ((name, where) in _read(_text(seen, agenda={SHOP: item}))) is told


def test_how_long_tasks_take_is_counted_in_buckets() -> None:
    """Each bucket counts all that took no longer; what took longer than all is in the last."""
    happened = [ended(End.APPLIED, seconds=each) for each in (0.5, 30.0, 31.0, 9999.0)]
    found = _read(_text(happened))
    name, task = "orchestrator_agent_task_duration_seconds", ("task", "reconcile")

    def bucket(bound: str) -> float:
        return found[f"{name}_bucket", frozenset({task, ("le", bound)})]

    assert [bucket(each) for each in ("1", "30", "60", "3600", "+Inf")] == [1, 2, 3, 3, 4]
    assert found[f"{name}_sum", frozenset({task})] == 0.5 + 30 + 31 + 9999
    assert found[f"{name}_count", frozenset({task})] == 4


def test_the_loop_tells_what_it_is_at() -> None:
    """What runs is counted by task, what is due and has nobody as due."""
    other = Key(repository="acme", stack="tools", environment="default")
    agenda = {
        SHOP: Item(key=SHOP, running=Task.WORKLOADS, due={Task.RECONCILE: 1.0}),
        other: Item(key=other, due={Task.WORKLOADS: 49.0}),
    }
    found = _read(_text([], agenda=agenda, changed=True, deliveries={("team", "sent"): 2}))
    tasks = "orchestrator_agent_running_tasks"
    assert found[tasks, frozenset({("task", "workloads")})] == 1
    assert found[tasks, frozenset({("task", "reconcile")})] == 0
    assert found["orchestrator_agent_due_tasks", frozenset()] == 1
    assert found["orchestrator_agent_loop_age_seconds", frozenset()] == 1
    assert found["orchestrator_agent_file_changed", frozenset()] == 1
    deliveries = "orchestrator_agent_deliveries_total"
    assert found[deliveries, frozenset({("channel", "team"), ("result", "sent")})] == 2


VERDICTS = st.builds(
    lambda end, revision, drift: Verdict(
        end=end,
        revision=revision,
        drift=drift,
        message="it says hunter2",
        hint="hunter2",
        detail="hunter2",
        waits=Waits.APPROVAL if end is End.HELD else None,
    ),
    st.sampled_from(End),
    st.sampled_from([FIRST, SECOND, ""]),
    st.integers(0, 3),
)
KEYS = st.builds(
    lambda stack: Key(repository="acme", stack=stack, environment='prod"\\\n'),
    st.sampled_from(["shop", "tools"]),
)
EVENTS = st.one_of(
    st.builds(
        lambda key, task, verdict, seconds: events.Ended(
            key=key, task=task, verdict=verdict, seconds=seconds, failures=0, due=1.0
        ),
        KEYS,
        st.sampled_from(Task),
        VERDICTS,
        st.floats(0, 1e5),
    ),
    st.builds(lambda key: events.Gone(key=key, revision=FIRST, destroyed=False), KEYS),
    st.sampled_from([looked(), looked("hunter2"), surveyed(), surveyed(error="hunter2")]),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(EVENTS, max_size=12))
def test_whatever_happens_it_is_what_prometheus_reads(happened: list[events.Event]) -> None:
    """All of it is in the catalogue with its labels, no series is there twice, and no sentence gets into it."""
    text = _text(happened)
    assert "hunter2" not in text
    known = {metric.name: metric for metric in CATALOGUE}
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            assert series not in seen
            seen.add(series)
            if family.name.startswith("orchestrator_"):
                named = f"{family.name}_total" if family.type == "counter" else family.name
                metric = known[named]
                assert (family.type, family.documentation) == (metric.kind.value, metric.said)
                assert set(sample.labels) - {"le"} == set(metric.labels)
    assert text.count("applied_revision_info{") <= 2 * 2  # of each stack one at most, of each kind


def test_names_are_as_prometheus_wants_them() -> None:
    """A counter ends with ``_total`` and nothing else does; times are in seconds; nobody has the same name."""
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)
    for metric in CATALOGUE:
        assert re.fullmatch(r"orchestrator_(agent|repository|stack)_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert not re.search(r"_(minutes|hours|ms|milliseconds|count|sum|bucket)$", metric.name)
        assert ("Unix time" in metric.said) == metric.name.endswith("_timestamp_seconds")


def test_what_was_known_before_the_start_is_shown(tmp_path: Path) -> None:
    """A stack that nobody has to look at yet is as it was; when that was, nobody says."""
    loop = _loop(tmp_path)
    loop.verdicts[SHOP] = Verdict(end=End.DRIFTED, revision=FIRST, drift=2)
    gathering = Gathering(loop=loop)
    gathering.listen(BEGAN)
    found = _read(gathering.answer().text)
    where = frozenset(WHERE.items())
    assert found["orchestrator_stack_drift", where] == 2
    assert ("orchestrator_stack_last_attempt_timestamp_seconds", where) not in found
    applied = frozenset({**WHERE, "revision": FIRST}.items())
    assert found["orchestrator_stack_applied_revision_info", applied] == 1


def test_a_stack_of_another_replica_is_shown_by_that(tmp_path: Path) -> None:
    """Once its shard is somebody else's, nothing of it is here."""
    loop = _loop(tmp_path)
    gathering = Gathering(loop=loop)
    gathering.listen(ended(End.APPLIED))
    assert "production" in gathering.answer().text
    loop.share = Share(begin=frozenset(), held=frozenset())
    assert "production" not in gathering.answer().text
    gathering.listen(looked())
    loop.share = Share()
    assert "production" not in gathering.answer().text  # what it was is long ago


def test_a_stack_that_came_from_another_replica_is_shown_while_it_is_worked_on() -> None:
    """Its first task may take long, and whoever had its figures is dead: how old its lock is shows that."""
    begun = events.Started(key=SHOP, task=Task.RECONCILE, revision=FIRST)
    name, held = "orchestrator_stack_lock_age_seconds", ("shop/production",)
    assert _value([surveyed(), begun], "orchestrator_stack_as_wanted") == 0
    assert _value([begun], "orchestrator_stack_as_wanted") == 0
    assert _value([begun, looked(locks=held)], name) == 80
    assert _value([ended(End.APPLIED), begun], "orchestrator_stack_as_wanted") == 1
    survey = events.Started(key=Key(repository="acme"), task=Task.SURVEY, revision=FIRST)
    assert "orchestrator_stack_as_wanted{" not in _text([survey])


def _loop(folder: Path) -> Loop:
    configuration = Configuration(file=folder / "agent.yaml", name="keeper", directory=folder)
    return Loop(configuration=configuration, settings=Settings.read(), stop=Stop(), listeners=[])


@pytest.mark.integration
def test_it_is_served_with_figures_of_the_process(tmp_path: Path) -> None:
    """What a loop announces is there when it is asked for, beside the memory and the files of the process."""
    gathering = Gathering(loop=_loop(tmp_path), deliveries=lambda: {("team", "sent"): 1})
    with serving("127.0.0.1:0", {"/metrics": gathering.answer}, {}) as port:
        for event in (BEGAN, looked(), surveyed(), ended(End.APPLIED)):
            gathering.listen(event)
        status, text = ask(port, "GET", "/metrics")
    found = _read(text)
    names = {name for name, _ in found}
    assert status == 200
    assert ("orchestrator_stack_as_wanted", frozenset(WHERE.items())) in found
    assert {metric.name for metric in CATALOGUE if metric.kind is not Kind.HISTOGRAM} <= names
    assert {
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
    } <= names
