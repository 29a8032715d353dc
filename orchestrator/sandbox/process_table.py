"""Which processes of a sandbox are alive, and how they are ended.

A sandbox's processes are found by their command lines alone, in which its directory stands. So they are found
when the record of them is damaged or was never written, and a process id that now belongs to a stranger is
never taken for one of them.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator import clock, processes
from orchestrator.errors import SandboxError
from orchestrator.processes import Command, Limits, Stop
from orchestrator.sandbox.components import mark
from orchestrator.sandbox.layout import Component, Layout

_PROC = Path("/proc")
_GRACE_SECONDS = 3.0
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.02
_ENDED_STATES = frozenset("ZX")  # proc(5): zombie and dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of this machine: its id and its command line, joined by spaces."""

    id: int
    command: str


def living(layout: Layout) -> Mapping[Component, tuple[int, ...]]:
    """Return the process ids per component that are alive; components without any are left out.

    More than one process of a component is left from a start that was killed half-way.
    """
    found: dict[Component, list[int]] = {}
    for process in _all_processes():
        component = component_of(process.command, layout)
        if component is not None:
            found.setdefault(component, []).append(process.id)
    return {
        component: tuple(sorted(found[component])) for component in Component if component in found
    }


def component_of(command: str, layout: Layout) -> Component | None:
    """Return which component of this very sandbox a command line is, or None. Pure.

    The name must be that of the program or its first argument: an editor with the kubeconfig open, or a
    client that uses it, is none.
    """
    if str(layout.directory) not in command:
        return None  # nearly every process of a machine
    for component in Component:
        if f" {mark(component, layout)} " in f"{command} " and component in _names(command):
            return component
    return None


def end(layout: Layout) -> None:
    """End every process of the sandbox.

    Clients go before the API server, and that before etcd: the other way round it hangs on its shutdown.
    Raises SandboxError when one cannot be ended.
    """
    # Without etcd the API server would try in vain to shut down in an orderly way.
    ladder = _LADDER if Component.ETCD in living(layout) else _LADDER[1:]
    for group in _STOP_ORDER:
        _end_group(layout, group, ladder)


_STOP_ORDER = (
    frozenset({Component.KWOK, Component.SCHEDULER, Component.CONTROLLER_MANAGER}),
    frozenset({Component.API_SERVER}),
    frozenset({Component.ETCD}),
)


_LADDER = ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, _KILL_SECONDS))


def _end_group(
    layout: Layout, group: frozenset[Component], ladder: tuple[tuple[signal.Signals, float], ...]
) -> None:
    for number, patience in ladder:
        members = _members(layout, group)
        for component, process in members:
            _signal(component, process, number)
        if _wait_until_ended(frozenset(process for _, process in members), patience):
            return
    names = ", ".join(
        f"{component} (process {process})" for component, process in _members(layout, group)
    )
    raise SandboxError(f"cannot end {names}", hint="end it by hand, then run this again")


def _members(layout: Layout, group: frozenset[Component]) -> list[tuple[Component, int]]:
    return [
        (component, process)
        for component, ids in living(layout).items()
        if component in group
        for process in ids
    ]


def _signal(component: Component, process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise SandboxError(
            f"cannot end {component}: process {process} belongs to another user",
            hint="run this as the user who started the sandbox",
        ) from error


def _wait_until_ended(processes: frozenset[int], patience: float) -> bool:
    deadline = clock.seconds() + patience
    pause = Stop()
    while not all(map(_has_ended, processes)):
        if clock.seconds() > deadline:
            return False
        pause.wait(_POLL_SECONDS)
    return True


def _has_ended(process: int) -> bool:
    """Whether a process has let go of its ports and files; its command line is gone before that."""
    try:
        state = (_PROC / str(process) / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:  # ended, or a system without /proc
        return not processes.exists(process)
    return state in _ENDED_STATES


def _names(command: str) -> tuple[str, ...]:
    """Return the words before the first flag, without their folders."""
    words = command.partition(" --")[0].split(" ")
    return tuple(word.rpartition("/")[2] for word in words)


def _all_processes() -> Iterator[Process]:
    if (_PROC / "self" / "cmdline").exists():
        return _from_proc()
    return _from_ps()


def _from_proc() -> Iterator[Process]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        # Gone in this very moment, or of another user who hides it. A zombie's command line is empty.
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            yield Process(
                id=int(entry.name), command=b" ".join(words).decode(errors="replace").strip()
            )


def _from_ps() -> Iterator[Process]:
    """Ask ``ps``, on systems without ``/proc``."""
    command = Command(
        argv=("ps", "-axww", "-o", "pid=,command="),
        directory=Path("/"),
        environment={"PATH": os.defpath},
    )
    for line in processes.run(command, limits=Limits(timeout=10)).stdout.splitlines():
        number, _, text = line.strip().partition(" ")
        yield Process(id=int(number), command=text.strip())
