"""Plan files and states that only the engine can read, as OpenTofu's `encryption` block makes them."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.infrastructure.binary import find_binary
from orchestrator.infrastructure.modules import reopen_plan, state_stamp
from orchestrator.stack.model import Terraform
from tests.infrastructure.ground import ECHO, Ground, values

pytestmark = pytest.mark.integration

_ENCRYPTION = """
terraform {
  encryption {
    key_provider "pbkdf2" "words" {
      passphrase = "correct-horse-battery-staple"
      iterations = 200000
    }
    method "aes_gcm" "words" {
      keys = key_provider.pbkdf2.words
    }
    state {
      method   = method.aes_gcm.words
      enforced = true
    }
    plan {
      method   = method.aes_gcm.words
      enforced = true
    }
  }
}
"""

# Stands in for OpenTofu where there is none: plan files that nobody but it can read.
_ENGINE = """#!{python}
import base64, pathlib, subprocess, sys

REAL, ARGUMENTS = {real!r}, sys.argv[1:]
[FILE] = [a.removeprefix("-out=") for a in ARGUMENTS if a.endswith(".tfplan")] or [""]

def turned(how):
    if FILE and pathlib.Path(FILE).exists():
        pathlib.Path(FILE).write_bytes(how(pathlib.Path(FILE).read_bytes()))

if ARGUMENTS[0] != "plan":
    turned(base64.b64decode)
code = subprocess.run([*REAL, *ARGUMENTS]).returncode
turned(base64.b64encode)
sys.exit(code)
"""


@pytest.fixture
def encrypting(ground: Ground, tmp_path: Path) -> Ground:
    """Return a ground with a module whose plans and states OpenTofu encrypts, or what stands in for it."""
    if shutil.which("tofu", path=ground.site.settings.search_path):
        ground.write("modules/echo/main.tf", ECHO + _ENCRYPTION)
        binary = find_binary(Terraform(binary="tofu"), ground.site.settings, tmp_path)
        return replace(ground, site=replace(ground.site, binary=binary))
    ground.write("modules/echo/main.tf")
    program = tmp_path / "terraform"
    argv = list(ground.site.binary.argv)
    program.write_text(_ENGINE.format(python=sys.executable, real=argv), encoding="utf-8")
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    return replace(ground, site=replace(ground.site, binary=binary))


def test_a_plan_file_that_cannot_be_read_is_no_plan_without_a_state(encrypting: Ground) -> None:
    """The state is asked for: else what is there would be taken for lost, and an apply refused."""
    ground, workspace = encrypting, encrypting.workspace()
    ground.apply(workspace, {"text": "one"})

    unchanged = ground.plan(workspace, {"text": "one"})
    changed = ground.plan(workspace, {"text": "two"})

    assert unchanged.state_stamp == changed.state_stamp == state_stamp(workspace) != ""
    assert (unchanged.plan_file, values(unchanged.outputs)) == (None, {"text": "one"})
    assert changed.plan_file is not None
    content = changed.plan_file.read_bytes()
    assert not content.startswith(b"PK")  # what a plan file is that can be read
    again = reopen_plan(workspace, content, state_stamp=changed.state_stamp)
    assert again.changes == changed.changes
