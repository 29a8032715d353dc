"""After a `git revert`: both halves are as they were, the plan says so, and says what does not come back."""

import json
from typing import Any

import pytest

from tests.end_to_end.stacks import ECHO, Document, config_map
from tests.end_to_end.world import World
from tests.git import git
from tests.workloads.custom import definition, thing

pytestmark = pytest.mark.integration

KEEPER = 'resource "terraform_data" "keeper" {\n  input = "kept"\n}\n'


def revert(world: World, *commits: str) -> str:
    """Revert commits, each with a commit of its own, and return the last of these."""
    git(world.root, "revert", "--no-edit", *commits)
    return git(world.root, "rev-parse", "HEAD")


def restored(world: World) -> dict[str, Any]:
    """Return what the newest entry of the ledger says that it restored, by commits."""
    ref = f"refs/orchestrator/{world.name}/default"
    entry = json.loads(git(world.root, "show", f"{ref}:entry.json"))
    back = entry["run"]["restores"]
    return {"to": back["revision"]["commit"], "over": back["over"]["commit"]}


def test_a_revert_brings_both_halves_back_and_a_revert_of_it_too(world: World) -> None:
    """A module added and one removed, one whose output manifests read, and an object that moved: all as before."""
    first = _two_modules(world)
    world.apply()
    uid = world.object("ConfigMap", "wanderer")["metadata"]["uid"]
    gone = world.resources("old")["terraform_data.keeper"]["id"]
    second = _other_modules(world)
    world.apply()
    assert world.data("greeting") == {"text": "good evening"}
    assert world.resources("old") == {}

    revert(world, second)
    planned = world.plan()
    world.apply()

    assert planned.stdout.splitlines()[1].startswith(
        f"Restores {world.name}/default to {first[:10]}, applied 20"
    )
    assert f"  undoes {second[:10]} (Change the modules)" in planned.stdout
    assert world.data("greeting") == {"text": "hello"}
    assert world.resources("new") == {}
    assert world.resources("old")["terraform_data.keeper"]["id"] != gone
    wanderer = world.object("ConfigMap", "wanderer")["metadata"]
    assert wanderer["uid"] == uid
    assert wanderer["annotations"]["orchestrator/unit"] == "manifests.shop"
    assert restored(world) == {"to": first, "over": second}
    assert f"(restores {first[:10]})" in world.ledger()[0]
    told = world.run("history", world.name, "--output", "json").json["runs"][0]["restores"]
    assert told == f"{first[:10]}, undoing {second[:10]}"

    third = git(world.root, "rev-parse", "HEAD")
    revert(world, "HEAD")
    world.apply()

    assert world.data("greeting") == {"text": "good evening"}
    assert world.resources("new")
    assert restored(world) == {"to": second, "over": third}
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0

    last = git(world.root, "rev-parse", "HEAD")
    git(world.root, "checkout", "--quiet", "--detach", third)
    stale = " ".join(world.plan().stdout.split())
    assert f"Note: this commit is older than {last[:10]}, which Grace Hopper applied last" in stale


def _two_modules(world: World) -> str:
    world.write("modules/base/main.tf", ECHO)
    world.write("modules/old/main.tf", KEEPER)
    world.declare(
        {
            "base": {"source": "./modules/base", "inputs": {"text": "hello"}},
            "old": {"source": "./modules/old"},
        },
        {
            "platform": {"path": "platform", "namespace": world.name},
            "shop": {"path": "shop", "namespace": world.name},
        },
    )
    world.manifests("platform/texts.yaml", config_map("platform"))
    greeting = config_map("greeting", {"text": "${{ modules.base.kept }}"})
    world.manifests("shop/texts.yaml", greeting)
    world.manifests("shop/wanderer.yaml", config_map("wanderer"))
    return world.commit("Begin")


def _other_modules(world: World) -> str:
    folder = world.root / "stacks" / world.name
    (folder / "modules/old/main.tf").unlink()
    (folder / "shop/wanderer.yaml").rename(folder / "platform/wanderer.yaml")
    text = (folder / "stack.yaml").read_text()
    text = text.replace("hello", "good evening").replace("old", "new")
    world.write("stack.yaml", text)
    world.write("modules/new/main.tf", KEEPER)
    return world.commit("Change the modules")


def test_what_goes_one_way_is_named(world: World) -> None:
    """Data that a replacement took and takes again, a moved resource, and a Job that ran for what is undone."""
    parts = {"base": {"source": "./modules/base"}}
    sets = {"shop": {"path": "shop", "namespace": world.name, "wait": False}}
    world.declare(parts, sets, risks={"terraform_data": "data-loss"})
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.write("modules/base/main.tf", _kept("old", "1"))
    world.commit("One")
    world.apply()
    moved = "moved {\n  from = terraform_data.old\n  to   = terraform_data.new\n}\n"
    world.write("modules/base/main.tf", _kept("new", "2") + moved)
    world.manifests("shop/migrate.yaml", _job("migrate"))
    second = world.commit("Two")
    world.apply("--acknowledge", "terraform_data.volume")
    assert world.exists("Job", "migrate")

    revert(world, second)
    left = world.plan("--output", "json").json["restores"]["unrestored"]

    assert sorted((one["name"], one["why"]) for one in left) == [
        (f"Job {world.name}/migrate", "ran"),
        ("terraform_data.new", "moved"),
        ("terraform_data.old", "emptied"),
        ("terraform_data.volume", "data"),
    ]


def _kept(name: str, round_: str) -> str:
    """Return a module of a resource of that name, and one that each round replaces."""
    volume = f'resource "terraform_data" "volume" {{\n  triggers_replace = ["{round_}"]\n}}\n'
    return f'resource "terraform_data" "{name}" {{\n  input = "kept"\n}}\n{volume}'


def _job(name: str) -> Document:
    container = {"name": "main", "image": "shop/migrate:1"}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": pod},
    }


def test_several_commits_at_once_and_what_came_between(world: World) -> None:
    """Commits that the stack is not made of stay; a revision that failed is undone like any other."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("texts", {"step": "1"}))
    first = world.commit("One")
    world.apply()
    world.manifests("shop/texts.yaml", config_map("texts", {"step": "2"}))
    second = world.commit("Two")
    world.apply()
    (world.root / "README.md").write_text("A shop\n")
    world.commit("Say what it is")
    world.manifests("shop/texts.yaml", config_map("texts", {"step": "3"}))
    world.manifests("shop/wrong.yaml", config_map("Wrong", {"step": "3"}))
    third = world.commit("Three")
    assert world.run("apply", world.name, "--yes").code == 1

    revert(world, third, second)
    back = world.plan("--output", "json").json["restores"]
    world.apply()

    assert (back["revision"]["commit"], back["by"]) == (
        first,
        "Grace Hopper <grace@example.org>",
    )
    assert back["over"]["commit"] in {second, third}  # what is refused in the plan never began
    assert world.data("texts") == {"step": "1"}
    assert (world.root / "README.md").exists()
    world.manifests("shop/texts.yaml", config_map("texts", {"step": "4"}))
    world.commit("Four")
    assert world.plan("--output", "json").json["restores"] is None


def test_a_definition_goes_with_its_resources_and_comes_back_empty(world: World) -> None:
    """What it held is named twice: before it goes with the revert, and when it is made again by another."""
    group = f"{world.name}.example.com"
    sets = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare({}, sets)
    world.manifests("shop/texts.yaml", config_map("texts"))
    world.commit("One")
    world.apply()
    sets["kinds"] = {"path": "kinds", "namespace": world.name}
    world.declare({}, sets)
    world.manifests("kinds/widgets.yaml", definition(group), thing(group, {"size": 1}))
    second = world.commit("Add widgets")
    world.apply()

    revert(world, second)
    kind = f"manifests.kinds/CustomResourceDefinition widgets.{group}"
    planned = " ".join(world.plan().stdout.split())
    assert world.run("apply", world.name, "--yes").code == 1
    world.apply("--acknowledge", f"CustomResourceDefinition widgets.{group}")

    assert f"a revert does not bring back: {kind}: what is in it goes with this plan" in planned
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert world.cluster.request("GET", f"{definitions}/widgets.{group}")[0] == 404

    revert(world, "HEAD")
    planned = " ".join(world.plan().stdout.split())
    world.apply()

    assert f"{kind}: what was in it is gone, and it starts empty" in planned
    path = f"/apis/{group}/v1/namespaces/{world.name}/widgets/first"
    assert world.cluster.get(path)["spec"] == {"size": 1}


def test_what_git_took_over_from_others_is_gone_back_on(world: World) -> None:
    """Nothing has to be sent where Git follows what others did; it is Git's by then, and recorded once."""
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name, "drift": "report"}})
    before = {"colour": "red", "size": "large", "shape": "round"}
    world.manifests("shop/settings.yaml", config_map("settings", before))
    world.commit()
    world.apply()
    world.patch("ConfigMap", "settings", {"data": {"colour": "blue", "size": None}})
    after = {"colour": "blue", "shape": "round"}
    world.manifests("shop/settings.yaml", config_map("settings", after))
    follows = world.commit("Follow what was done by hand")
    world.apply()
    recorded = world.ledger()
    world.apply()
    assert world.ledger() == recorded
    assert len(recorded) == 3

    revert(world, follows)
    world.apply()

    assert world.data("settings") == before
