"""What of a sandbox is alive."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.sandbox.api import Api
from orchestrator.sandbox.layout import Component, Layout
from orchestrator.sandbox.log_end import log_end
from orchestrator.sandbox.process_table import living
from orchestrator.sandbox.record import read_record


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """One component: its process when it is alive, the port of the API server, else the end of its log."""

    component: Component
    process: int | None
    port: int | None = None
    log: Path
    log_end: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """A sandbox: ``is_ready`` says that it is up, all of it lives and the API server answers so."""

    directory: Path
    kubeconfig: Path
    server: str
    origin: str
    is_up: bool
    is_ready: bool
    components: tuple[ComponentStatus, ...]

    @property
    def dead(self) -> tuple[ComponentStatus, ...]:
        """The components that should be alive; none for a sandbox that is not up."""
        return tuple(part for part in self.components if self.is_up and not part.is_alive)


def status(directory: Path) -> SandboxStatus:
    """Return what is alive of the sandbox in ``directory``; one that is not there is neither up nor ready."""
    layout = Layout.of(directory)
    record = read_record(layout)
    alive = living(layout)
    port = record.port if record is not None else None
    return SandboxStatus(
        directory=layout.directory,
        kubeconfig=layout.kubeconfig,
        server=f"https://127.0.0.1:{port}" if port is not None else "",
        origin=record.origin if record is not None else "",
        is_up=record is not None or bool(alive),
        is_ready=port is not None and len(alive) == len(Component) and _answers(layout, port),
        components=tuple(
            _component(layout, component, processes=alive.get(component, ()), port=port)
            for component in Component
        ),
    )


def _component(
    layout: Layout, component: Component, *, processes: tuple[int, ...], port: int | None
) -> ComponentStatus:
    return ComponentStatus(
        component=component,
        process=processes[0] if processes else None,
        port=port if component is Component.API_SERVER else None,
        log=layout.log(component),
        log_end="" if processes else log_end(layout.log(component)),
    )


def _answers(layout: Layout, port: int) -> bool:
    try:
        return Api.of(layout, port=port).is_ready()
    except (OSError, StopIteration):  # no credentials, or damaged ones
        return False
