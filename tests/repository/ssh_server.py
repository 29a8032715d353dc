"""Git over SSH on loopback: OpenSSH's own server, with keys of its own, for one user's key."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.commands import eventually
from tools.machine import missing

_PRIVILEGES = Path("/run/sshd")  # Debian's: where a server that is root has to have an empty folder


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """A server: its port, its own key and the file by which it is known, and the key that it lets in."""

    port: int
    host: Path
    known_hosts: Path
    key: Path

    def url(self, repository: Path, host: str = "127.0.0.1") -> str:
        """Return the address of a repository."""
        return f"ssh://{getpass.getuser()}@{host}:{self.port}{repository}"


def sshd_program() -> str:
    """Return the server's program; where there is none, the test says how to get it."""
    if missing("servers"):
        pytest.skip("there is no OpenSSH server: make machine, as root on a Debian, installs it")
    return str(shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"))


def make_key(file: Path) -> Path:
    """Make a pair of keys, and return the private one's file."""
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", file.name, "-f", str(file))
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return file


def known_host(port: int, key: Path, host: str = "127.0.0.1") -> str:
    """Return the line by which the server on a port is known by a host's key."""
    kind, public, *_ = key.with_suffix(".pub").read_text(encoding="utf-8").split()
    return f"[{host}]:{port} {kind} {public}\n"


def fingerprint(key: Path) -> str:
    """Return what people compare of a key."""
    words = ("ssh-keygen", "-l", "-f", str(key.with_suffix(".pub")))
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return said.split()[1]


@contextmanager
def serving_ssh(folder: Path) -> Iterator[SshServer]:
    """Serve Git, with the rights of whoever runs the tests, while the block lasts; the folder is made for it."""
    program = sshd_program()
    if os.geteuid() == 0:
        _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
    folder.mkdir()
    port, host, key = _free_port(), make_key(folder / "host"), make_key(folder / "client")
    (folder / "known_hosts").write_text(known_host(port, host), encoding="utf-8")
    (folder / "config").write_text(_configuration(folder, port), encoding="utf-8")
    # -D keeps it in front, so that it ends with its process.
    words = (program, "-D", "-f", str(folder / "config"), "-E", str(folder / "log"))
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(server, port, folder / "log"), "the SSH server")
        yield SshServer(port=port, host=host, known_hosts=folder / "known_hosts", key=key)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _configuration(folder: Path, port: int) -> str:
    lines = (
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {folder / 'client.pub'}",
        "StrictModes no",  # whoever may write to the folder for temporary files
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "UsePAM no",
        "PidFile none",
        "LogLevel VERBOSE",
    )
    return "".join(f"{line}\n" for line in lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert server.poll() is None, log.read_text(encoding="utf-8")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
