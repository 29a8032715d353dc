"""A module that gets another engine than it had."""

from pathlib import Path

import pytest

from tests.infrastructure.ground import Ground, logging_engine, values, with_engine

pytestmark = pytest.mark.integration


def test_opentofu_goes_on_where_terraform_was(
    ground: Ground, opentofu: Path, tmp_path: Path
) -> None:
    """It initialises for itself and takes the state as it is, and Terraform does the same with what it left."""
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(), {"text": "one"})

    other, log = logging_engine(with_engine(ground, opentofu), tmp_path)
    assert other.plan(other.workspace(), {"text": "one"}).changes == ()
    assert log.read_text().split() == ["init", "plan"]
    assert values(other.apply(other.workspace(), {"text": "two"})) == {"text": "two"}

    back, log = logging_engine(ground, tmp_path)
    assert back.plan(back.workspace(), {"text": "two"}).changes == ()
    assert log.read_text().split()[-2:] == ["init", "plan"]
