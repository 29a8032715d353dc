"""A real Gitea on loopback: built once, begun anew for whoever asks, and gone with its data at the end."""

import getpass
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.forges.real.program import gitea_assets, gitea_program

Json = Any
OWNER: Final = "acme"

_PATIENCE_SECONDS: Final = 60.0
_CONFIGURATION: Final = """\
APP_NAME = test
RUN_USER = {user}
RUN_MODE = prod
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {assets}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
SECRET_KEY = {key}
PASSWORD_HASH_ALGO = argon2$2$256$1$16
[oauth2]
ENABLED = false
[service]
DISABLE_REGISTRATION = true
[log]
MODE = file
LEVEL = warn
ROOT_PATH = {folder}/log
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[queue]
TYPE = channel
[cron]
ENABLED = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may do things, and a token for all of them."""

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gitea:
    """A server that runs."""

    binary: Path
    folder: Path
    address: str

    @property
    def api(self) -> str:
        """Return the address of the API."""
        return f"{self.address}/api/v1"

    def account(self, name: str) -> Account:
        """Make an account."""
        mail = ("--email", f"{name}@example.org")
        password = ("--random-password", "--must-change-password=false")
        self.tell("admin", "user", "create", "--username", name, *mail, *password)
        asked = ("generate-access-token", "--username", name, "--scopes", "all", "--raw")
        return Account(name=name, token=self.tell("admin", "user", *asked).split()[-1])

    def ask(
        self, account: Account, method: str, path: str, body: Json = None, *, code: int = 0
    ) -> Json:
        """Ask the API, and return the answer; it has to be ``code``, or any success."""
        request = urllib.request.Request(  # noqa: S310  our own server
            f"{self.api}/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"token {account.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  the same
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        assert status == code if code else status < 400, f"{method} {path}: {status} {content!r}"
        return json.loads(content) if content else None

    def remote(self, account: Account, repository: str) -> str:
        """Return the address of a repository for Git, with what lets an account in."""
        return (
            f"{self.address.replace('://', f'://{account.name}:{account.token}@')}/{repository}.git"
        )

    def tell(self, *arguments: str) -> str:
        """Run a command of the program's own, and return what it says."""
        ended = subprocess.run(
            (self.binary, "--config", self.folder / "app.ini", *arguments),
            cwd=self.folder,
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


@contextmanager
def running(folder: Path) -> Iterator[Gitea]:
    """Run a server in an empty folder as long as the block lasts."""
    folder.mkdir(parents=True)
    binary, port = gitea_program(), _free_port()
    configuration = _CONFIGURATION.format(
        user=getpass.getuser(),
        folder=folder,
        port=port,
        assets=gitea_assets(),
        key=secrets.token_hex(16),
    )
    (folder / "app.ini").write_text(configuration, encoding="utf-8")
    server = Gitea(binary=binary, folder=folder, address=f"http://127.0.0.1:{port}")
    server.tell("migrate")
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            (binary, "--config", folder / "app.ini", "web"),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait(server: Gitea, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it answers."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.api}/version", timeout=5):  # noqa: S310  our own
                return
        except OSError:
            time.sleep(0.05)
    said = (server.folder / "output").read_text(encoding="utf-8")
    sys.stderr.write(said[-5_000:])
    raise AssertionError("Gitea does not answer")
