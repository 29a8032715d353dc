from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.stacks.checkout import ROOT, check_out

_STACKS = ROOT / "stacks"
_MODULES = sorted(path.parent for path in _STACKS.glob("*/modules/*/main.tf"))
_ENVIRONMENTS = [
    (file.parent.name, environment)
    for file in sorted(_STACKS.glob("*/stack.yaml"))
    for environment in yaml.safe_load(file.read_text()).get("environments", {"default": {}})
]

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("stack", "environment"), _ENVIRONMENTS)
def test_every_environment_of_every_example_is_valid(
    stack: str, environment: str, tmp_path: Path
) -> None:
    """An example is one: nothing of it is refused, in any of its environments."""
    checkout = check_out(tmp_path / stack, stack, os.environ)

    checked = checkout.orchestrator("validate", stack, "--env", environment)

    assert checked.code == 0, checked.said


def test_the_modules_are_formatted_as_terraform_wants_them() -> None:
    """What is there to be copied looks like what `terraform fmt` makes."""
    assert _terraform("fmt", "-check", "-recursive", "-list=true", directory=_STACKS) == ""


@pytest.mark.parametrize("module", _MODULES, ids=lambda path: path.relative_to(_STACKS).as_posix())
def test_the_modules_describe_what_they_take_and_give(module: Path) -> None:
    """A newcomer learns from every variable and output what it is."""
    for file in ("variables.tf", "outputs.tf"):
        lines = (module / file).read_text().splitlines()
        for line, following in pairwise(lines):
            if line.startswith(("variable ", "output ")):
                assert following.startswith("  description = "), f"{file}: {line}"


def test_the_quickstart_downloads_nothing(tmp_path: Path) -> None:
    """Its modules need what is built into Terraform, and nothing else."""
    for module in sorted((_STACKS / "quickstart" / "modules").iterdir()):
        copy = tmp_path / module.name
        shutil.copytree(module, copy)
        _terraform("init", "-input=false", directory=copy)

        assert "terraform.io/builtin/terraform" in _terraform("providers", directory=copy)
        assert not (copy / ".terraform.lock.hcl").exists()
        assert not (copy / ".terraform" / "providers").exists()


def _terraform(*arguments: str, directory: Path) -> str:
    ended = subprocess.run(
        ("terraform", *arguments),
        cwd=directory,
        # A settings file of this machine that is named and not there is a warning in every output.
        env={**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
