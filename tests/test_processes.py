"""Children end when they are asked to, leave nothing behind, and say what they have to say."""

import os
import pty
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import processes
from orchestrator.processes import Command, Limits, ProgramMissing, Stop


@pytest.fixture
def python(tmp_path: Path) -> Callable[[str], Command]:
    """Return a maker of commands that run a piece of Python."""
    environment = {"PATH": os.environ["PATH"]}

    def command(program: str) -> Command:
        argv = (sys.executable, "-u", "-c", program)
        return Command(argv=argv, directory=tmp_path, environment=environment)

    return command


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _ends(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_captures_output_and_exit_code(python: Callable[[str], Command]) -> None:
    """Both streams are kept apart."""
    ended = processes.run(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    )

    assert (ended.code, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


def test_keeps_no_more_than_it_is_told(python: Callable[[str], Command]) -> None:
    """What writes without end does not fill our memory, and half of a document is not taken for all of it."""
    much = python("print('x' * 1000, end='')")

    ended = processes.run(much, limits=Limits(output=999))

    assert (len(ended.stdout), ended.capped) == (999, True)
    assert not processes.run(much, limits=Limits(output=1000)).capped


def test_what_writes_without_end_is_interrupted(
    python: Callable[[str], Command], tmp_path: Path
) -> None:
    """The disk is not ours alone. Whoever asks it to stop all the same is heard, and told that it was they."""
    flood = "while True: print('x' * 1000)"
    limits, stop = Limits(written=100_000, grace=5), Stop()

    def ended() -> processes.Completed:
        command = python(f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\n{flood}")
        return processes.stream(
            command, sink=tmp_path / "out", on_line=lambda _: None, limits=limits, stop=stop
        )

    assert (flooded := ended()).flooded
    assert not flooded.interrupted
    stop.request()
    assert (asked := ended()).interrupted
    assert not asked.flooded


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="memory is read from /proc")
def test_what_takes_too_much_memory_is_ended(python: Callable[[str], Command]) -> None:
    """What a child started counts too; one that keeps within its bounds is left alone."""
    grandchild = "x = bytearray(150 << 20); import time; time.sleep(60)"
    greedy = python(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    )
    ended = processes.run(greedy, limits=Limits(memory=100 << 20, grace=0.1, second_grace=0.1))
    assert (ended.exceeded, ended.timed_out, ended.interrupted) == (True, False, False)

    modest = python("x = bytearray(10 << 20); import time; time.sleep(1.2); print('done')")
    ended = processes.run(modest, limits=Limits(memory=100 << 20))
    assert (ended.exceeded, ended.stdout) == (False, "done\n")


def test_gives_a_child_only_the_environment_that_was_chosen(
    python: Callable[[str], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this process knows is not for every child."""
    monkeypatch.setenv("SECRET_OF_OURS", "x")

    assert (
        "SECRET_OF_OURS" not in processes.run(python("import os; print(dict(os.environ))")).stdout
    )


def test_hands_on_lines_while_the_child_runs(
    python: Callable[[str], Command], tmp_path: Path
) -> None:
    """Progress is live: the child goes on only when its first line was seen."""
    seen: list[str] = []
    gate = tmp_path / "gate"

    def on_line(line: str) -> None:
        seen.append(line)
        gate.touch()

    program = f"""
import pathlib, time
print("first")
while not pathlib.Path({str(gate)!r}).exists():
    time.sleep(0.01)
print("second", end="")
"""
    ended = processes.stream(
        python(program), sink=tmp_path / "out", on_line=on_line, limits=Limits(timeout=20)
    )

    assert (ended.code, seen) == (0, ["first", "second"])
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_what_is_asked_of_all_is_asked_of_each() -> None:
    """A request to stop one thing stops that alone; one to stop everything stops it too, and hurries as well."""
    above = Stop()
    one, other = Stop(above=above), Stop(above=above)
    one.request()
    assert (one.requested, other.requested, above.requested) == (True, False, False)
    above.request()
    assert (one.requests, other.requests, other.requested) == (2, 1, True)


def test_interrupts_once_and_is_patient(python: Callable[[str], Command], tmp_path: Path) -> None:
    """A child that saves its state on the first interrupt is left to do so."""
    stop, ready = Stop(), tmp_path / "ready"
    program = f"""
import pathlib, signal, sys, time
def save(*_):
    time.sleep(0.3)
    print("saved")
    sys.exit(1)
signal.signal(signal.SIGINT, save)
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    ended: list[processes.Completed] = []
    thread = threading.Thread(
        target=lambda: ended.append(
            processes.run(python(program), limits=Limits(grace=20), stop=stop)
        )
    )
    thread.start()
    _wait_for(ready.exists)
    stop.request()
    thread.join(20)

    assert (ended[0].code, ended[0].stdout, ended[0].interrupted) == (1, "saved\n", True)


def test_kills_a_child_that_ignores_interrupts_with_all_that_it_started(
    python: Callable[[str], Command], tmp_path: Path
) -> None:
    """Interrupt, interrupt, kill: nothing of the group survives."""
    numbers = tmp_path / "numbers"
    program = f"""
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path({str(numbers)!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(60)
"""
    limits = Limits(timeout=1.0, grace=0.1, second_grace=0.1)
    ended = processes.run(python(program), limits=limits)

    assert ended.timed_out
    assert ended.code == -signal.SIGKILL
    for number in map(int, numbers.read_text().split()):
        _wait_for(lambda number=number: _ends(number))  # type: ignore[misc]


def test_ends_what_a_child_leaves_running(python: Callable[[str], Command]) -> None:
    """A provider that outlives Terraform would hold locks and change things unseen."""
    program = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)
"""
    left = int(processes.run(python(program)).stdout)

    _wait_for(lambda: _ends(left))


def test_a_second_request_to_stop_hurries(python: Callable[[str], Command], tmp_path: Path) -> None:
    """Somebody who asks twice does not want to wait for the grace."""
    stop, got = Stop(), tmp_path / "got"
    program = f"""
import pathlib, signal, sys, time
seen = []
def count(*_):
    seen.append(1)
    pathlib.Path({str(got)!r}).write_text(str(len(seen)))
    if len(seen) == 2:
        sys.exit(7)
signal.signal(signal.SIGINT, count)
pathlib.Path({str(got)!r}).write_text("0")
while True:
    time.sleep(0.05)
"""
    ended: list[processes.Completed] = []
    limits = Limits(grace=60, second_grace=60)
    thread = threading.Thread(
        target=lambda: ended.append(processes.run(python(program), limits=limits, stop=stop))
    )
    thread.start()
    _wait_for(lambda: got.exists() and got.read_text() == "0")
    stop.request()
    _wait_for(lambda: got.read_text() == "1")
    stop.request()
    thread.join(20)

    assert ended[0].code == 7


def test_says_what_cannot_be_run(tmp_path: Path) -> None:
    """A missing program and a missing directory are told apart."""
    with pytest.raises(ProgramMissing, match="cannot run no-such-program"):
        processes.run(Command(argv=("no-such-program",), directory=tmp_path, environment={}))
    with pytest.raises(ProgramMissing, match=r"directory .*gone is missing"):
        processes.run(
            Command(argv=("true",), directory=tmp_path / "gone", environment={"PATH": "/bin"})
        )


_COUNTING = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
heard = [signal.sigtimedwait({signal.SIGINT}, seconds) for seconds in (20, 1)]
open("heard", "w").write(str(sum(map(bool, heard))))
"""
_ATTACHING = f"""
import os, pathlib, sys
from orchestrator.cli.signals import stopping_on_signals
from orchestrator.processes import Command, Stop, attach
stop = Stop()
argv = (sys.executable, "-c", {_COUNTING!r})
command = Command(argv=argv, directory=pathlib.Path("."), environment=dict(os.environ))
with stopping_on_signals(stop):
    attach(command, stop=stop)
"""


def _on_terminal(directory: Path, redirected: str, ask: Callable[[int, int], object]) -> str:
    """Attach a child on a terminal of its own, ask it to stop when it is ready; return how often it was interrupted."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(directory)
        script = f'exec "$0" -c "$1" {redirected}'
        os.execvp("sh", ("sh", "-c", script, sys.executable, _ATTACHING))  # noqa: S606  quoted above
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1024)
    ask(process, terminal)
    os.waitpid(process, 0)
    os.close(terminal)
    return (directory / "heard").read_text()


def _press_interrupt(_process: int, terminal: int) -> None:
    os.write(terminal, b"\x03")


def _terminate(process: int, _terminal: int) -> None:
    os.kill(process, signal.SIGTERM)


@pytest.mark.parametrize("redirected", ["", "</dev/null"])
@pytest.mark.parametrize("ask", [_press_interrupt, _terminate])
def test_an_attached_child_is_interrupted_once(
    tmp_path: Path, redirected: str, ask: Callable[[int, int], object]
) -> None:
    """A key reaches it by itself, a signal to us alone is passed on, wherever stdin leads: twice would be too often."""
    assert _on_terminal(tmp_path, redirected, ask) == "1"
