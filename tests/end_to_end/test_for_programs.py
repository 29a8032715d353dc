"""What scripts and pipelines rely on: exit codes, JSON, where the command is run, pipes that close early."""

import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forked.command import ORCHESTRATOR
from tests.git import git

pytestmark = pytest.mark.integration


def test_a_plan_tells_by_its_exit_code_whether_it_would_change_anything(world: World) -> None:
    """With `--detailed-exitcode` it is 2 for changes and 0 for none; without, always 0."""
    small_stack(world)

    assert world.run("plan", world.name, "--detailed-exitcode").code == 2
    assert world.run("plan", world.name).code == 0

    world.apply()

    assert world.run("plan", world.name, "--detailed-exitcode").code == 0
    assert world.run("plan", world.name, "--destroy", "--detailed-exitcode").code == 2


def test_a_pipeline_stops_at_what_it_names(world: World) -> None:
    """With `--fail-on` it is 3 for what the plan does, said on stderr; what it does not do changes nothing."""
    small_stack(world)
    world.apply()

    creating = world.run("plan", world.name, "--fail-on", "destroy", "--fail-on", "data-loss")
    destroying = world.run("plan", world.name, "--destroy", "--fail-on", "destroy", "-o", "json")

    assert creating.code == 0
    assert destroying.code == 3
    assert destroying.json["destroy"] is True
    assert "what --fail-on names: destroy." in destroying.stderr


def test_json_says_what_text_says(world: World) -> None:
    """Plan, apply, status and history: one document on stdout, with the same facts as for people."""
    commit = small_stack(world)

    text, plan = world.plan().stdout, world.plan("--output", "json").json
    changes = {
        (unit["unit"], change["name"]): change
        for unit in plan["units"]
        for change in unit["changes"]
    }
    greeting = changes["manifests.shop", f"ConfigMap {world.name}/greeting"]
    assert plan["counts"] == {"create": 4, "deferred": 0}
    assert "Plan: 4 to create." in text
    assert plan["digest"][:16] in text
    assert plan["revision"]["commit"] == commit
    assert greeting["fields"] == [
        {
            "path": "data.text",
            "before": {"absent": True},
            "after": {"unknown": True, "sources": ["modules.base.kept"]},
            "forces_replacement": False,
        }
    ]
    for _, name in changes:
        assert name in text

    applied = world.apply("--output", "json").json
    assert applied["outcome"] == "applied"
    assert {result["unit"]: result["outcome"] for result in applied["results"]} == {
        "modules.base": "applied",
        "manifests.platform": "applied",
        "manifests.shop": "applied",
    }
    assert applied["plan"]["digest"] == plan["digest"]

    status = world.run("status", world.name, "--output", "json").json
    assert [unit["applied"]["commit"] for unit in status["units"]] == [commit] * 3
    assert {unit["by"] for unit in status["units"]} == {"Grace Hopper <grace@example.org>"}
    assert [unit["objects"] for unit in status["units"]] == [0, 1, 2]
    assert world.run("status", world.name).stdout.count(commit[:10]) == 3

    entries = world.run("history", world.name, "--output", "json").json["entries"]
    assert entries[0]["entry"] == applied["entry"]
    assert [entry["message"] for entry in entries] == world.ledger()
    assert entries[0]["outcome"] == "applied"
    assert {entry["plan"] for entry in entries} == {plan["digest"]}


def test_an_error_in_json_has_its_hint_and_exit_code(world: World) -> None:
    """A program learns why without reading prose, and stdout stays one document."""
    small_stack(world)

    ended = world.run("apply", "nothing-like-it", "--yes", "--output", "json")

    error = ended.json["error"]
    assert ended.code == error["exit_code"] == 64
    assert error["kind"] == "UsageError"
    assert error["message"] in ended.stderr


def test_nothing_is_asked_where_nobody_can_answer(world: World) -> None:
    """Without a terminal and without `--yes` an apply is refused before anything is planned."""
    small_stack(world)

    ended = world.run("apply", world.name)

    assert ended.code == 64
    assert "--yes" in ended.stderr
    assert world.ledger() == []


def test_the_command_works_from_anywhere_in_the_repository(world: World, tmp_path: Path) -> None:
    """From a subdirectory, by `-C`, by a path, in a linked worktree: the same stack, state and ledger."""
    small_stack(world)
    inside = world.root / "stacks" / world.name / "shop"
    linked = tmp_path / "linked"

    applied = world.run("apply", world.name, "--yes", directory=inside)
    assert applied.code == 0, applied.said

    for verb in ("validate", "graph", "status", "history"):
        ended = world.run(verb, world.name, directory=inside)
        assert ended.code == 0, ended.said
        assert world.name in ended.stdout

    git(world.root, "worktree", "add", "--quiet", "--detach", str(linked))
    for where, arguments in (
        (tmp_path, ("-C", str(world.root), "plan")),
        (tmp_path, ("-C", str(inside), "plan", "..")),
        (inside.parent, ("plan", "stack.yaml")),
        (world.root, ("plan", f"stacks/{world.name}")),
        (linked, ("plan", world.name)),
    ):
        planned = world.run(*arguments, "--detailed-exitcode", directory=where)
        assert planned.code == 0, (arguments, planned.said)

    path = linked / "stacks" / world.name / "platform" / "texts.yaml"
    path.write_text(path.read_text().replace("plain", "from the worktree"))
    git(linked, "commit", "--quiet", "--all", "--message", "Change a text in the worktree")
    applied = world.run("apply", world.name, "--yes", directory=linked)

    assert applied.code == 0, applied.said
    assert world.data("platform") == {"text": "from the worktree"}
    assert git(linked, "rev-parse", "HEAD")[:10] in world.ledger()[0]
    assert not (linked / ".orchestrator").exists()


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_pipe_that_closes_early_breaks_nothing(world: World, output: str) -> None:
    """`apply | head -1`: no traceback, and what was begun is finished and recorded."""
    world.declare({}, {"many": {"path": "many.yaml", "namespace": world.name}})
    world.manifests("many.yaml", *(config_map(f"text-{index:03}") for index in range(80)))
    world.commit()

    for verb in (("plan",), ("apply", "--yes"), ("status",)):
        command = f"{ORCHESTRATOR} {verb[0]} {world.name} --output {output} {' '.join(verb[1:])}"
        piped = subprocess.run(
            ("sh", "-c", f"{command} | head -c 1"),
            cwd=world.root,
            env=dict(world.variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert len(piped.stdout) == 1
        assert "Traceback" not in piped.stderr
        assert "error:" not in piped.stderr
        assert "Exception ignored" not in piped.stderr

    entries = world.ledger()
    assert len(world.live()) in {0, 80}
    assert not entries or entries[0].endswith("80 created")
    assert not world.locks()
    assert world.run("plan", world.name, "--detailed-exitcode").code == (0 if entries else 2)
