"""A forge for each test."""

from collections.abc import Iterator

import pytest

from tests.forges.served import Served, serving
from tests.forges.small_forges import FORGES


@pytest.fixture(params=FORGES, ids=[each.kind for each in FORGES])
def forge(request: pytest.FixtureRequest) -> Iterator[Served]:
    """Give a forge of each kind, with one request and no comments."""
    held: Served = request.param()
    with serving(held):
        yield held
