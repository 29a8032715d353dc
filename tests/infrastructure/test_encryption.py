"""Plan files that only the engine can read, as OpenTofu's `encryption { plan {…} }` makes them."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.infrastructure.modules import reopen_plan, state_stamp
from tests.infrastructure.ground import Ground, values

pytestmark = pytest.mark.integration

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


def test_a_plan_file_that_cannot_be_read_is_no_plan_without_a_state(
    ground: Ground, tmp_path: Path
) -> None:
    """The state is asked for: else what is there would be taken for lost, and an apply refused."""
    program = tmp_path / "terraform"
    argv = list(ground.site.binary.argv)
    program.write_text(_ENGINE.format(python=sys.executable, real=argv), encoding="utf-8")
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    ground = replace(ground, site=replace(ground.site, binary=binary))
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})

    unchanged = ground.plan(workspace, {"text": "one"})
    changed = ground.plan(workspace, {"text": "two"})

    assert unchanged.state_stamp == changed.state_stamp == state_stamp(workspace) != ""
    assert (unchanged.plan_file, values(unchanged.outputs)) == (None, {"text": "one"})
    assert changed.plan_file is not None
    again = reopen_plan(workspace, changed.plan_file.read_bytes(), state_stamp=changed.state_stamp)
    assert again.changes == changed.changes
