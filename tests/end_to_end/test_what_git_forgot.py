"""Stacks and environments that are gone from Git: told, never touched by an apply, and destroyed by name."""

import shutil

import pytest

from tests.end_to_end.world import World, small_stack
from tests.git import git

pytestmark = pytest.mark.integration


@pytest.mark.timeout(240)
def test_what_git_forgot_is_told_and_destroyed_from_the_revision_that_applied_it(
    world: World,
) -> None:
    """A stack that gains environments, and then is deleted: each leaves something, until it is destroyed."""
    small_stack(world)
    world.apply()
    text = (world.root / "stacks" / world.name / "stack.yaml").read_text()
    world.create_namespace(f"{world.name}-blue")
    blue = text.replace(f"namespace: {world.name}", f"namespace: {world.name}-blue")
    world.write("stack.yaml", f"{blue}environments:\n  blue: {{}}\n")
    world.commit("Begin with environments")

    applied = world.apply("--env", "blue")

    told = " ".join(applied.stdout.split())
    assert (
        f"{world.name}/default is no longer declared and still has 3 objects and 1 module" in told
    )
    assert f"orchestrator destroy {world.name} --env default" in told
    assert world.live().keys() == {"platform", "greeting", "colours"}
    refused = world.run("apply", world.name, "--env", "default", "--yes")
    assert refused.code == 64, refused.said

    destroyed = world.run("destroy", world.name, "--env", "default", "--yes")

    assert destroyed.code == 0, destroyed.said
    assert "is no longer declared in Git; taken as it was applied at" in destroyed.stderr
    assert world.live() == {}
    assert world.resources("base") == {}
    assert len(world.live(namespace=f"{world.name}-blue")) == 3
    assert "no longer declared" not in world.plan("--env", "blue").stdout

    shutil.rmtree(world.root / "stacks" / world.name)
    world.commit("Delete the stack")
    (line,) = (
        each
        for each in world.run("stacks", "-o", "json").json["stacks"]
        if each["environment"] == "blue"
    )
    assert (line["declared"], line["objects"], line["modules"]) == (False, 3, 1)
    gone = world.run("destroy", world.name, "--yes", "--env", "blue")
    assert gone.code == 0, gone.said
    assert world.live(namespace=f"{world.name}-blue") == {}
    assert git(world.root, "status", "--porcelain") == ""
