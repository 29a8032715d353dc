"""A request to merge on a forge on loopback: its commits on a remote, and the verb as a workflow runs it."""

from pathlib import Path

from tests.end_to_end.commands import Ended, Running, eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served
from tests.git import git


def add_origin(world: World, folder: Path) -> None:
    """Give the repository a remote that holds main."""
    git(world.root, "init", "--quiet", "--bare", str(folder / "origin.git"))
    git(world.root, "remote", "add", "origin", str(folder / "origin.git"))
    git(world.root, "push", "--quiet", "origin", "main")


def propose(world: World, forge: Served) -> str:
    """Push what is checked out as the head of the pull request, and return it."""
    git(world.root, "push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{NUMBER}/head")
    forge.head = git(world.root, "rev-parse", "HEAD")
    return forge.head


def workflow(forge: Served) -> dict[str, str]:
    """Return the variables of a workflow that runs for the request."""
    return {
        "GITHUB_API_URL": forge.api,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": f"refs/pull/{NUMBER}/merge",
        "GITHUB_TOKEN": TOKEN,
    }


def comment(world: World, forge: Served, *arguments: str, **variables: str) -> Ended:
    """Run the verb as a workflow does."""
    given = {**workflow(forge), **variables}
    return world.run("comment", *arguments, directory=None, **given)


def standing(forge: Served) -> dict[str, str]:
    """Return how the statuses of the request's commit stand: the last of each name."""
    return {
        each["context"]: f"{each['state']}: {each['description']}"
        for each in forge.statuses
        if each["sha"] == forge.head
    }


_HELD = """#!/bin/sh
touch FOLDER/started
i=0; while [ ! -e FOLDER/go ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done
exec terraform "$@"
"""


def begin_held(world: World, forge: Served, folder: Path) -> Running:
    """Propose a change of a small stack, and return a run of the verb that plans until ``go`` is in a folder."""
    small_stack(world)
    add_origin(world, folder)
    git(world.root, "checkout", "--quiet", "-b", "change")
    stack = world.root / "stacks" / world.name / "stack.yaml"
    stack.write_text(f"{stack.read_text()}terraform: {{binary: {_held_terraform(folder)}}}\n")
    change(world, "fancy")
    propose(world, forge)
    running = world.start("comment", directory=None, **workflow(forge))
    eventually((folder / "started").exists, "the run to plan")
    return running


def _held_terraform(folder: Path) -> Path:
    program = folder / "terraform.sh"
    program.write_text(_HELD.replace("FOLDER", str(folder)))
    program.chmod(0o755)
    return program


def change(world: World, text: str) -> str:
    """Commit another text of a small stack; return the commit."""
    world.manifests("platform/texts.yaml", config_map("platform", {"text": text}))
    return world.commit(f"Say {text}")
