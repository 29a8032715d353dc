"""What the benchmarks of Terraform stand on: the same modules for both sides, their provider, and bounded rounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import aws
from benchmarks.initialising import PROVIDER, VERSION
from benchmarks.measuring import Bench, Limit, Row, Unit, rounds_within
from benchmarks.modules import APPLY, NOTHING_TO_DO, Modules, pretended
from benchmarks.running import NotHere
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


@pytest.mark.integration
def test_a_provider_that_is_not_to_be_had_leaves_rows_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is measured of AWS where Terraform cannot get its provider, and what it said is told."""
    configuration = tmp_path / "terraform.rc"
    configuration.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{tmp_path}"\n  }}\n}}\n'
    )
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(configuration))

    with pytest.raises(NotHere, match=r"provider hashicorp/aws\n(.|\n)*hashicorp/aws"):
        next(aws.rows(Bench(rounds=5, directory=tmp_path)))


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
    assert replace(row, raw=(0.0,), raw_name="the same").ratio is None
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
