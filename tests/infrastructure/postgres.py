"""PostgreSQL on loopback: from the package ``pgserver``, else the machine's own."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOBODY = 65534
_ATTEMPTS = 600


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server with nothing in it, and yield its connection string."""
    programs, port = _programs(), _free_port()
    with tempfile.TemporaryDirectory(prefix="orchestrator-postgres-") as folder:
        data = Path(folder) / "data"
        as_user = _as_user(Path(folder))
        initdb = (programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N")
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **as_user)
        options = (f"-p{port}", "-h127.0.0.1", "-F", "-c", f"unix_socket_directories={folder}")
        with subprocess.Popen(
            (programs / "postgres", "-D", data, *options),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **as_user,
        ) as server:
            try:
                _wait(programs, port, server)
                yield f"postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
            finally:
                server.terminate()


def _programs() -> Path:
    package = importlib.util.find_spec("pgserver")
    if package and package.submodule_search_locations:
        return Path(next(iter(package.submodule_search_locations)), "pginstall", "bin")
    found = shutil.which("initdb") or shutil.which("postgres")
    assert found, "there is no PostgreSQL: neither pgserver nor programs on PATH"
    return Path(found).resolve().parent


def _as_user(folder: Path) -> dict[str, Any]:
    """Return how to drop privileges: PostgreSQL refuses to be run by root."""
    if os.getuid() != 0:
        return {}
    os.chown(folder, _NOBODY, _NOBODY)
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(programs: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    ready = (programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port))
    for _ in range(_ATTEMPTS):
        assert server.poll() is None, "PostgreSQL did not start"
        if subprocess.run(ready, check=False).returncode == 0:
            return
        pause.wait(0.05)
    raise AssertionError("PostgreSQL does not answer")
