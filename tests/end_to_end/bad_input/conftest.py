"""The shop that every test spoils."""

from pathlib import Path

import pytest

from tests.end_to_end.bad_input.shop import Shop, make_shop
from tests.forked.command import Forks


@pytest.fixture
def shop(tmp_path: Path, forks: Forks) -> Shop:
    """Return a small shop, committed, that is never applied."""
    return make_shop(tmp_path, forks)
