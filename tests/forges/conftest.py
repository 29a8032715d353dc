"""A forge for each test."""

from collections.abc import Iterator

import pytest

from tests.forges.github_server import GitHubServer, github_server


@pytest.fixture
def forge() -> Iterator[GitHubServer]:
    """Give a GitHub with one pull request and no comments."""
    with github_server() as server:
        yield server
