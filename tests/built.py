"""Real programs that tests need, built from sources once and kept in the cache."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings


def built_for_tests(program: Program) -> Path:
    """Return a program, built first when there is none; that takes some minutes."""
    return built(program, Settings.read(), on_progress=tell, stop=Stop())


def before_tests(session: pytest.Session, fixture: str, build: Callable[[], object]) -> None:
    """Build before the first test starts, if any asks for a fixture: the time limit of a test is too short."""
    needed = any(fixture in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():  # minutes, which a person wants to see pass
            build()


def tell(text: str) -> None:
    """Say what a build is at."""
    sys.stderr.write(f"{text}\n")
