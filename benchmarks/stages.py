"""Where benchmarks of a cluster play: sandboxes of their own, and Git repositories that hold one stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.running import ORCHESTRATOR, Command, tell
from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.settings import Settings

_AUTHOR = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")


@contextmanager
def fresh_sandbox(directory: Path) -> Iterator[Sandbox]:
    """Start a sandbox in a directory, and stop and remove it at the end."""
    stop = Stop()
    try:
        yield up(directory, Settings.read(), on_progress=_tell_of_builds, stop=stop)
    finally:
        down(directory, on_progress=_tell_of_builds, stop=stop)


def commit(checkout: Path, subject: str) -> None:
    """Commit everything in a directory, which becomes a repository when it is none."""
    if not (checkout / ".git").exists():
        Command(argv=("git", "init", "-q"), directory=checkout).run()
    for command in (("add", "."), (*_AUTHOR, "commit", "-q", "-m", subject)):
        Command(argv=("git", *command), directory=checkout).run()


def orchestrator(checkout: Path, sandbox: Sandbox, *arguments: str) -> Command:
    """Return a run of ours in a sandbox of the benchmark, whatever sandbox a person works with."""
    variables = {"ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    return Command(argv=(ORCHESTRATOR, *arguments), directory=checkout, variables=variables)


def _tell_of_builds(text: str) -> None:
    if text.startswith(("building", "installing")):
        tell(text)
