"""A Git remote on loopback, of another machine as it were: whatever befalls a run, it goes on."""

import os
import shlex
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.commands import eventually
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_remote

_HOOKS = {
    "pre-receive": "exec {program} receive",
    "update": "exec {program} update",
    "reference-transaction": '[ "$1" = committed ] || exit 0\nexec {program} committed',
}
"""What a push does at the remote: it came, each of its refs is about to move, all have moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A bare repository that is served to clones."""

    directory: Path
    server: "_Server"

    def share(self, *clones: World) -> None:
        """Bring the first clone's branch to the remote and to the others; no hook hears of it."""
        first, *others = (world.root for world in clones)
        quiet = ("-c", "core.hooksPath=/dev/null", "fetch", "--quiet")
        git(self.directory, *quiet, str(first), "+refs/heads/main:refs/heads/main")
        for each in others:
            git(each, *quiet, str(self.directory), "main")
            git(each, "reset", "--quiet", "--hard", "FETCH_HEAD")

    def settle(self) -> None:
        """Wait until it is done with all that it was sent."""
        eventually(lambda: not self.server.at_work, "the remote to come to rest")


@contextmanager
def serving(world: World, directory: Path, program: Path) -> Iterator[tuple[Remote, Path]]:
    """Serve a remote to a world's clone and to a second one, whose place is told; ``program`` hears of pushes."""
    world.commit("Begin")
    bare = make_remote(directory / "remote.git", of=world.root)
    for name, script in _HOOKS.items():
        hook = bare / "hooks" / name
        hook.write_text(f"#!/bin/sh\n{script.format(program=shlex.quote(str(program)))}\n")
        hook.chmod(0o755)
    other = make_clone(bare, directory / "clone")
    with _Server(directory) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            for root in (world.root, other):
                git(root, "remote", "set-url", "origin", f"{server.address}/{bare.name}")
            yield Remote(directory=bare, server=server), other
        finally:
            server.shutdown()
            serving.join()


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 100
    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.directory = directory
        self.at_work: set[_Connection] = set()

    @property
    def address(self) -> str:
        return f"git://127.0.0.1:{self.server_address[1]}"


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.at_work.add(self)
        try:
            subprocess.run(
                (
                    *("git", "daemon", "--inetd", "--log-destination=none", "--export-all"),
                    *("--enable=receive-pack", f"--base-path={self.server.directory}"),
                ),
                env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
                stdin=self.request,
                stdout=self.request,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        finally:
            self.server.at_work.discard(self)
