"""Up and down: the two verbs of a sandbox, each idempotent and safe beside another process that does one.

What builds and starts is imported inside functions: nearly always it is up already, and a plan waits for that answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import StorageError, UsageError
from orchestrator.processes import Stop
from orchestrator.sandbox.layout import Layout
from orchestrator.sandbox.lock import exclusive
from orchestrator.sandbox.process_table import end, living
from orchestrator.sandbox.status import SandboxStatus, status
from orchestrator.settings import Settings

_LOCKED_FOR = "starts or stops this sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox that is up and ready: where it is, and access as administrator and as a user without rights."""

    directory: Path
    kubeconfig: Path
    viewer_kubeconfig: Path
    server: str


def up(
    directory: Path, settings: Settings, *, on_progress: Callable[[str], None], stop: Stop
) -> Sandbox:
    """Make sure that the sandbox in ``directory`` is up and ready; return at once when it is.

    The directory is made when it is missing; data that an earlier run left in it is kept. On an error or an
    interrupt nothing stays that was not there before.
    Raises SandboxError when a component dies or does not get ready, or when its programs cannot be had;
    UsageError when the directory holds something else; StorageError; Interrupted when asked to stop.
    """
    layout = Layout.of(directory)
    current = status(directory)
    if current.is_ready:
        return _sandbox(layout, current)
    with _storage(layout):
        _refuse_foreign(layout)
    from orchestrator.sandbox.programs import find_programs
    from orchestrator.sandbox.start import Start, start_or_clean_up

    programs = find_programs(settings, on_progress=on_progress, stop=stop)
    with _locked(layout, on_progress, stop):
        current = status(directory)
        if not current.is_ready:
            _announce(current, on_progress)
            begun = Start(
                layout=layout,
                programs=programs,
                has_data=layout.etcd_data.exists(),
                search_path=settings.search_path,
                stop=stop,
            )
            start_or_clean_up(begun)
            current = status(directory)
            on_progress(f"the control plane is ready at {current.server}")
    return _sandbox(layout, current)


def down(directory: Path, *, on_progress: Callable[[str], None], stop: Stop) -> bool:
    """End the sandbox in ``directory`` and remove all of it; return whether there was one.

    Works on one whose processes died, whose record is damaged, or whose directory was removed. Files that are
    not the sandbox's stay, and with them the directory.
    Raises SandboxError when a process cannot be ended, StorageError, Interrupted while waiting for another
    process that starts or stops it.
    """
    layout = Layout.of(directory)
    if not layout.is_sandbox:
        left = living(layout)
        end(layout)
        return bool(left)
    from orchestrator.sandbox.removal import remove_sandbox

    on_progress("stopping the control plane")
    with _locked(layout, on_progress, stop):
        end(layout)
        remove_sandbox(layout)
    return True


def kubeconfig_path(directory: Path) -> Path:
    """Return where the administrator's kubeconfig of a sandbox is, or would be."""
    return Layout.of(directory).kubeconfig


@contextmanager
def _locked(layout: Layout, on_progress: Callable[[str], None], stop: Stop) -> Iterator[None]:
    with (
        _storage(layout),
        exclusive(layout.lock, what=_LOCKED_FOR, on_progress=on_progress, stop=stop),
    ):
        yield


@contextmanager
def _storage(layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot use {layout.directory} for the sandbox: {error.strerror}"
        raise StorageError(message) from error


def _refuse_foreign(layout: Layout) -> None:
    directory = layout.directory
    if layout.is_sandbox or not directory.exists():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise UsageError(
            f"{directory} is not a sandbox, and not an empty directory",
            hint="name a directory that is empty or does not exist yet",
        )


def _announce(current: SandboxStatus, on_progress: Callable[[str], None]) -> None:
    if current.dead:
        names = ", ".join(part.component for part in current.dead)
        on_progress(f"no longer running: {names}; starting everything again, with its data")
    on_progress("starting the control plane")


def _sandbox(layout: Layout, current: SandboxStatus) -> Sandbox:
    return Sandbox(
        directory=layout.directory,
        kubeconfig=layout.kubeconfig,
        viewer_kubeconfig=layout.viewer_kubeconfig,
        server=current.server,
    )
