"""Several clones of one repository: the ledger and its lock are shared through the remote."""

import dataclasses
import json
import signal
from pathlib import Path

import pytest

from tests.end_to_end.commands import alive, eventually, held
from tests.end_to_end.stacks import Document, config_map, deployment
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_remote

pytestmark = pytest.mark.integration

_ONLY_THE_BEGINNING = """#!/bin/sh
while read old new ref; do
  case $ref in refs/orchestrator/*) git log -1 --format=%s $new | grep -q -- "to create" || exit 1;; esac
done
"""


@pytest.fixture
def other(world: World, tmp_path: Path) -> World:
    """Return a second clone of a repository whose stack is committed and pushed."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("texts"), config_map("more"))
    world.commit()
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    clone = make_clone(remote, tmp_path / "clone")
    return dataclasses.replace(world, root=clone)


def test_a_clone_goes_on_from_what_another_applied(world: World, other: World) -> None:
    """Status, history and inventory come from the remote: nothing is done twice, and pruning knows its objects."""
    world.apply()
    entries = world.ledger()

    again = other.apply()

    assert "Nothing to do" in again.stdout
    assert other.ledger() == entries
    assert other.run("status", other.name).stdout == world.run("status", world.name).stdout

    other.manifests("shop/texts.yaml", config_map("texts", {"colour": "blue"}))
    other.commit()
    git(other.root, "push", "--quiet", "origin", "main")
    other.apply()
    git(world.root, "pull", "--quiet", "origin", "main")

    assert other.live().keys() == {"texts"}
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0
    assert world.ledger() == other.ledger() == _entries_of_the_remote(world)


def test_a_run_costs_as_few_pushes_however_many_units_it_has(
    world: World, other: World, tmp_path: Path
) -> None:
    """Four: the lock with its holder, the intent, what came of the infrastructure, and the outcome with the lock."""
    assert other.root != world.root
    for count in (1, 9):
        names = [f"part{number}" for number in range(count)]
        modules: Document = {name: {"source": "./modules/base"} for name in names[:2]}
        world.write("modules/base/main.tf", 'resource "terraform_data" "base" {}\n')
        world.declare(modules, {each: {"path": each, "namespace": world.name} for each in names})
        for name in names:
            world.manifests(f"{name}/text.yaml", config_map(name, {"count": str(count)}))
        world.commit()
        trace = tmp_path / f"trace-{count}"

        ended = world.run("apply", world.name, "--yes", GIT_TRACE2_EVENT=str(trace))

        assert ended.code == 0, ended.said
        assert _pushes(trace) == 4


def _pushes(trace: Path) -> int:
    """Return how often Git was told to push."""
    events = map(json.loads, trace.read_text(encoding="utf-8").splitlines())
    ours = (event for event in events if "/" not in event["sid"])  # not what Git starts itself
    return sum(event["event"] == "cmd_name" and event["name"] == "push" for event in ours)


def test_a_pipeline_without_the_history_knows_a_revert(world: World, other: World) -> None:
    """A shallow clone fetches what was applied: the plan says what it restores, and so does the ledger."""
    world.apply()
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit("Drop more")
    world.apply()
    git(world.root, "revert", "--no-edit", "HEAD")
    git(world.root, "push", "--quiet", "origin", "main")
    remote = Path(git(world.root, "remote", "get-url", "origin").removeprefix("file://"))
    shallow = make_clone(remote, other.root.parent / "shallow", "--depth=1")

    ended = dataclasses.replace(world, root=shallow).apply()

    first = git(world.root, "rev-parse", "HEAD~2")[:10]
    assert f"Restores {world.name}/default to {first}" in ended.stdout
    assert f"(restores {first})" in world.run("history", world.name).stdout
    assert world.live().keys() == {"texts", "more"}


def test_an_outcome_of_one_clone_follows_what_another_did(world: World, other: World) -> None:
    """A run whose remote refused its end is told and recorded when the clone runs again, after the other's."""
    remote = Path(git(world.root, "remote", "get-url", "origin").removeprefix("file://"))
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(_ONLY_THE_BEGINNING, encoding="utf-8")
    hook.chmod(0o755)
    kept = world.run("apply", world.name, "--yes")
    assert kept.code == 1
    assert "what was done is recorded in this clone alone" in kept.said
    hook.unlink()
    other.manifests("shop/texts.yaml", config_map("texts"))
    other.commit("Drop more")
    other.run("unlock", other.name)
    other.apply()

    assert "has outcomes that could not be recorded" in world.run("status", world.name).stderr
    told = world.run("apply", world.name, "--yes", "--acknowledge", f"prune:{world.name}")

    assert "recorded what could not be when it was done: apply" in told.stderr
    lines = [
        line for line in world.run("history", world.name).stdout.splitlines() if "apply at" in line
    ]
    assert [("recorded late" in line) for line in lines] == [False, True, False][-len(lines) :]
    assert world.run("ledger", "verify", world.name).code == 0


def test_a_saved_plan_is_refused_after_another_clone_applied(
    world: World, other: World, tmp_path: Path
) -> None:
    """What counts is the remote's ledger, not what this clone remembers of it."""
    file = tmp_path / "plan"
    world.plan("--out", str(file))
    other.apply()
    entries = other.ledger()

    refused = world.run("apply", str(file), "--yes")

    assert refused.code == 1
    assert "was applied since this plan was made" in refused.stderr
    assert _entries_of_the_remote(world) == entries


def test_a_clone_is_locked_out_while_another_applies(world: World, other: World) -> None:
    """The lock is on the remote; it is free again after an interrupt."""
    world.manifests(
        "shop/slow.yaml", deployment("slow", annotations={"sandbox.orchestrator/delay": "120s"})
    )
    world.commit()
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: world.live("Deployment"), "the rollout to begin")

    refused = other.run("apply", other.name, "--yes")

    assert refused.code == 75
    assert f"process {running.process.pid}" in refused.stderr
    running.signal(signal.SIGTERM)
    assert running.end().code == 130

    other.apply()

    assert other.live("Deployment") == {}
    assert other.live().keys() == {"texts", "more"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_remote_that_hangs_can_be_left(
    world: World, other: World, tmp_path: Path, number: signal.Signals
) -> None:
    """Two requests to stop end the wait for it at once, and no Git is left behind; nothing was applied."""
    folder = tmp_path / "hold"
    folder.mkdir()
    hook = other.root.with_name("remote.git") / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\necho $$ $PPID > {folder}/s; mv {folder}/s {folder}/started\n"
        f"i=0; while [ ! -e {folder}/go ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done\n"
    )
    hook.chmod(0o755)
    running = world.start("apply", world.name, "--yes")
    held(folder)

    running.signal(number)
    running.signal(signal.SIGTERM if number is signal.SIGINT else signal.SIGINT)
    ended = running.end()

    assert ended.code == 130, ended.said
    assert world.live() == {}
    (folder / "go").touch()
    eventually(lambda: not any(map(alive, held(folder))), "the end of the remote's own")
    other.apply()


def _entries_of_the_remote(world: World) -> list[str]:
    ref = f"refs/orchestrator/{world.name}/default"
    remote = world.root.with_name("remote.git")
    subjects = git(remote, "log", "--first-parent", "--format=%s", ref).splitlines()
    return [subject for subject in subjects if f"{world.name}/default at " in subject]
