"""Whether a holder's process is dead for certain: real processes of this machine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import Locked
from orchestrator.ledger.holder import Holder
from orchestrator.ledger.presence import birth_of, surely_dead, this_process
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.settings import Settings
from tests.ledger.builders import OWNER, holder

_SOMEBODY = 65533


@pytest.fixture
def settings() -> Settings:
    """Return the settings of the process that runs the tests."""
    return Settings.read()


@pytest.fixture
def child() -> "Iterator[subprocess.Popen[bytes]]":
    """Return a process that waits for the end of its input."""
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_this_process_is_alive(settings: Settings) -> None:
    """A run never takes a lock from itself, nor from another run of the same moment."""
    present = this_process(settings, user="Ada", command="orchestrator apply shop")
    assert not surely_dead(present, host=settings.host)
    assert present.process == os.getpid()
    assert present.token != this_process(settings, user="Ada", command="again").token


def test_a_process_that_ended_is_dead(settings: Settings, child: "subprocess.Popen[bytes]") -> None:
    """A holder on this machine is alive as long as its process, and dead once it has ended."""
    present = _holder(settings, child)
    assert not surely_dead(present, host=settings.host)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but not collected: a zombie
    assert surely_dead(present, host=settings.host)
    child.wait()
    assert surely_dead(present, host=settings.host)


def test_a_number_that_was_given_away_again_is_another_process(
    settings: Settings, child: "subprocess.Popen[bytes]"
) -> None:
    """The same process number with another time of birth is not the holder."""
    present = _holder(settings, child)
    earlier = replace(present, birth=present.birth.rpartition("/")[0] + "/1")
    assert surely_dead(earlier, host=settings.host)


def test_who_cannot_be_seen_counts_as_alive(settings: Settings) -> None:
    """Of another host, an earlier boot or another container nothing is known, whatever runs here."""
    gone = replace(holder(process=2**22 - 1), host=settings.host)
    here = birth_of(gone.process)
    assert surely_dead(replace(gone, birth=f"{here}5"), host=settings.host)
    assert not surely_dead(replace(gone, birth=f"{here}5"), host="another-host")
    assert not surely_dead(replace(gone, birth="another boot/pid:[1]/5"), host=settings.host)
    boot, namespace, _ = here.split("/")
    assert not surely_dead(replace(gone, birth=f"{boot}/{namespace}0/5"), host=settings.host)


def test_a_process_that_the_kernel_hides_is_alive(settings: Settings) -> None:
    """``/proc`` may show the processes of other users to nobody (hidepid); one that is there is no dead holder."""
    root = os.geteuid() == 0
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(("sleep", "60"), user=_SOMEBODY if root else None) as process,
    ):
        bare, present = _hiding(Path(folder)), _holder(settings, process)
        with _as_somebody_else():
            dead = surely_dead(present, host=settings.host, proc=bare)
        process.kill()
        process.wait()
        assert not dead
        assert surely_dead(present, host=settings.host, proc=bare)


def test_a_lock_of_a_killed_run_is_taken_over(
    settings: Settings, child: "subprocess.Popen[bytes]"
) -> None:
    """The next run on the same machine goes on where a killed one held the lock, and knows whose it was."""
    store = ChainStore(
        OWNER, MemoryShelf(), is_dead=lambda other: surely_dead(other, host=settings.host)
    )
    first = _holder(settings, child)
    store.acquire(first)
    second = this_process(settings, user="Ada", command="orchestrator apply shop")
    with pytest.raises(Locked):
        store.acquire(second)
    child.kill()
    child.wait()
    succeeded = store.acquire(second).succeeded
    assert succeeded is not None
    assert succeeded.holder == first


def _holder(settings: Settings, process: "subprocess.Popen[bytes]") -> Holder:
    return replace(holder(process=process.pid, host=settings.host), birth=birth_of(process.pid))


def _hiding(proc: Path) -> Path:
    """Make a folder that tells of this machine what ``/proc`` tells, and of no process; whoever it is may read it."""
    proc.chmod(0o755)
    for name in ("sys/kernel/random", "self/ns"):
        (proc / name).mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    (proc / "sys/kernel/random/boot_id").write_text(boot)
    (proc / "self/ns/pid").symlink_to(Path("/proc/self/ns/pid").readlink())
    return proc


@contextmanager
def _as_somebody_else() -> Iterator[None]:
    """Be another user than the one whose process it is, who may not even signal it, if that can be."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_SOMEBODY + 1)
    try:
        yield
    finally:
        os.seteuid(0)
