"""A patrol looks at many stacks in one go, and changes nothing."""

import json
from pathlib import Path

from tests.end_to_end.agents.keeper import Keeper
from tests.end_to_end.stacks import config_map, documents, stack_file
from tests.end_to_end.world import World
from tests.git import git


def _write(world: World, name: str, text: str) -> None:
    folder = world.root / "stacks" / name
    folder.mkdir(parents=True, exist_ok=True)
    sets = {"texts": {"path": "texts.yaml", "namespace": world.name}}
    (folder / "stack.yaml").write_text(stack_file(name, manifests=sets))
    (folder / "texts.yaml").write_text(documents(config_map(name, {"text": text})))


def _patrolled(keeper: Keeper, names: list[str], revision: str, trace: Path) -> set[str]:
    """Return which stacks a patrol finds astray; Git writes down what it was asked."""
    clone = keeper.home / "agent" / "repositories" / "shop"
    looks = [word for name in names for word in ("--look", f"{name}/default")]
    where = ("--config", str(keeper.home / "agent.yaml"), "--revision", revision)
    ended = keeper.world.run(
        *("agent", "work", "patrol", "shop", *where, *looks),
        directory=clone,
        GIT_TRACE=str(trace),
    )
    assert ended.code == 0, ended.said
    return {each["stack"] for each in json.loads(ended.stdout)["astray"]}


def _ended(keeper: Keeper, task: str, revision: str) -> str:
    """Return how a run ends that is to do that with the stack of the world, at a revision."""
    where = ("--config", str(keeper.home / "agent.yaml"), "--revision", revision)
    what = (task, "shop", keeper.world.name, "default")
    ended = keeper.world.run("agent", "work", *what, *where, directory=keeper.home)
    assert ended.code == 0, ended.said
    return str(json.loads(ended.stdout)["end"])


def _asked(trace: Path) -> int:
    """Return how often the remote was asked; objects are read by one program for all stacks."""
    assert trace.read_text().count("built-in: git cat-file") == 1
    return trace.read_text().count("built-in: git ls-remote")


def test_many_stacks_are_looked_at_with_one_question_to_the_remote(
    keeper: Keeper, world: World, tmp_path: Path
) -> None:
    """It finds what drifted and nothing else; a ledger that moved elsewhere is asked for by itself."""
    names = [f"{world.name}-{letter}" for letter in "abc"]
    for name in names:
        _write(world, name, "as it is")
    revision = keeper.push("Add stacks")
    assert keeper.once().code == 0

    calm = _patrolled(keeper, names, revision, tmp_path / "calm")
    assert not calm
    assert _asked(tmp_path / "calm") == 1

    world.patch("ConfigMap", names[1], {"data": {"text": "by hand"}})
    assert _patrolled(keeper, names, revision, tmp_path / "drift") == {names[1]}
    assert _asked(tmp_path / "drift") == 1
    assert world.data(names[1])["text"] == "by hand"

    git(world.root, "fetch", "--quiet", "origin", "+refs/orchestrator/*:refs/orchestrator/*")
    suspended = world.run("agent", "suspend", names[2], "--why", "to see")
    assert suspended.code == 0, suspended.said
    assert _patrolled(keeper, names, revision, tmp_path / "moved") == {names[1], names[2]}
    assert _asked(tmp_path / "moved") > 1


def test_a_replica_that_has_not_read_what_was_applied_takes_nothing_back(
    keeper: Keeper, world: World
) -> None:
    """Only where the branch itself went back is an older revision brought about again, and then no newer one."""
    first = git(world.root, "rev-parse", "HEAD")
    assert keeper.once().code == 0
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "welcome"}))
    second = keeper.push("Welcome people")
    assert keeper.once().code == 0
    assert _ended(keeper, "reconcile", first) == "overtaken"
    assert world.data("greeting")["text"] == "welcome"
    git(world.root, "push", "--quiet", "--force", "origin", f"{first}:main")
    assert _ended(keeper, "reconcile", first) == "applied"
    assert _ended(keeper, "reconcile", second) == "overtaken"
    assert world.data("greeting")["text"] == "hello"


def test_nothing_is_taken_away_that_may_be_declared_again(keeper: Keeper, world: World) -> None:
    """Who takes a stack away asks first whether the branch still stands where that has none."""
    assert keeper.once().code == 0
    git(world.root, "rm", "--quiet", f"stacks/{world.name}/stack.yaml")
    without = keeper.push("Close the shop")
    git(world.root, "revert", "--no-edit", "HEAD")
    keeper.push("Open it again")
    assert keeper.once().code == 0
    assert _ended(keeper, "destroy", without) == "overtaken"
    assert world.data("greeting")["text"] == "hello"
    git(world.root, "push", "--quiet", "--force", "origin", f"{without}:main")
    assert _ended(keeper, "destroy", without) == "destroyed"
    assert not world.exists("ConfigMap", "greeting")
