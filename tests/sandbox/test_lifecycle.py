"""Up, status and down, each with a control plane of its own."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted, SandboxError, StorageError, UsageError
from orchestrator.processes import Stop
from orchestrator.sandbox import (
    Component,
    Sandbox,
    SandboxStatus,
    down,
    kubeconfig_path,
    status,
    up,
)
from orchestrator.settings import Settings
from tests.sandbox.client import client_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("sandbox_programs")]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Return the directory of a sandbox that is ended after the test."""
    path = tmp_path / "a sandbox"
    yield path
    down(path, on_progress=_ignore, stop=Stop())


def _ignore(_: str) -> None:
    pass


def _up(
    directory: Path, *, on_progress: Callable[[str], None] = _ignore, stop: Stop | None = None
) -> Sandbox:
    return up(directory, Settings.read(), on_progress=on_progress, stop=stop or Stop())


def _down(directory: Path) -> bool:
    return down(directory, on_progress=_ignore, stop=Stop())


def _processes(directory: Path) -> list[int]:
    """Return every process whose command line or working directory names a directory."""
    named = str(directory).encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and named in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _kill_all(directory: Path) -> None:
    processes = _processes(directory)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    _when(lambda: not any(Path(f"/proc/{process}").exists() for process in processes), lambda: None)


def _process(directory: Path, component: Component) -> int:
    return (
        next(part.process for part in status(directory).components if part.component is component)
        or 0
    )


def _config_map(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}}


# Starts a sandbox as a process of its own, and goes on with what is added.
_STARTED = """\
import os, signal, sys
from pathlib import Path
from orchestrator.processes import Stop
from orchestrator.sandbox import up
from orchestrator.settings import Settings
up(Path(sys.argv[1]), Settings.read(), on_progress=lambda _: None, stop=Stop())
"""
_CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def test_up_is_idempotent(sandbox: Sandbox) -> None:
    """Another `up` finds the sandbox ready, and starts nothing."""
    before = status(sandbox.directory)
    assert _up(sandbox.directory) == sandbox
    assert status(sandbox.directory) == before
    assert before.is_up
    assert before.is_ready
    assert before.dead == ()
    assert [part.component for part in before.components if part.is_alive] == list(Component)
    assert {part.component for part in before.components if part.port} == {Component.API_SERVER}
    assert sandbox.kubeconfig == kubeconfig_path(sandbox.directory)
    assert client_of(sandbox.kubeconfig).get("/version")["gitVersion"].startswith("v1.")


def test_only_the_owner_and_one_port_of_loopback(directory: Path) -> None:
    """Folders are 0700 and files 0600; the one port that is open listens on 127.0.0.1."""
    _up(directory)
    modes = {
        (path, stat.S_IMODE(path.stat().st_mode)) for path in (directory, *directory.rglob("*"))
    }
    assert {(path, mode) for path, mode in modes if mode & 0o077} == set()
    listening = {address for process in _processes(directory) for address in _listening(process)}
    port = status(directory).server.rpartition(":")[2]
    assert listening == {f"0100007F:{int(port):04X}"}
    _take_the_port(directory, int(port))
    _take_the_port_in_between(directory)
    shutil.rmtree(directory)
    assert _down(directory)  # the processes of a sandbox whose directory somebody removed are found
    assert _processes(directory) == []


def _take_the_port(directory: Path, port: int) -> None:
    """Check that a restart, which keeps its port, takes a free one when another program has it by then."""
    _kill_all(directory)
    with socket.create_server(("127.0.0.1", port)):
        assert _up(directory).server != f"https://127.0.0.1:{port}"


def _take_the_port_in_between(directory: Path) -> None:
    """Check the same for a port that somebody takes after it was found free."""
    _kill_all(directory)
    port = int(json.loads((directory / "sandbox.json").read_text())["port"])
    log = directory / "logs" / "kube-apiserver.log"
    with socket.socket() as stranger:
        # Bound without listening, with the option that servers set: it looks free until it listens.
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        log.unlink()
        watcher = threading.Thread(target=_when, args=(log.exists, stranger.listen), daemon=True)
        watcher.start()
        assert _up(directory).server != f"https://127.0.0.1:{port}"
        watcher.join()


def _listening(process: int) -> Iterator[str]:
    """Yield the TCP addresses on which a process listens, as /proc/net/tcp shows them."""
    sockets = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            sockets.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1]


def test_several_run_side_by_side(directory: Path, tmp_path: Path) -> None:
    """Two sandboxes that start at once have ports and objects of their own, and end apart.

    After `down` there is no process and no file; a second one has nothing to do.
    """
    other = tmp_path / "other"
    try:
        with ThreadPoolExecutor() as pool:
            first, second = pool.map(_up, (directory, other))
        assert first.server != second.server
        client_of(first.kubeconfig).create(_CONFIG_MAPS, _config_map("mine"))
        code, _ = client_of(second.kubeconfig).request("GET", f"{_CONFIG_MAPS}/mine")
        assert code == 404
        assert _processes(other)
    finally:
        assert _down(other)
    assert _processes(other) == []
    assert not other.exists()
    assert not _down(other)
    assert not status(other).is_up
    assert status(directory).is_ready


def test_two_starts_of_one_sandbox(directory: Path) -> None:
    """Of two `up`s at once one starts it and the other waits, says for whom, and gets the same.

    A file that somebody else put into the directory survives `down`.
    """
    told: list[str] = []
    with ThreadPoolExecutor() as pool:
        starts = [pool.submit(_up, directory, on_progress=told.append) for _ in range(2)]
    assert starts[0].result() == starts[1].result()
    assert told.count("starting the control plane") == 1
    assert any(text.startswith(f"waiting: process {os.getpid()} (since ") for text in told)
    (directory / "notes").write_text("mine")
    assert _down(directory)
    assert [path.name for path in directory.iterdir()] == ["notes"]


def test_a_directory_with_other_things_is_refused(tmp_path: Path) -> None:
    """`up` does not settle in a directory of somebody else, and `down` removes nothing from one."""
    (tmp_path / "kubeconfig").write_text("mine")
    with pytest.raises(UsageError, match="is not a sandbox, and not an empty directory"):
        _up(tmp_path)
    assert not _down(tmp_path)
    assert (tmp_path / "kubeconfig").read_text() == "mine"


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the directory, or a folder on the way to it, should be ends with a clear message."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not an empty directory"):
        _up(tmp_path / "file")
    with pytest.raises(StorageError, match=r"cannot use .* for the sandbox: Not a directory"):
        _up(tmp_path / "file" / "sandbox")


def test_a_dead_component_is_named(directory: Path) -> None:
    """A component that died is named with the end of its log; `up` starts again, with port and data."""
    before = _up(directory)
    client_of(before.kubeconfig).create(_CONFIG_MAPS, _config_map("kept"))
    os.kill(_process(directory, Component.SCHEDULER), signal.SIGKILL)
    current = _eventually_not_ready(directory)
    assert current.is_up
    assert [part.component for part in current.dead] == [Component.SCHEDULER]
    assert "Starting Kubernetes Scheduler" in current.dead[0].log_end
    told: list[str] = []
    assert _up(directory, on_progress=told.append) == before
    assert told[0].startswith("no longer running: kube-scheduler;")
    assert client_of(before.kubeconfig).get(f"{_CONFIG_MAPS}/kept")
    _damage(directory)


def _damage(directory: Path) -> None:
    """Check what is told of a component that dies at the start: its exit code, the end of its log; data stays."""
    _kill_all(directory)
    (directory / "etcd" / "member" / "snap" / "db").write_bytes(b"damaged" * 10_000)
    with pytest.raises(
        SandboxError, match=r"etcd (exited with code|was ended by signal)"
    ) as caught:
        _up(directory)
    assert caught.value.detail
    assert "sandbox down" in caught.value.hint
    assert _processes(directory) == []
    assert (directory / "etcd").exists()
    assert _down(directory)  # which removes a sandbox none of whose processes is left
    assert not directory.exists()


def _eventually_not_ready(directory: Path) -> SandboxStatus:
    pause = threading.Event()
    while (current := status(directory)).is_ready:
        pause.wait(0.02)
    return current


def test_a_damaged_record_is_repaired(directory: Path) -> None:
    """Without a readable record the sandbox is not ready; `up` replaces it without leaving its processes.

    The end of the process that started it, and of its terminal, does not end a sandbox; `down` needs no
    readable record.
    """
    ended = subprocess.run(
        (sys.executable, "-c", f"{_STARTED}os.killpg(0, signal.SIGHUP)\n", str(directory)),
        start_new_session=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGHUP
    assert status(directory).is_ready
    old = set(_processes(directory))
    (directory / "sandbox.json").write_text('{"format": ')
    assert status(directory).is_up
    assert not status(directory).is_ready
    assert _up(directory).server
    assert old.isdisjoint(_processes(directory))
    (directory / "sandbox.json").write_text("")
    assert _down(directory)
    assert _processes(directory) == []
    assert not directory.exists()


def test_a_first_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A sandbox that never was leaves no process and no file when a component of it cannot run."""
    assets = tmp_path / "assets"
    assets.mkdir()
    for component in Component:
        program = assets / component
        program.write_text(f"#!/bin/sh\necho {component} is broken >&2\nexit 3\n")
        program.chmod(0o755)
    directory = tmp_path / "sandbox"
    settings = replace(Settings.read(), kubebuilder_assets=assets)
    with pytest.raises(SandboxError, match="etcd exited with code 3") as caught:
        up(directory, settings, on_progress=_ignore, stop=Stop())
    assert caught.value.detail == "etcd is broken"
    assert caught.value.hint == f"the programs come from KUBEBUILDER_ASSETS ({assets})"
    assert not directory.exists()


@pytest.mark.parametrize("component", [Component.ETCD, Component.API_SERVER, Component.KWOK])
def test_an_interrupt_leaves_nothing(directory: Path, component: Component) -> None:
    """A start that is interrupted once a component runs ends them all and removes the directory."""
    stop = Stop()
    log = directory / "logs" / f"{component}.log"
    watcher = threading.Thread(target=_when, args=(log.exists, stop.request), daemon=True)
    watcher.start()
    with pytest.raises(Interrupted):
        _up(directory, stop=stop)
    watcher.join()
    assert _processes(directory) == []
    assert not directory.exists()


def _when(holds: Callable[[], bool], act: Callable[[], None]) -> None:
    pause = threading.Event()
    while not holds():
        pause.wait(0.005)
    act()


def test_a_start_that_was_killed(directory: Path) -> None:
    """What a killed `up` has left running is found by the next `down`."""
    with subprocess.Popen((sys.executable, "-c", _STARTED, str(directory))) as child:
        _when((directory / "logs" / "kube-apiserver.log").exists, child.kill)
    assert _processes(directory)
    assert _down(directory)
    assert _processes(directory) == []
    assert not directory.exists()
