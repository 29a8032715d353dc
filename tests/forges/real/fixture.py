"""A real Gitea for the tests that ask for one: a server for each worker that needs it."""

from collections.abc import Iterator

import pytest

from tests.forges.real.program import gitea_program
from tests.forges.real.server import Gitea, running


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build it before the first test starts: the time limit of a test is too short for that."""
    needed = any("gitea" in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():  # minutes, which a person wants to see pass
            gitea_program()


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """Return a server that runs as long as the tests do; each makes accounts of its own."""
    with running(tmp_path_factory.mktemp("gitea") / "server") as server:
        yield server
