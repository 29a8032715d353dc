"""A real OpenTofu for the tests that ask for one: built once from the Go module proxy, and kept in the cache."""

import sys
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings

_VERSION: Final = "1.10.10"
OPENTOFU: Final = Program(
    name="tofu",
    title=f"OpenTofu {_VERSION}",
    sources=Path(__file__).with_name("golang") / "opentofu",
    package="github.com/opentofu/opentofu/cmd/tofu",
    # It calls itself a development version otherwise.
    linker_flags=("-X github.com/opentofu/opentofu/version.dev=no",),
)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build it before the first test starts: the time limit of a test is too short for that."""
    needed = any("opentofu" in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():  # minutes, which a person wants to see pass
            opentofu_program()


@pytest.fixture(scope="session")
def opentofu() -> Path:
    """Return the program."""
    return opentofu_program()


@cache
def opentofu_program() -> Path:
    """Return the program, built first when there is none; that takes some minutes."""
    return built(OPENTOFU, Settings.read(), on_progress=_tell, stop=Stop())


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
