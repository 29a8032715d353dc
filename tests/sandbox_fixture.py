"""One real control plane for the whole test run, shared by all of its workers.

The fixture ``sandbox`` starts it when the first test asks; the process that reports ends it after the last.
It is shared: a test works in namespaces of its own, and gives what is cluster-wide names of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.sandbox.programs import find_programs
from orchestrator.settings import Settings
from tests.built import before_tests, tell

_DIRECTORY = pytest.StashKey[Path]()
_WORKER_INPUT = "sandbox_directory"


class _Node(Protocol):
    """A worker as pytest-xdist, which carries no types, shows it to the process that reports."""

    config: pytest.Config
    workerinput: dict[str, Any]


def pytest_configure(config: pytest.Config) -> None:
    """Agree on a directory: the process that reports names it, its workers are told."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[_DIRECTORY] = Path(given[_WORKER_INPUT])
    else:
        config.stash[_DIRECTORY] = Path(tempfile.mkdtemp(prefix="orchestrator-tests-")) / "sandbox"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Tell a worker the directory."""
    node.workerinput[_WORKER_INPUT] = str(node.config.stash[_DIRECTORY])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what is missing first."""
    before_tests(
        session,
        "sandbox_programs",
        partial(find_programs, Settings.read(), on_progress=tell, stop=Stop()),
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the control plane, if one was started, when all workers are done."""
    if not hasattr(config, "workerinput"):
        down(config.stash[_DIRECTORY], on_progress=tell, stop=Stop())
        shutil.rmtree(config.stash[_DIRECTORY].parent)


@pytest.fixture(scope="session")
def sandbox_programs() -> None:
    """Mark a test that starts a control plane of its own: the programs are built before it runs."""


@pytest.fixture(scope="session")
def sandbox(pytestconfig: pytest.Config, sandbox_programs: None) -> Sandbox:  # noqa: ARG001
    """Return the control plane of this test run, up and ready."""
    return up(pytestconfig.stash[_DIRECTORY], Settings.read(), on_progress=tell, stop=Stop())
