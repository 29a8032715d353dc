"""Runs that are held in the middle, to be looked at, stopped or killed there."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder by which what is held is watched, by the file ``started``, and let go, by ``go``."""
    chosen = tmp_path / "hold"
    chosen.mkdir()
    return chosen
