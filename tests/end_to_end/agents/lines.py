"""A line between an agent and its API server, which can be cut, and can carry nothing any more."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(slots=True, kw_only=True)
class Line:
    """A port of loopback that leads to a server; what passes is not looked at, so that TLS is theirs.

    ``mute`` takes connections and says nothing.
    """

    server: tuple[str, int]
    mute: bool = False
    port: int = 0
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _accepting: threading.Thread | None = None

    def lead(self) -> None:
        """Lead there, from where it did before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,))
        self._accepting.start()

    def cut(self) -> None:
        """Lead nowhere: what is open breaks off, and nobody listens."""
        if self._listener is not None and self._accepting is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._accepting.join()
            self._listener.close()
            self._listener = None
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.server)
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                if not self.mute:
                    target.sendall(part)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
            source.shutdown(socket.SHUT_RD)


@contextmanager
def line_to(kubeconfig: Path, through: Path) -> Iterator[Line]:
    """Have a line to the API server of a kubeconfig, and a kubeconfig that leads ``through`` it."""
    document = json.loads(kubeconfig.read_text())
    cluster = document["clusters"][0]["cluster"]
    place = urlsplit(cluster["server"])
    line = Line(server=(str(place.hostname), int(place.port or 443)))
    line.lead()
    cluster["server"] = f"https://127.0.0.1:{line.port}"
    through.write_text(json.dumps(document))
    try:
        yield line
    finally:
        line.cut()
        for each in line._open:  # noqa: SLF001 - all of them, at the end
            each.close()
