"""The past is read from the ledger alone: in another repository, without stack file, cluster and state."""

import signal
from pathlib import Path

import pytest

from tests.end_to_end.commands import Ended, alive, eventually, held
from tests.end_to_end.stacks import ECHO, config_map, holding
from tests.end_to_end.world import World, small_stack
from tests.git import git

pytestmark = pytest.mark.integration

_FAILING = ECHO.replace(
    "input = var.text",
    'input = var.text\n  provisioner "local-exec" {\n    command = "echo no room left; exit 3"\n  }',
)


def test_a_failure_is_explained_where_there_is_nothing_but_the_ledger(world: World) -> None:
    """Status, runs, one run whole, what differs, who changed it, and why: in a repository without a commit."""
    first = small_stack(world)
    world.apply()
    world.write(
        "modules/base/main.tf",
        _FAILING.replace('"echo"', '"other"').replace("data.echo", "data.other"),
    )
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "changed"}))
    world.commit("Break the module")
    assert world.run("apply", world.name, "--yes").code == 1
    place = _elsewhere(world)

    failed, applied = _asked(world, place, "history", "-o", "json").json["runs"]
    assert (applied["outcome"], failed["outcome"]) == ("applied", "failed")
    status = _asked(world, place, "status", "-o", "json").json
    assert [bad["revision"]["subject"] for bad in status["bad"]] == ["Break the module"]
    assert status["healthy"]["revision"]["commit"] == first
    explained = _asked(world, place, "explain", "shop").stdout
    assert "manifests.shop was not begun" in explained
    assert "no room left" in explained
    blamed = _asked(world, place, "blame", "configmap/platform", "-o", "json").json
    assert blamed["changed"]["run"]["entry"] == applied["entry"]

    begun = _asked(world, place, "history", "-o", "json").json["entries"][-1]["entry"]
    shown = _asked(world, place, "history", "show", begun[:12], world.name, "-o", "json").json
    assert shown["run"]["entry"] == applied["entry"]
    assert {unit["unit"]: bool(unit["changes"]) for unit in shown["plan"]} == {
        "modules.base": True,
        "manifests.platform": True,
        "manifests.shop": True,
    }
    assert {unit["unit"]: unit["seconds"] for unit in shown["units"]}["modules.base"] > 0
    compared = _asked(world, place, "history", "diff", applied["entry"], failed["entry"])
    assert "modules.base" in compared.stdout
    assert world.name not in (place / ".git" / "HEAD").read_text()  # nothing was checked out


def test_a_killed_run_is_told_and_abandoned_though_its_stack_file_is_broken(
    world: World, folder: Path
) -> None:
    """It never finished; who says that nobody will is recorded with the reason, and nothing is open any more."""
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare({"held": {"source": "./modules/held"}}, None)
    world.commit()
    running = world.start("apply", world.name, "--yes")
    processes = held(folder)
    at_work = world.run("history", world.name, "-o", "json").json["runs"][0]
    refused = world.run("abandon", at_work["entry"], world.name, "--why", "impatience")
    running.signal(signal.SIGKILL)
    running.end()
    (folder / "go").touch()
    eventually(lambda: not any(map(alive, processes)), "the end of Terraform")
    world.write("stack.yaml", "version: 1\nname: [")

    listed = world.run("history", world.name, "--env", "default")
    explained = world.run("explain", "held", world.name)
    abandoned = world.run(
        "abandon", at_work["entry"][:12], world.name, "--why", "the machine is gone"
    )
    again = world.run("abandon", at_work["entry"], world.name, "--why", "once more")
    status = world.run("status", world.name, "-o", "json")

    assert (at_work["ending"], refused.code) == ("at work", 75)
    assert "never finished: apply at" in listed.stdout, listed.said
    assert "stack.yaml cannot be read; the ledger can" in listed.stderr
    assert "to create terraform_data.held" in explained.stdout, explained.said
    assert abandoned.code == 0, abandoned.said
    assert (again.code, "is over" in again.stderr or "no run" in again.stderr) == (64, True)
    assert status.json["open"] is None
    assert f"entry {at_work['entry'][:10]}" in status.json["broken_off"]
    assert [unit["outcome"] for unit in status.json["units"]] == ["interrupted"]
    assert "the machine is gone" in world.run("history", world.name).stdout


def _elsewhere(world: World) -> Path:
    """Return a repository that has fetched the ledger, and nothing else."""
    place = world.root.with_name("elsewhere")
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main")
    ref = f"refs/orchestrator/{world.name}/default"
    git(place, "fetch", "--quiet", world.root.as_uri(), f"{ref}:{ref}")
    return place


def _asked(world: World, place: Path, *arguments: str) -> Ended:
    nowhere = {"KUBECONFIG": "/nowhere", "ORCHESTRATOR_SANDBOX": str(place / "nowhere")}
    ended = world.run(*arguments, directory=place, **nowhere)
    assert ended.code == 0, ended.said
    return ended
