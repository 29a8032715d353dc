"""What the benchmarks of Terraform stand on: the same modules for both sides, their provider, and bounded rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.initialising import PROVIDER, VERSION
from benchmarks.measuring import Limit, Row, Unit, rounds_within
from benchmarks.modules import APPLY, NOTHING_TO_DO, Modules, pretended
from benchmarks.table import render, to_json


@pytest.mark.integration
def test_both_sides_work_on_the_same(tmp_path: Path) -> None:
    """After an apply of ours, Terraform's own copies have nothing to do with the state that ours came to."""
    modules = Modules(directory=tmp_path, names=["one", "two"], text=pretended(3))
    modules.write()
    modules.initialise_raw()
    modules.ours(*APPLY).run()
    modules.share_state()

    modules.ours(*NOTHING_TO_DO).run()
    modules.show_raw()

    for name in modules.names:
        assert (modules.raw(name) / "terraform.tfstate").read_bytes() == (
            modules.state / f"{name}.tfstate"
        ).read_bytes()
        told = modules.terraform(name, "plan", "-input=false").run()
        assert "No changes." in told


def test_the_provider_is_built_as_the_version_that_modules_ask_for() -> None:
    """A newer provider is pinned in one place and asked for in another: they are held together."""
    pinned = (PROVIDER.sources / "go.mod").read_text()

    assert f"{PROVIDER.package} v{VERSION} " in pinned


def test_slow_rounds_end_early_but_not_at_once() -> None:
    """What takes minutes is bounded, and is measured more than once all the same."""
    assert list(rounds_within(60.0, 6)) == [0, 1, 2, 3, 4, 5]
    assert list(rounds_within(0.0, 6)) == [0, 1, 2, 3]


def test_what_was_left_out_is_kept_with_the_rest() -> None:
    """A run that lacked something is not mistaken for a whole one; what a program printed is not kept."""
    kept = to_json([], ["aws: no provider\nError: …"])

    assert kept["left_out"] == ["aws: no provider"]


def test_one_failure_is_one_too_many() -> None:
    """A row that counts failures has no seconds, and is met by none at all only."""
    row = Row(
        name="first plans",
        ours=(1.0,),
        limit=Limit(most=0),
        explain=tuple,
        unit=Unit.FAILURES,
    )

    assert not row.met
    assert render([row]).splitlines()[1].split() == [
        "first",
        "plans",
        "1",
        "-",
        "-",
        "0",
        "failures",
        "0",
        "MISSED",
        "-",
    ]
