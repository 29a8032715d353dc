"""What a request says about itself: it changes neither how it is judged, nor what anybody runs."""

import json
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.requests import add_origin, comment, propose
from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.served import NUMBER, serving
from tests.forges.small_forges import SmallGitHub
from tests.git import git

pytestmark = pytest.mark.integration

_POLICIES = {"guards": {"destroys": 0}, "risks": {"ConfigMap": "data-loss"}}


def _base(world: World) -> str:
    """Apply a small stack, then protect its module: that was not applied yet when a request comes."""
    world.write("echo/main.tf", ECHO)
    modules = {"echo": {"source": "./echo", "inputs": {"text": "hello"}}}
    manifests = {"shop": {"path": "shop.yaml", "namespace": world.name}}
    world.declare(modules, manifests, **_POLICIES)
    world.manifests("shop.yaml", config_map("kept"), config_map("gone"))
    world.commit("Add a stack")
    world.apply()
    protected = {"echo": {**modules["echo"], "protect": True}}
    world.declare(protected, manifests, **_POLICIES)
    return world.commit("Protect the module")


def test_a_request_is_judged_by_the_policies_of_its_base(world: World, tmp_path: Path) -> None:
    """It lifts limits and protection, calls losses harmless and names another ledger: none of it counts yet."""
    base = _base(world)
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    manifests = {"shop": {"path": "shop.yaml", "namespace": world.name}}
    world.declare(
        None,
        manifests,
        guards={"destroys": 9, "prune": "100%"},
        risks={"*": "reversible"},
        ledger={"store": "directory", "path": str(elsewhere)},
    )
    world.manifests("shop.yaml", config_map("kept"))
    world.commit("Take away what is in the way")

    ended = world.run("preview", "--base", "main")
    as_json = world.run("preview", "--base", "main", "--output", "json")

    assert "1 plan refused, 1 loses data, 2 to delete, policies change in 1 plan" in ended.stdout
    assert "! refused: modules.echo is protected" in ended.stdout
    assert "guards.prune, guards.destroys, ledger.store, ledger.path, risks.*" in ended.stdout
    assert f"\n- ConfigMap {world.name}/gone" in ended.stdout
    assert [*elsewhere.iterdir()] == []
    (told,) = as_json.json["stacks"]
    assert "modules.echo.protect" in told["overruled"]
    assert [each["message"].partition(" ")[0] for each in told["refusals"]] == [
        "this",
        "modules.echo",
        "what",
    ]


def test_each_thing_that_guards_refuse_is_told(world: World) -> None:
    """Whoever approves the plan agrees to all of it, and one reason must not hide another."""
    base = _base(world)
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    world.declare(None, None)
    world.commit("Take all of it away")

    ended = world.run("preview", "--base", "main", "--output", "json")

    (told,) = ended.json["stacks"]
    refused = " ".join(each["message"] for each in told["refusals"])
    assert "declares no unit any more" in refused
    assert "more than the 0 that `guards.destroys` allows" in refused
    assert "modules.echo is protected" in refused


def test_a_request_can_repair_its_base(world: World) -> None:
    """What stands in the base cannot be read, and so cannot judge: that is told, and the request is planned."""
    small_stack(world)
    file = world.root / "stacks" / world.name / "stack.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(f"{good}\nguards: [\n", encoding="utf-8")
    base = world.commit("Break it")
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    file.write_text(good, encoding="utf-8")
    world.commit("Repair it")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert (
        "### Merging: 1 plan needs approval, 4 to create, 1 plan not judged by the base"
        in ended.stdout
    )
    assert (
        f"! not judged by the base, since its stacks/{world.name}/stack.yaml cannot be read"
        in ended.stdout
    )


@pytest.mark.parametrize("broken", ["nonsense: 1\n", "<<<<<<< HEAD\nguards: {approvals: 1\n"])
def test_who_repairs_the_settings_hides_no_stack(world: World, broken: str) -> None:
    """What is a stack by the base is one all the same, though its settings cannot be read, or nothing of them any more.

    Then it is what they said before they were broken.
    """
    small_stack(world)
    settings = world.root / "orchestrator.yaml"
    if "nonsense" not in broken:
        git(world.root, "mv", "stacks", "apps")
        settings.write_text("stacks: [apps/*/stack.yaml]\n", encoding="utf-8")
        world.commit("Keep stacks elsewhere")
    settings.write_text(broken, encoding="utf-8")
    base = world.commit("Break the settings")
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    settings.write_text("stacks: [nowhere/*/stack.yaml]\n", encoding="utf-8")
    world.commit("Repair them")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert "1 plan needs approval" in ended.stdout


def test_a_request_that_changes_a_kubeconfig_alone_is_planned_in_its_cluster(
    world: World, sandbox: Sandbox
) -> None:
    """What is checked out is another revision's; where clusters are limited, what it calls by a name is not asked."""
    named = world.root / "clusters" / "prod.json"
    named.parent.mkdir()
    named.write_text(sandbox.kubeconfig.read_text())
    world.declare(
        {},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
        cluster={"kubeconfig": "clusters/prod.json"},
    )
    world.manifests("shop.yaml", config_map("shop"))
    open_to_all = world.commit("Add a stack")
    settings = world.root / "orchestrator.yaml"
    settings.write_text("allow: {kubeconfigs: [clusters/*]}\n", encoding="utf-8")
    limited = world.commit("Limit clusters")
    git(world.root, "checkout", "--quiet", "-b", "change", open_to_all)
    other = {**json.loads(sandbox.kubeconfig.read_text()), "current-context": "of-the-request"}
    named.write_text(json.dumps(other))
    head = world.commit("Name another cluster")
    git(world.root, "checkout", "--quiet", "main")

    there = world.run("preview", "--base", open_to_all, "--head", head)
    refused = world.run("preview", "--base", limited, "--head", head)

    assert there.code == refused.code == 1
    assert "has no context 'of-the-request'" in there.stdout
    assert "of-the-request" not in refused.said
    assert "the kubeconfig 'clusters/prod.json' is changed here" in refused.stdout


def test_the_ledger_of_a_request_is_reached_by_the_kubeconfig_of_its_base(
    world: World, sandbox: Sandbox
) -> None:
    """Approvals are in it: whoever proposes a change does not say where they are looked for."""
    named = world.root / "keeper.json"
    named.write_text(sandbox.kubeconfig.read_text())
    ledger = {"store": "cluster", "kubeconfig": "keeper.json", "namespace": world.name}
    world.declare({}, {"shop": {"path": "shop.yaml", "namespace": world.name}}, ledger=ledger)
    world.manifests("shop.yaml", config_map("shop"))
    base = world.commit("Add a stack")
    ended = world.run("status", world.name)  # of no revision: a ledger alone is looked at
    assert ended.code == 0, ended.said
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    named.write_text(named.read_text().replace("127.0.0.1", "nowhere.invalid"))
    world.commit("Keep it elsewhere")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert "policies change in 1 plan" in ended.stdout
    assert "ledger.kubeconfig" in ended.stdout


def test_a_request_can_take_away_one_of_two_that_have_one_name(world: World) -> None:
    """The merge has one: what stays is planned, since nobody knows which of them was there, and nothing is gone."""
    small_stack(world)
    own = world.root / "stacks" / world.name
    twin = world.write("../twin/stack.yaml", (own / "stack.yaml").read_text(encoding="utf-8"))
    base = world.commit("Have two")
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    twin.unlink()
    world.commit("Take one away")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert "1 plan needs approval, 4 to create, 1 plan not judged by the base" in ended.stdout
    assert f"since 2 stacks are named '{world.name}' there" in ended.stdout
    assert "no longer in Git" not in ended.stdout


def test_the_history_of_a_request_names_no_ledgers(world: World, tmp_path: Path) -> None:
    """Where a ledger may have been before is told by the base, for a stack that has none yet."""
    base = small_stack(world)
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    file = world.root / "stacks" / world.name / "stack.yaml"
    before = file.read_text(encoding="utf-8")
    place = f"ledger: {{store: directory, path: {tmp_path}/nowhere}}\n"
    file.write_text(f"{before}\n{place}", encoding="utf-8")
    world.commit("Say where it never was")
    file.write_text(before, encoding="utf-8")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Say it no more")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 0, ended.said
    assert "to create" in ended.stdout
    assert "nowhere" not in ended.said


@pytest.mark.parametrize("base", ["--upload-pack=touch${IFS}PWNED", "$(touch${IFS}PWNED);`id`"])
def test_a_branch_is_never_an_option_nor_a_command(world: World, tmp_path: Path, base: str) -> None:
    """Whatever the base is called, it is a branch; and so it is in what is told of it."""
    branch = base.replace("PWNED", str(tmp_path / "pwned"))
    small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Say fancy")

    with serving(held := SmallGitHub(base=branch)):
        propose(world, held)
        ended = comment(world, held)
        git(world.root, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        stale = comment(world, held, "--refresh")

    assert ended.code == stale.code == 0, ended.said + stale.said
    assert "### Merging: 4 to create" in held.texts[0]
    assert f"request {NUMBER} is stale: {world.name}/default ({branch} moved on" in stale.stdout
    assert not (tmp_path / "pwned").exists()


def test_a_stack_is_never_an_option_nor_a_command(world: World, tmp_path: Path) -> None:
    """A name that none may have is refused in words, whatever directory it comes from, and others are planned."""
    base = small_stack(world)
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    for name in ("--help", f"$(touch {tmp_path}|pwned)", "`id`", "a\nb"):
        folder = world.root / "stacks" / name.replace("/", "_")
        folder.mkdir()
        (folder / "stack.yaml").write_text(f"version: 1\nname: {name!r}\n")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Add stacks by other names")

    ended = world.run("preview", "--base", "main")

    assert ended.code == 1
    assert "4 of 5 plans failed, 4 to create" in ended.stdout
    assert not (tmp_path / "pwned").exists()
