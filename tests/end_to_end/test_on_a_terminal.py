"""On a terminal there is a live tree, colours and a question; elsewhere there are plain lines."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from tests.end_to_end.world import World, small_stack
from tests.forked.command import ORCHESTRATOR

pytestmark = pytest.mark.integration

_PATIENCE = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(slots=True)
class Terminal:
    """A terminal of 80 columns with a command in it."""

    process: subprocess.Popen[bytes]
    handle: int
    raw: str = ""
    seen: str = field(default="")

    def wait_for(self, text: str) -> str:
        """Return what is shown up to and with ``text``, without colours and movements of the cursor."""
        deadline = time.monotonic() + _PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} never came:\n{self.seen}"
            self._read()
        return self.seen

    def end(self) -> int:
        """Wait for the command to end and return its exit code."""
        deadline = time.monotonic() + _PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.seen
        return self.process.wait(_PATIENCE)

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self.handle, keys.encode())

    def _read(self) -> bool:
        ready, _, _ = select.select([self.handle], [], [], 1.0)
        if not ready:
            return True
        data = b""
        with suppress(OSError):  # how Linux tells that nobody has the other end open any more
            data = os.read(self.handle, 65536)
        self.raw += data.decode(errors="replace")
        self.seen = _ESCAPES.sub("", self.raw).replace("\r\n", "\n")
        return bool(data)


@contextmanager
def on_terminal(world: World, *arguments: str) -> Iterator[Terminal]:
    """Run the command on a terminal of its own; it is killed at the end if it still runs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    # A new session alone has no terminal: the command is started by one that takes it, for ^C to reach it.
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        (sys.executable, "-c", take, ORCHESTRATOR, *arguments),
        cwd=world.root,
        env={**world.variables, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process=process, handle=ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_apply_shows_the_plan_asks_and_applies_on_yes(world: World) -> None:
    """Units and timings are drawn while they run, changes in colour, and only 'yes' goes ahead."""
    small_stack(world)

    with on_terminal(world, "apply", world.name) as terminal:
        shown = terminal.wait_for("Only 'yes' goes ahead")
        assert "modules.base" in shown
        assert not world.exists("ConfigMap", "platform")
        terminal.type("yes\n")
        code = terminal.end()

    assert code == 0, terminal.seen
    assert "\x1b[32m" in terminal.raw  # what is created is green
    assert re.search(r"✓ manifests\.shop +applied \d+\.\d s", terminal.seen)
    assert "Applied" in terminal.seen
    assert world.exists("ConfigMap", "platform")
    assert max(map(len, terminal.seen.splitlines())) <= 160


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n"])
def test_any_other_answer_changes_nothing(world: World, answer: str) -> None:
    """A thumb on the return key is no consent."""
    small_stack(world)

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        terminal.type(answer)
        code = terminal.end()

    assert code == 1
    assert "nothing was changed" in terminal.seen
    assert not world.exists("ConfigMap", "platform")
    assert world.ledger() == []


def test_an_interrupt_at_the_question_changes_nothing(world: World) -> None:
    """^C is an answer too."""
    small_stack(world)

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        terminal.type("\x03")
        code = terminal.end()

    assert code == 130, terminal.seen
    assert not world.exists("ConfigMap", "platform")
    assert world.ledger() == []
    assert world.locks() == ""


def test_the_world_is_looked_at_again_after_the_question(world: World) -> None:
    """While somebody thought about the answer, somebody else changed the cluster: nothing is done."""
    small_stack(world)
    world.apply()
    world.write(
        "platform/texts.yaml",
        (world.root / "stacks" / world.name / "platform/texts.yaml")
        .read_text()
        .replace("plain", "fancy"),
    )
    world.commit("Change a text")

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        path = f"/api/v1/namespaces/{world.name}/configmaps/greeting"
        world.cluster.request("DELETE", path)
        terminal.type("yes\n")
        code = terminal.end()

    assert code == 1, terminal.seen
    assert "changed since the plan was made" in " ".join(terminal.seen.split())
    assert world.data("platform") == {"text": "plain"}


def test_a_plan_in_a_pipe_has_no_colours(world: World) -> None:
    """What goes into a file or a program is text alone."""
    small_stack(world)

    assert "\x1b" not in world.plan().said


def test_no_color_is_honoured_on_a_terminal(world: World) -> None:
    """Whoever wants no colours anywhere says so in one variable."""
    small_stack(world)
    plain = replace(world, variables={**world.variables, "NO_COLOR": "1"})

    for user, coloured in ((world, True), (plain, False)):
        with on_terminal(user, "plan", world.name) as terminal:
            assert terminal.end() == 0, terminal.seen
        assert ("\x1b[32m" in terminal.raw) is coloured


def test_a_closed_terminal_stops_the_run(world: World) -> None:
    """A connection that breaks sends a hangup: what runs ends as it does on an interrupt."""
    small_stack(world)

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        terminal.process.send_signal(signal.SIGHUP)
        code = terminal.end()

    assert code != 0
    assert world.ledger() == []
