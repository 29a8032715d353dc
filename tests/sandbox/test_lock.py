"""A lock names its holder, dies with it, and survives the removal of its file."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted
from orchestrator.processes import Stop
from orchestrator.sandbox.lock import exclusive

_HOLD = (
    "import sys; from pathlib import Path; from orchestrator.processes import Stop\n"
    "from orchestrator.sandbox.lock import exclusive\n"
    "with exclusive(Path(sys.argv[1]), what='', on_progress=print, stop=Stop()):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_waiting_names_the_holder_and_ends_with_it(tmp_path: Path) -> None:
    """Who waits is told which process holds the lock; when that is killed, the lock is free."""
    path = tmp_path / "new folder" / "lock"
    told: list[str] = []
    with subprocess.Popen(
        (sys.executable, "-c", _HOLD, str(path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        def kill(text: str) -> None:
            told.append(text)
            holder.kill()

        with exclusive(path, what="builds it", on_progress=kill, stop=Stop()):
            assert path.read_text().startswith(f"process {os.getpid()} (since ")
    assert len(told) == 1
    assert told[0].startswith(f"waiting: process {holder.pid} (since ")
    assert told[0].endswith(") builds it")


def test_an_interrupt_ends_the_waiting(tmp_path: Path) -> None:
    """Waiting for a lock ends when it is interrupted, and says for whom it waited."""
    path = tmp_path / "lock"
    stop = Stop()
    with (
        exclusive(path, what="", on_progress=_ignore, stop=Stop()),
        pytest.raises(Interrupted, match=r"interrupted while process \d+ .* builds it"),
        exclusive(path, what="builds it", on_progress=lambda _: stop.request(), stop=stop),
    ):
        pass


def test_a_holder_may_remove_the_lock(tmp_path: Path) -> None:
    """Who waited for a lock whose file was removed holds the file that has its name now."""
    path = tmp_path / "folder" / "lock"
    waiting, got, release = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        with exclusive(path, what="", on_progress=lambda _: waiting.set(), stop=Stop()):
            got.set()
            release.wait(30)

    with exclusive(path, what="", on_progress=_ignore, stop=Stop()):
        second = threading.Thread(target=wait)
        second.start()
        assert waiting.wait(30)
        path.unlink()
        path.parent.rmdir()
    assert got.wait(30)
    stop = Stop()
    with (
        pytest.raises(Interrupted),
        exclusive(path, what="", on_progress=lambda _: stop.request(), stop=stop),
    ):
        pytest.fail("two hold the lock")
    release.set()
    second.join()


def _ignore(_: str) -> None:
    pass
