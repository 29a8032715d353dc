"""`orchestrator terraform UNIT -- …`: Terraform's own commands where the unit's state and inputs are."""

import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.commands import held
from tests.end_to_end.stacks import ECHO, holding
from tests.end_to_end.world import World
from tests.forked.command import ORCHESTRATOR
from tests.git import make_remote

pytestmark = pytest.mark.integration


@pytest.fixture
def applied(world: World) -> World:
    """Return a world with a module applied that reads another one."""
    world.write("modules/echo/main.tf", ECHO)
    texts = {"base": "hello", "next": "${{ modules.base.kept }} again"}
    modules = {
        name: {"source": "./modules/echo", "inputs": {"text": text}} for name, text in texts.items()
    }
    world.declare(modules, None)
    world.commit()
    world.apply()
    return world


def test_it_reads_the_units_state_and_passes_its_exit_code_on(applied: World) -> None:
    """Stdout is Terraform's alone; nothing is in the ledger afterwards."""
    entries = applied.ledger()

    listed = applied.run("terraform", "base", "--", "state", "list")
    output = applied.run("terraform", "modules.next", "--", "output", "-raw", "kept")
    missing = applied.run("terraform", "base", "--", "state", "show", "terraform_data.nope")

    assert (listed.code, listed.stdout) == (0, "terraform_data.echo\n")
    assert (output.code, output.stdout) == (0, "hello again")
    assert missing.code == 1
    assert applied.ledger() == entries
    assert not applied.locks()


def test_it_has_the_units_inputs(applied: World) -> None:
    """Also those that come from another module; stdin is passed on, so that a console can be typed into."""
    asked = subprocess.run(
        (ORCHESTRATOR, "terraform", "next", "--", "console"),
        cwd=applied.root,
        env=dict(applied.variables),
        input="var.text\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    planned = applied.run("terraform", "next", "--", "plan", "-detailed-exitcode")

    assert asked.stdout == '"hello again"\n', asked.stderr
    assert planned.code == 0, planned.said


def test_what_changes_the_state_is_in_the_ledger(applied: World, tmp_path: Path) -> None:
    """The addresses are told, and how it ended when that was not well; a plan then finds what moved.

    What cannot be told before is not done, and not told later either.
    """
    remote = make_remote(tmp_path / "remote.git", of=applied.root)
    moved = ("terraform_data.echo", "terraform_data.other")

    done = applied.run("terraform", "base", "--", "state", "mv", *moved)
    failed = applied.run("terraform", "base", "--", "state", "rm", "terraform_data.nope")
    hook = remote / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/orchestrator/*) exit 1;; esac\n", encoding="utf-8")
    hook.chmod(0o755)
    refused = applied.run("terraform", "base", "--", "state", "rm", "terraform_data.other")
    hook.unlink()

    assert (done.code, failed.code, refused.code) == (0, 1, 1), done.said
    assert "what was done" not in refused.said
    assert applied.resources("base").keys() == {"terraform_data.other"}
    history = applied.run("history", applied.name).stdout
    assert "terraform state mv terraform_data.echo terraform_data.other on modules.base" in history
    assert "terraform state rm terraform_data.nope on modules.base" in history
    assert "ended with 1" in history
    assert "terraform state rm terraform_data.other" not in history
    assert "1 to create, 1 to delete" in " ".join(applied.plan("--only", "base").stdout.split())


def test_what_would_go_behind_the_ledgers_back_is_refused(applied: World) -> None:
    """An apply without a plan that was seen, and a unit that is none."""
    before = applied.snapshot()

    refused = applied.run("terraform", "base", "--", "apply", "-auto-approve")
    unknown = applied.run("terraform", "bsae", "--", "state", "list")

    assert (refused.code, unknown.code) == (64, 64)
    assert "--only UNIT" in refused.stderr
    assert "did you mean 'base'?" in unknown.stderr
    assert applied.snapshot() == before


def test_it_waits_for_nobody_who_applies(world: World, tmp_path: Path) -> None:
    """The stack's lock is taken: a state is not looked at, or changed, in the middle of an apply."""
    world.write("modules/slow/main.tf", holding(str(tmp_path)))
    world.declare({"slow": {"source": "./modules/slow"}}, None)
    world.commit()
    running = world.start("apply", world.name, "--yes")
    held(tmp_path)

    refused = world.run("terraform", "slow", "--", "state", "list")

    (tmp_path / "go").touch()
    assert refused.code == 75, refused.said
    assert running.end().code == 0
