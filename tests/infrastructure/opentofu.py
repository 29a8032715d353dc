"""A real OpenTofu for the tests that ask for one: built once from the Go module proxy, and kept in the cache."""

from functools import cache
from pathlib import Path
from typing import Final

import pytest

from orchestrator.sandbox.programs.build import Program
from tests.built import before_tests, built_for_tests

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
    """Build it first."""
    before_tests(session, "opentofu", opentofu_program)


@pytest.fixture(scope="session")
def opentofu() -> Path:
    """Return the program."""
    return opentofu_program()


@cache
def opentofu_program() -> Path:
    """Return the program, built first when there is none; that takes some minutes."""
    return built_for_tests(OPENTOFU)
