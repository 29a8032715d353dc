"""The walk runs what can run, keeps what came of it, and starts nothing that must not start."""

import threading
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.walk import Done, Ending, Failed, Skipped, walk
from orchestrator.errors import OrchestratorError, TerraformError
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId

Needs = Mapping[UnitId, tuple[UnitId, ...]]


def _unit(number: int) -> UnitId:
    return UnitId(f"modules.m{number}")


@st.composite
def _graphs(draw: st.DrawFn) -> Needs:
    size = draw(st.integers(1, 8))
    return {
        _unit(number): tuple(_unit(other) for other in range(number) if draw(st.booleans()))
        for number in range(size)
    }


@given(_graphs(), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_runs_every_unit_once_after_all_that_it_needs(needs: Needs, workers: int) -> None:
    """Whatever the graph, a unit sees the results of everything that it needs."""
    runs: list[UnitId] = []

    def work(unit: UnitId, done: Mapping[UnitId, str]) -> str:
        assert set(needs[unit]) <= done.keys()
        runs.append(unit)
        return f"made {unit}"

    endings = walk(tuple(needs), needs, work, workers=workers, stop=Stop())

    assert sorted(runs) == sorted(needs)
    assert [end.value for end in endings.values() if isinstance(end, Done)] == [
        f"made {unit}" for unit in needs
    ]


@given(_graphs(), st.sets(st.integers(0, 7)))
@settings(max_examples=50, deadline=None)
def test_a_failure_skips_all_that_depends_on_it_and_nothing_else(
    needs: Needs, failing: set[int]
) -> None:
    """Independent units go on, so that one failure costs no more than it must."""

    def work(unit: UnitId, _done: Mapping[UnitId, None]) -> None:
        if unit in map(_unit, failing):
            raise TerraformError("it broke")

    endings = walk(tuple(needs), needs, work, workers=3, stop=Stop())

    for unit, end in endings.items():
        blocked = any(not isinstance(endings[need], Done) for need in needs[unit])
        match end:
            case Skipped():
                assert blocked
                assert set(end.because) <= set(needs[unit])
            case Failed():
                assert not blocked
                assert unit in map(_unit, failing)
            case Done():
                assert not blocked
                assert unit not in map(_unit, failing)


def test_units_that_need_nothing_of_each_other_run_side_by_side() -> None:
    """Two units that wait for each other to have begun both get there."""
    barrier = threading.Barrier(2, timeout=20)

    def work(_unit: UnitId, _done: Mapping[UnitId, None]) -> None:
        barrier.wait()

    units = (_unit(0), _unit(1))
    endings = walk(units, dict.fromkeys(units, ()), work, workers=2, stop=Stop())

    assert all(isinstance(end, Done) for end in endings.values())


def test_after_a_request_to_stop_nothing_more_starts() -> None:
    """What runs is left to end by itself; what has not begun is skipped without blaming a unit."""
    stop = Stop()
    units = (_unit(0), _unit(1))

    def work(_unit: UnitId, _done: Mapping[UnitId, None]) -> None:
        stop.request()

    endings = walk(units, {_unit(0): (), _unit(1): (_unit(0),)}, work, workers=2, stop=stop)

    assert isinstance(endings[_unit(0)], Done)
    assert endings[_unit(1)] == Skipped()


def test_a_crash_of_one_unit_is_a_failure_of_that_unit(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug must not lose the outcomes of the other units."""
    told: list[tuple[UnitId, Ending[None]]] = []

    def work(unit: UnitId, _done: Mapping[UnitId, None]) -> None:
        if unit == _unit(0):
            raise ZeroDivisionError("oh")

    units = (_unit(0), _unit(1))
    endings = walk(
        units,
        dict.fromkeys(units, ()),
        work,
        workers=1,
        stop=Stop(),
        on_end=lambda unit, end: told.append((unit, end)),
    )
    capsys.readouterr()

    crashed = endings[_unit(0)]
    assert isinstance(crashed, Failed)
    assert isinstance(crashed.error, OrchestratorError)
    assert "ZeroDivisionError" in crashed.error.message
    assert isinstance(endings[_unit(1)], Done)
    assert dict(told) == endings
