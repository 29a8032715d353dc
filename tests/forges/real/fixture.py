"""A real Gitea for the tests that ask for one: a server for each worker that needs it."""

from collections.abc import Iterator

import pytest

from tests.built import before_tests
from tests.forges.real.program import gitea_program
from tests.forges.real.server import Gitea, running


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build it first."""
    before_tests(session, "gitea", gitea_program)


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """Return a server that runs as long as the tests do; each makes accounts of its own."""
    with running(tmp_path_factory.mktemp("gitea") / "server") as server:
        yield server
