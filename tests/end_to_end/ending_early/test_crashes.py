"""Whatever a run is at when it ends early: the next one finishes it, nothing is orphaned, nothing is done twice."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.ending_early.ledgers import Record
from tests.end_to_end.ending_early.places import PLACES
from tests.end_to_end.ending_early.points import KILL, POWER, points_of
from tests.end_to_end.ending_early.sides import Sides
from tests.end_to_end.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_SEED = 5
_SHARES = 4  # in which the points of one seed are gone through, side by side
_DYING = [
    *(("shared", share) for share in range(_SHARES)),
    *(("alone", share) for share in range(_SHARES - 1)),
    ("directory", 3),
    ("cluster", 3),
]
_STOPPED = [("alone", 0), ("alone", 1), ("shared", 2), ("shared", 3)]
_MOST = 20  # of each share
_DIE = ("instead", "after")
_STOP = ("before", "after")
_EFFECTS = ("git push", "remote", "git update-ref", "file", "api", "module", "terraform apply")
_LATER = ("api", "module", "terraform")  # where what a run started can be at work
_INTERRUPTED = 130

Strike = tuple[str, str]
"""A point, and what befalls the run there."""


@pytest.fixture
def sides(
    request: pytest.FixtureRequest, world: World, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Sides]:
    """Return the stack, not applied yet; the parameter says where it keeps its ledger."""
    place = PLACES[request.param]
    with (
        points_of(world, tmp_path / "points", sandbox.kubeconfig) as points,
        place(points, tmp_path) as found,
    ):
        yield Sides(place=found)


@pytest.mark.parametrize("sides", ["shared"], indirect=True)
def test_a_run_that_is_killed_is_finished_by_the_next(sides: Sides) -> None:
    """Between two objects, with all that it started, between the refs of the outcome that it pushes, and in a prune.

    The next one is at times that of another clone. (In Terraform's work: see ``test_locks``.)
    """
    _apply(sides, 0)
    strikes = [
        ("api PATCH jobs 1 after", POWER),
        ("remote update 6 after", KILL),
        ("api DELETE jobs 1 instead", KILL),
    ]
    for number, strike in enumerate(strikes, start=1):
        _die_and_recover(sides, number, strike)
    _assert_nothing_is_left_to_do(sides)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("sides", "share"), _DYING, indirect=["sides"])
def test_a_run_may_die_at_any_point(sides: Sides, share: int) -> None:
    """At each ledger write, at each effect, and at anything else that it does, alone or with all that it started.

    A push to a remote may not have come, have come without an answer, or be at work between its refs.
    """
    _go_through(sides, share, _deadly, _die_and_recover)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("sides", "share"), _STOPPED, indirect=["sides"])
def test_a_run_may_be_stopped_at_any_point(sides: Sides, share: int) -> None:
    """It ends cleanly, with all that it started, says so in the ledger, and the next one goes on."""
    _go_through(sides, share, _stopping, _stop_and_go_on)


def _go_through(
    sides: Sides,
    share: int,
    choose: Callable[[list[str], Random], list[Strike]],
    live: Callable[[Sides, int, Strike], None],
) -> None:
    """Live through a share of the points that the seed chooses of those that a run has, one after another."""
    _apply(sides, 0)
    _apply(sides, 1)
    _apply(sides, 2)  # the first with nothing to be set up any more
    chosen = choose(sides.points.seen(), Random(_SEED))[share::_SHARES][:_MOST]
    assert len(chosen) == _MOST
    for number, strike in enumerate(chosen, start=3):
        with _told(f"seed {_SEED}, share {share}, round {number}: {strike[0]}, {strike[1][:9]}"):
            live(sides, number, strike)
    sides.assert_is_by_tools(len(chosen) + 2)
    _assert_nothing_is_left_to_do(sides)


def _deadly(seen: list[str], random: Random) -> list[Strike]:
    """Return where to kill: first what has an effect, or records one; then whatever else there is."""
    alone = [(f"{point} {moment}", KILL) for point in seen for moment in _DIE]
    together = [(f"{point} after", POWER) for point in seen if point.startswith(_LATER)]
    random.shuffle(alone)
    random.shuffle(together)
    return sorted([*alone, *together], key=lambda strike: not strike[0].startswith(_EFFECTS))


def _stopping(seen: list[str], random: Random) -> list[Strike]:
    strikes = [
        (f"{point} {moment}", f'kill -{name} "$1"')
        for point in seen
        for moment in _STOP
        for name in ("INT", "TERM")
    ]
    random.shuffle(strikes)
    return strikes


def _die_and_recover(sides: Sides, number: int, strike: Strike) -> None:
    place, points = sides.place, sides.points
    before, calls, commit = sides.effects(), points.done(), sides.commit(number)
    points.strike_at(*strike)
    dying, next_ = place.clone(number), place.clone(number // 2)

    died = dying.run("apply", dying.name, "--yes")

    assert points.struck, died.said
    assert died.code == -signal.SIGKILL, died.said
    place.await_end()
    left = place.ledger.records()
    _assert_intended(sides, left, before, commit)
    held, jobs = place.ledger.locked(), sides.jobs()
    points.clear()
    applied = next_.apply()
    assert ("took the lock over" in applied.stderr) is held
    assert place.entries()[: len(left)] == [each.entry for each in left]
    _assert_finished(sides, number, commit, next_)
    _assert_done_once(sides, jobs)
    assert _doubled(sides, calls) == [] or (strike[1] == POWER and _cuts_off(strike))


def _stop_and_go_on(sides: Sides, number: int, strike: Strike) -> None:
    place, points, world = sides.place, sides.points, sides.place.clone(number)
    before, calls, commit = sides.effects(), points.done(), sides.commit(number)
    points.strike_at(*strike)

    stopped = world.run("apply", world.name, "--yes")

    assert points.struck, stopped.said
    assert stopped.code in {0, _INTERRUPTED}, stopped.said  # the request may have come last of all
    assert "Traceback" not in stopped.said
    assert points.running() == []
    assert not place.ledger.locked()
    assert world.locks() == ""
    assert world.left_behind() == []
    assert list((world.root / ".orchestrator").rglob("*.tfplan")) == []
    left = place.ledger.records()
    assert left[-1].state["open"] is None
    if sides.effects() != before:
        assert left[-1].entry["run"]["revision"]["commit"] == commit
        assert left[-1].entry["outcome"] == ("interrupted" if stopped.code else "applied")
    jobs, next_ = sides.jobs(), place.clone(number // 2)
    points.clear()
    next_.apply()
    _assert_finished(sides, number, commit, next_)
    _assert_done_once(sides, jobs)
    assert _doubled(sides, calls) == [] or _cuts_off(strike)


def _apply(sides: Sides, number: int) -> None:
    sides.points.clear()
    sides.commit(number)
    sides.world.apply()
    sides.assert_is(number)


def _assert_intended(sides: Sides, left: list[Record], before: object, commit: str) -> None:
    """Check that whatever a run did that died stands in the ledger: what it is at, and all that it owns."""
    last = left[-1]
    if sides.effects() != before:
        assert last.entry["run"]["revision"]["commit"] == commit
    inventory = {each["name"] for each in last.state["inventory"]}
    assert sides.objects() <= inventory


def _assert_finished(sides: Sides, number: int, commit: str, world: World) -> None:
    sides.assert_is(number)
    last = sides.place.ledger.records()[-1]
    assert last.state["open"] is None
    assert {each["name"] for each in last.state["inventory"]} == sides.objects()
    assert last.entry["run"]["revision"]["commit"] == commit
    assert last.entry["outcome"] in {"applied", "unchanged"}
    assert not sides.place.ledger.locked()
    assert world.locks() == ""
    assert world.left_behind() == []
    assert list((world.root / ".orchestrator").rglob("inputs-*")) == []


def _assert_done_once(sides: Sides, jobs: dict[str, str]) -> None:
    """Check that a Job that was there is not another one now."""
    now = sides.jobs()
    assert {name: now[name] for name in now.keys() & jobs.keys()}.items() <= jobs.items()


def _doubled(sides: Sides, calls: list[str]) -> list[str]:
    """Return what provisioners did more than once, since there were those ``calls``."""
    counted = Counter(sides.points.done()[len(calls) :])
    return [what for what, times in counted.items() if times > 1]


def _cuts_off(strike: Strike) -> bool:
    """Whether it may befall a provisioner that is at work: Terraform makes what that belongs to again."""
    return strike[0].startswith(("module", "terraform"))


def _assert_nothing_is_left_to_do(sides: Sides) -> None:
    entries = sides.place.entries()
    for world in sides.place.clones:
        planned = world.run("plan", world.name, "--detailed-exitcode")
        assert planned.code == 0, planned.said
    assert sides.place.entries() == entries


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say where it was with whatever fails."""
    try:
        yield
    except BaseException as error:
        error.add_note(where)
        raise
