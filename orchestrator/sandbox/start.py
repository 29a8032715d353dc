"""Starting the components of a sandbox, in order, until pods can be created."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator import clock, processes
from orchestrator.errors import Interrupted, SandboxError
from orchestrator.processes import Command, Daemon, Stop
from orchestrator.sandbox.api import Api
from orchestrator.sandbox.components import arguments
from orchestrator.sandbox.credentials import ensure_credentials, write_kubeconfigs
from orchestrator.sandbox.layout import Component, Layout
from orchestrator.sandbox.log_end import log_end
from orchestrator.sandbox.process_table import end
from orchestrator.sandbox.programs import Programs
from orchestrator.sandbox.record import Record, read_record, write_record
from orchestrator.sandbox.removal import remove, remove_sandbox

_NODES = ("node-1", "node-2", "node-3")
# Collected as often as by default, garbage takes a quarter of the API server's time; this is rarely, up to a size.
_COLLECTING = {"GOGC": "400", "GOMEMLIMIT": "768MiB"}
_READY_SECONDS = 90.0
_POLL_SECONDS = 0.05
_PORT_ATTEMPTS = 5
_PORT_TAKEN = "address already in use"
_AFRESH = (
    "`orchestrator sandbox down`, then `orchestrator sandbox up` starts afresh, without its data"
)


class ComponentDied(SandboxError):
    """A component ended by itself; the detail is the end of its log."""

    def __init__(self, component: Component, exit_code: int, begun: "Start") -> None:
        """Read the end of its log, which may be removed soon after."""
        how = (
            f"exited with code {exit_code}"
            if exit_code >= 0
            else f"was ended by signal {-exit_code}"
        )
        super().__init__(
            f"{component} {how}; the last lines of its log are below",
            hint=_AFRESH if begun.has_data else f"the programs come from {begun.programs.origin}",
            detail=log_end(begun.layout.log(component)),
        )
        self.found_port_taken = component is Component.API_SERVER and _PORT_TAKEN in self.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start under way: what to start, with data of an earlier run or without, and what runs so far."""

    layout: Layout
    programs: Programs
    has_data: bool
    search_path: str
    stop: Stop
    daemons: dict[Component, Daemon] = field(default_factory=dict)
    deadline: float = field(default_factory=lambda: clock.seconds() + _READY_SECONDS)

    def launch(self, component: Component, *, port: int) -> None:
        """Start one component."""
        command = Command(
            argv=(*self.programs.argv[component], *arguments(component, self.layout, port=port)),
            directory=self.layout.directory,
            environment=self._environment(),
        )
        self.daemons[component] = processes.start_daemon(command, log=self.layout.log(component))

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        """Wait until something is there.

        Raises ComponentDied, SandboxError after too long, Interrupted when asked to stop.
        """
        while not is_there():
            self._refuse_dead()
            if clock.seconds() > self.deadline:
                raise self._timeout(what)
            if self.stop.wait(_POLL_SECONDS):
                raise Interrupted("interrupted while starting the sandbox")

    def _refuse_dead(self) -> None:
        for component, daemon in self.daemons.items():
            if daemon.exit_code is not None:
                raise ComponentDied(component, daemon.exit_code, self)

    def _timeout(self, what: str) -> SandboxError:
        ends = (
            (component, log_end(self.layout.log(component), lines=3)) for component in self.daemons
        )
        return SandboxError(
            f"the sandbox was not ready after {_READY_SECONDS:.0f} s: it still waited for {what}",
            hint="the machine may be too busy, or have less than 1 GB of free memory",
            detail="\n".join(f"{component}:\n{end}" for component, end in ends if end),
        )

    def _environment(self) -> dict[str, str]:
        """Return an environment without anything of the user's, such as a configuration in their home."""
        return {"PATH": self.search_path, "HOME": str(self.layout.directory), **_COLLECTING}


def start_or_clean_up(begun: Start) -> None:
    """Start it; whatever goes wrong, end what was started, and remove what this start has made."""
    layout = begun.layout
    before = read_record(layout)
    end(layout)
    remove(layout.state, layout.logs, *layout.sockets)
    try:
        port = start(begun, port=before.port if before is not None else 0)
        write_record(layout, Record(port=port, origin=begun.programs.origin))
    except BaseException:
        end(layout)
        if not begun.has_data:
            remove_sandbox(layout)
        raise


def start(begun: Start, *, port: int) -> int:
    """Start everything and wait until pods can be created; return the port of the API server.

    ``port`` is the one wished for, 0 for any; another is taken when it is in use. On an error, what was
    started so far is left running: the caller ends it.
    """
    _prepare(begun.layout)
    begun.launch(Component.ETCD, port=0)
    api = _start_api_server(begun, wished=port)
    for component in (Component.CONTROLLER_MANAGER, Component.SCHEDULER, Component.KWOK):
        begun.launch(component, port=api.port)
    begun.wait_for("its nodes", lambda: all(map(api.create_node, _NODES)))
    begun.wait_for("ready nodes", lambda: api.nodes_are_ready(len(_NODES)))
    begun.wait_for("the default service account", api.has_default_service_account)
    return api.port


def _prepare(layout: Layout) -> None:
    layout.directory.chmod(0o700)
    layout.logs.mkdir(mode=0o700)
    ensure_credentials(layout)


def _start_api_server(begun: Start, *, wished: int) -> Api:
    """Start it on a free port; when another program took that in between, on the next."""
    for attempt in range(1, _PORT_ATTEMPTS + 1):
        port = _free_port(wished if attempt == 1 else 0)
        begun.launch(Component.API_SERVER, port=port)
        try:
            return _ready_api(begun, port)
        except ComponentDied as error:
            if not error.found_port_taken or attempt == _PORT_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _ready_api(begun: Start, port: int) -> Api:
    begun.wait_for("the API server to listen", lambda: _is_listening(begun.layout, port))
    api = Api.of(begun.layout, port=port)
    begun.wait_for("the API server to be ready", api.is_ready)
    write_kubeconfigs(begun.layout, port=port)
    return api


def _is_listening(layout: Layout, port: int) -> bool:
    """Whether the port answers; the API server has written its certificate before that."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return layout.certificate.exists()


def _free_port(wished: int) -> int:
    for port in (wished, 0):
        with socket.socket() as probe:
            # As servers do it: connections of the last run that are still winding down do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SandboxError(
        "there is no free port on 127.0.0.1", hint="close programs that use the network"
    )
