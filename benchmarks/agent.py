"""The agent: what it takes while nothing moves, what one look at 1,000 objects costs, and how soon a commit is applied.

An agent of 50 stacks is left alone for two and a half minutes at a time. It looks at all of them every two minutes,
which is more than twice as often as by default, so that each of these times holds at least one such look; it asks the
remote every minute, as by default. Then one object changes in one of the stacks, and time counts from the webhook until
the agent tells that it was applied, which is after it was recorded on the remote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.agents import REPOSITORY, Agent, Place, applied, free_port, running, timeline
from benchmarks.flux import CONTROLLER, find_controller, keeping
from benchmarks.kubernetes import EVERY_KIND, requests_served
from benchmarks.measuring import Bench, Limit, Row, Unit, take_turns
from benchmarks.objects import NAMESPACE, write_objects
from benchmarks.profiling import explain
from benchmarks.running import ORCHESTRATOR, Command, Failed, tell
from benchmarks.stages import fresh_sandbox
from orchestrator.agent.children import carry_out, children_of
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.work.order import Order
from orchestrator.processes import Stop
from orchestrator.settings import Settings

_STACKS, _OBJECTS_EACH = 50, 40
_OBJECTS = 1_000
_IDLE_SECONDS = 150.0
_IDLE_TIMES = 3
_FLUX_TIMES = 3
_LOOKS = "2m"  # by default it is five minutes
_LOOK_SECONDS = 0.5
_TOUCHED = "stack-07"
_STACK = """\
version: 1
name: {name}
cluster: {{sandbox: true}}
manifests:
  objects: {{path: objects, namespace: {namespace}}}
"""
_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
"""
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings-{number:02}}}
data: {{text: "{text}"}}
"""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of an idle agent, those of commits, and those of a look."""
    with fresh_sandbox(bench.directory / "sandbox") as sandbox:
        many = Place(directory=bench.directory / "many", sandbox=sandbox)
        _write_many(many.checkout, "before")
        with _begun(many, stacks=_STACKS, looks=_LOOKS) as agent:
            yield from _idle(bench, agent)
            yield _commit(bench, agent, many)
    with fresh_sandbox(bench.directory / "other") as sandbox:
        big = Place(directory=bench.directory / "big", sandbox=sandbox)
        _write_big(big.checkout, changed=0)
        with _begun(big, stacks=1) as agent:
            ours = _commit_of_big(bench, agent, big)
        looks = [*_looks(bench, big)]
    yield replace(ours, raw=_flux(bench), raw_name=CONTROLLER.title)
    yield from looks


def _idle(bench: Bench, agent: Agent) -> Iterator[Row]:
    times = min(bench.rounds, _IDLE_TIMES)
    alone = [_left_alone(agent, f"{number + 1} of {times}") for number in range(times)]
    yield Row(
        name=f"an idle agent of {_STACKS} stacks, of one core",
        unit=Unit.PERCENT,
        ours=tuple(each.percent for each in alone),
        limit=Limit(most=2.0),
        explain=partial(_parts, agent),
    )
    yield Row(
        name=f"an idle agent of {_STACKS} stacks, memory at the most",
        unit=Unit.MEGABYTES,
        ours=tuple(each.megabytes for each in alone),
        limit=Limit(most=150.0),
        explain=partial(_parts, agent),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alone:
    """What an agent took while nothing moved: percent of one core, and megabytes at the most."""

    percent: float
    megabytes: float


def _left_alone(agent: Agent, which: str) -> _Alone:
    tell(f"leaving the agent alone for {_IDLE_SECONDS:.0f} seconds, {which}")
    began, spent, most = time.monotonic(), agent.processor_seconds(), 0.0
    while time.monotonic() - began < _IDLE_SECONDS:
        most = max(most, agent.megabytes())
        time.sleep(_LOOK_SECONDS)
    share = (agent.processor_seconds() - spent) / (time.monotonic() - began)
    return _Alone(percent=share * 100, megabytes=most)


def _parts(agent: Agent) -> tuple[str, ...]:
    return tuple(f"{each}" for each in agent.parts())


def _commit(bench: Bench, agent: Agent, place: Place) -> Row:
    def change(number: int) -> None:
        _write_stack(place.checkout, _TOUCHED, f"round {number}")

    return _commits(bench, agent, place, change, name=f"1 of {_STACKS} stacks, 1 of 2,000 objects")


def _commit_of_big(bench: Bench, agent: Agent, place: Place) -> Row:
    def change(number: int) -> None:
        _write_big(place.checkout, changed=number % 2)

    return _commits(bench, agent, place, change, name=f"1 of {_OBJECTS:,} objects of a stack")


def _flux(bench: Bench) -> tuple[float, ...]:
    """Return how soon the other controller has the same change of the same objects applied, a sandbox of its own."""
    controller = find_controller(Settings.read())
    objects = bench.directory / "flux" / "objects"
    with fresh_sandbox(bench.directory / "third") as sandbox:
        _write_objects(objects, changed=0)
        with keeping(objects, bench.directory / "flux", sandbox, controller) as flux:
            tell("the same for Flux")
            flux.bring(0)
            samples = []
            for number in range(1, min(bench.rounds, _FLUX_TIMES) + 2):
                _write_objects(objects, changed=number % 2)
                samples.append(flux.bring(number))
    return tuple(samples[1:])  # the first one fills caches


def _commits(
    bench: Bench, agent: Agent, place: Place, change: Callable[[int], None], *, name: str
) -> Row:
    samples, told = [], list[str]()
    for number in range(1, bench.rounds + 2):
        change(number)
        revision, before = place.push(), len(agent.told())
        began = time.time()
        agent.call()
        agent.await_told(partial(_is_applied, revision=revision), "a commit to be applied")
        if number > 1:  # the first one fills caches
            samples.append(time.time() - began)
        told = timeline(agent.told()[before:], since=began)
    return Row(
        name=f"from the webhook until applied, {name}",
        ours=tuple(samples),
        limit=Limit(most=2.0),
        explain=partial(tuple, told),
    )


def _is_applied(lines: list[dict[str, Any]], revision: str) -> bool:
    return applied(lines, revision) > 0


def _looks(bench: Bench, place: Place) -> Iterator[Row]:
    settings = replace(Settings.read(), environment=place.environment)
    key = Key(repository=REPOSITORY, stack="big", environment="default")
    order = Order(
        configuration=load_configuration(place.file, settings),
        task=Task.PATROL,
        key=Key(repository=REPOSITORY),
        revision=place.git("rev-parse", "HEAD").strip(),
        looks=(key,),
    )
    requests = []
    with children_of(settings, soon=True) as children:

        def look() -> None:
            before = requests_served(place.sandbox.kubeconfig, EVERY_KIND)
            found = carry_out(order, children, Stop())
            requests.append(float(requests_served(place.sandbox.kubeconfig, EVERY_KIND) - before))
            if found.astray or found.error:
                message = f"a look found {found.astray or found.error}"
                raise Failed(message)

        (samples,) = take_turns(bench.rounds, look)
    by_hand = Command(
        argv=(ORCHESTRATOR, "-C", str(order.clone), *order.arguments),
        directory=place.directory,
        variables={"ORCHESTRATOR_SANDBOX": str(place.sandbox.directory)},
    )
    told = explain(by_hand)  # while the sandbox is there
    yield Row(
        name=f"a look of the agent at {_OBJECTS:,} objects, nothing to do",
        ours=samples,
        limit=Limit(most=0.5),
        explain=lambda: told,
    )
    yield Row(
        name=f"requests of a look of the agent at {_OBJECTS:,} objects",
        unit=Unit.REQUESTS,
        ours=tuple(requests[1:]),
        limit=Limit(most=12),
        explain=lambda: told,
    )


@contextmanager
def _begun(place: Place, *, stacks: int, looks: str | None = None) -> Iterator[Agent]:
    """Have an agent that applied all of its stacks."""
    port = free_port()
    place.begin(port, looks=looks)
    revision = place.git("rev-parse", "HEAD").strip()
    with running(place, port) as agent:
        tell(f"applying {stacks} stacks for the first time")
        agent.await_told(lambda lines: applied(lines, revision) == stacks, "the first applies")
        yield agent


def _write_many(checkout: Path, text: str) -> None:
    for number in range(_STACKS):
        _write_stack(checkout, f"stack-{number:02}", text)


def _write_stack(checkout: Path, name: str, text: str) -> None:
    """Write a stack of a namespace and ConfigMaps, one of which has the text."""
    folder = checkout / "stacks" / name
    _write(folder / "stack.yaml", _STACK.format(name=name, namespace=name))
    _write(folder / "objects" / "namespace.yaml", _NAMESPACE.format(name=name))
    for number in range(1, _OBJECTS_EACH):
        said = text if number == 1 else "as it was"
        document = _CONFIG_MAP.format(number=number, text=said)
        _write(folder / "objects" / f"settings-{number:02}.yaml", document)


def _write_big(checkout: Path, *, changed: int) -> None:
    folder = checkout / "stacks" / "big"
    _write_objects(folder / "objects", changed=changed)
    _write(folder / "stack.yaml", _STACK.format(name="big", namespace=NAMESPACE))


def _write_objects(folder: Path, *, changed: int) -> None:
    write_objects(folder, _OBJECTS, changed=changed)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
