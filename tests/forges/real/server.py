"""A real Gitea on loopback: built once, begun anew for whoever asks, and gone with its data at the end."""

import getpass
import hashlib
import json
import os
import re
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
_TOKEN: Final = re.compile(r"\b[0-9a-f]{40}\b")
_TRIES: Final = 3
_CONFIGURATION: Final = """\
APP_NAME = {name}
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
        said = self.tell("admin", "user", *asked)
        (token,) = _TOKEN.findall(said)
        return Account(name=name, token=token)

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
    server, process = _one_that_answers(folder)
    try:
        yield server
    finally:
        _end(process)


def _one_that_answers(folder: Path) -> "tuple[Gitea, subprocess.Popen[bytes]]":
    said = ""
    for number in range(1, _TRIES + 1):
        server, process = _begun(folder / str(number))
        if _answers(server, process):
            return server, process
        _end(process)  # another one took the port in between, perhaps
        said = (server.folder / "output").read_text(encoding="utf-8")
    sys.stderr.write(said[-5_000:])
    raise AssertionError("Gitea does not answer")


def _begun(folder: Path) -> "tuple[Gitea, subprocess.Popen[bytes]]":
    folder.mkdir(parents=True)
    binary, port = gitea_program(), _free_port()
    configuration = _CONFIGURATION.format(
        name=_name(folder),
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
    return server, process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _name(folder: Path) -> str:
    """Return what a server calls itself, so that no other one's answers are taken for its own."""
    return f"test-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _answers(server: Gitea, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until this very server answers; return whether it did."""
    until = time.monotonic() + _PATIENCE_SECONDS
    name = _name(server.folder).encode()
    while time.monotonic() < until and process.poll() is None:
        try:
            page = f"{server.address}/user/login"
            with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310  our own server
                if name in answer.read():
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False
