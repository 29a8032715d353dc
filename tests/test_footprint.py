"""How much memory processes take, while others end."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.footprint import folders_of_processes, resident

_PAGE = os.sysconf("SC_PAGE_SIZE")


def _tell(proc: Path, process: int, *, parent: int, pages: int) -> None:
    """Tell of a process as the kernel does."""
    (proc / str(process)).mkdir()
    (proc / str(process) / "stat").write_text(f"{process} (a) b (c)) S {parent} 1 1")
    (proc / str(process) / "statm").write_text(f"900 {pages} 1 1 0 1 0")


def test_a_process_that_ends_meanwhile_is_none_and_no_error(tmp_path: Path) -> None:
    """Its folder was listed, and whoever looks into it is told that there is no such process: no other fails by it."""
    _tell(tmp_path, 10, parent=1, pages=3)
    _tell(tmp_path, 12, parent=10, pages=4)
    _tell(tmp_path, 13, parent=2, pages=5)
    with subprocess.Popen(["sleep", "60"]) as ending:
        folder = os.open(f"/proc/{ending.pid}", os.O_RDONLY)
        ending.kill()
    try:
        (tmp_path / "11").symlink_to(f"/proc/self/fd/{folder}")
        with pytest.raises(ProcessLookupError):
            (tmp_path / "11" / "stat").stat()
        assert resident(10, tmp_path) == 7 * _PAGE
    finally:
        os.close(folder)


def test_of_a_system_that_tells_nothing_nothing_is_known(tmp_path: Path) -> None:
    """There is no such folder on others than Linux."""
    assert list(folders_of_processes(tmp_path / "proc")) == []
    assert resident(os.getpid(), tmp_path / "proc") == 0
    assert resident(os.getpid()) > 0
