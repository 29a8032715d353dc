"""The walk over the graph: units run side by side as soon as all that they need has succeeded."""

import contextvars
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from orchestrator import clock, log
from orchestrator.errors import OrchestratorError, unexpected
from orchestrator.plans.change import Change
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[T]):
    """The work on a unit returned a value, after so many seconds."""

    value: T
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The work on a unit raised an error, after so many seconds.

    ``done`` is what it had done by then, and ``unknown`` are the names of what it may have done.
    """

    error: OrchestratorError
    seconds: float = 0.0
    done: tuple[Change, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A unit was not started: ``because`` names the units that it needs and that did not succeed."""

    because: tuple[UnitId, ...] = ()


Ending: TypeAlias = Done[T] | Failed | Skipped


def walk(
    order: Sequence[UnitId],
    needs: Mapping[UnitId, Sequence[UnitId]],
    work: Callable[[UnitId, Mapping[UnitId, T]], T],
    *,
    workers: int,
    stop: Stop,
    on_end: Callable[[UnitId, Ending[T]], None] = lambda _unit, _ending: None,
) -> dict[UnitId, Ending[T]]:
    """Run ``work`` for every unit, each after all that it needs, and return how each ended, in ``order``.

    ``work`` is given the unit and what the units done so far returned, all that it needs among them.
    ``order`` is topological; needs outside it count as met. After a request to stop no further unit starts.
    ``on_end`` is told of each ending at once, from this thread.
    """
    endings: dict[UnitId, Ending[T]] = {}
    running: dict[Future[Ending[T]], UnitId] = {}
    waiting, inside = list(order), frozenset(order)
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="unit") as pool:
        while waiting or running:
            for unit in [] if stop.requested else _startable(waiting, needs, inside, endings):
                waiting.remove(unit)
                # The keys of structlog are lost in a pool thread otherwise.
                context = contextvars.copy_context()
                running[pool.submit(context.run, _ending, work, unit, values(endings))] = unit
            for unit, skipped in _blocked(waiting, needs, endings, stop):
                waiting.remove(unit)
                endings[unit] = skipped
                on_end(unit, skipped)
            if running:
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    unit = running.pop(future)
                    endings[unit] = future.result()
                    on_end(unit, endings[unit])
    return {unit: endings[unit] for unit in order}


def _startable(
    waiting: Sequence[UnitId],
    needs: Mapping[UnitId, Sequence[UnitId]],
    inside: Collection[UnitId],
    endings: Mapping[UnitId, Ending[T]],
) -> list[UnitId]:
    return [
        unit
        for unit in waiting
        if all(need not in inside or isinstance(endings.get(need), Done) for need in needs[unit])
    ]


def _blocked(
    waiting: Sequence[UnitId],
    needs: Mapping[UnitId, Sequence[UnitId]],
    endings: Mapping[UnitId, Ending[T]],
    stop: Stop,
) -> list[tuple[UnitId, Skipped]]:
    """Return the units that will not run any more; topological, so that one pass reaches all downstream."""
    ended = {unit for unit, end in endings.items() if isinstance(end, Failed | Skipped)}
    blocked: list[tuple[UnitId, Skipped]] = []
    for unit in waiting:
        blockers = tuple(need for need in needs[unit] if need in ended)
        if blockers or stop.requested:
            ended.add(unit)
            blocked.append((unit, Skipped(because=blockers)))
    return blocked


def _ending(
    work: Callable[[UnitId, Mapping[UnitId, T]], T], unit: UnitId, done: Mapping[UnitId, T]
) -> Ending[T]:
    started = clock.seconds()
    try:
        value = work(unit, done)
    except OrchestratorError as error:
        return Failed(error=error, seconds=clock.seconds() - started)
    except Exception as error:  # noqa: BLE001 - one unit's bug must not lose the others' outcomes
        log.logger().exception("unit crashed", unit=unit)
        return Failed(error=unexpected(error), seconds=clock.seconds() - started)
    return Done(value=value, seconds=clock.seconds() - started)


def values(endings: Mapping[UnitId, Ending[T]]) -> dict[UnitId, T]:
    """Return what the units that are done returned."""
    return {unit: end.value for unit, end in endings.items() if isinstance(end, Done)}
