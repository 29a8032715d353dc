"""Apply, change, apply again, remove, destroy: what is touched and, above all, what is not."""

import pytest

from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World, small_stack

pytestmark = pytest.mark.integration


def test_the_first_apply_makes_both_halves_and_feeds_one_with_the_other(world: World) -> None:
    """Infrastructure comes first, and its outputs are in the workloads; the ledger has intent and outcome."""
    small_stack(world)

    applied = world.apply()

    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "hello"
    assert world.data("greeting") == {"text": "hello"}
    assert world.live("ConfigMap").keys() == {"greeting", "colours", "platform"}
    assert "4 created" in applied.stdout
    newest, *_, oldest = world.ledger()
    assert newest.endswith(": 4 created")
    assert "4 to create" in oldest
    assert not world.locks()


def test_a_changed_value_touches_the_one_object_that_holds_it(world: World) -> None:
    """Cost follows change: every other object keeps its resourceVersion, the module its serial."""
    small_stack(world)
    world.apply()
    before = world.live("ConfigMap")
    serial = world.state("base")["serial"]

    world.manifests("platform/texts.yaml", config_map("platform", {"text": "changed"}))
    world.commit()
    applied = world.apply()

    after = world.live("ConfigMap")
    assert "1 updated" in applied.stdout
    assert after["platform"]["data"] == {"text": "changed"}
    for name in ("greeting", "colours"):
        assert (
            after[name]["metadata"]["resourceVersion"]
            == before[name]["metadata"]["resourceVersion"]
        )
    assert world.state("base")["serial"] == serial


def test_a_changed_input_flows_to_the_object_that_reads_it(world: World) -> None:
    """The plan shows both halves of the change, and says what is known only after the first."""
    small_stack(world)
    world.apply()
    before = world.live("ConfigMap")
    text = (world.root / "stacks" / world.name / "stack.yaml").read_text()

    world.write("stack.yaml", text.replace("hello", "good evening"))
    world.commit()
    planned = world.plan()
    world.apply()

    assert '"hello" → "good evening"' in planned.stdout
    assert "(known after apply: modules.base.kept)" in planned.stdout
    assert world.data("greeting") == {"text": "good evening"}
    assert world.live("ConfigMap")["colours"] == before["colours"]


def test_an_apply_with_nothing_to_do_leaves_no_trace(world: World) -> None:
    """No object, no state and no ledger entry changes when what runs is what Git says."""
    small_stack(world)
    world.apply()
    before, state, ledger = world.live("ConfigMap"), world.state("base"), world.ledger()

    again = world.apply()

    assert "Nothing to do" in again.stdout
    assert world.live("ConfigMap") == before
    assert world.state("base") == state
    assert world.ledger() == ledger


def test_a_commit_without_effect_is_recorded_and_nothing_is_touched(world: World) -> None:
    """What is applied is a revision: a commit that changes nothing live still becomes the applied one."""
    small_stack(world)
    world.apply()
    before, state = world.live("ConfigMap"), world.state("base")

    commit = world.commit("Say nothing new")
    world.apply()

    assert world.live("ConfigMap") == before
    assert world.state("base") == state
    assert commit[:10] in world.ledger()[0]
    units = world.run("status", world.name, "--output", "json").json["units"]
    assert {unit["applied"]["commit"] for unit in units} == {commit}


def test_a_document_that_left_git_is_pruned_after_everything_else(world: World) -> None:
    """Deleting comes last: the objects that stay are applied before anything goes."""
    small_stack(world)
    world.apply()

    world.manifests(
        "shop/texts.yaml", config_map("greeting", {"text": "${{ modules.base.kept }}, you"})
    )
    world.commit()
    planned = world.plan()
    applied = world.apply()

    assert f"- ConfigMap {world.name}/colours" in planned.stdout
    assert world.live("ConfigMap").keys() == {"greeting", "platform"}
    lines = applied.stderr.splitlines()
    updated = lines.index(f"  manifests.shop: updated ConfigMap {world.name}/greeting")
    deleted = lines.index(f"  manifests.shop: deleted ConfigMap {world.name}/colours")
    assert updated < deleted


def test_a_set_that_left_git_is_pruned_and_forgotten(world: World) -> None:
    """All objects of a removed set go, none of another, and status stops to list it."""
    small_stack(world)
    world.apply()
    kept = world.live("ConfigMap")["platform"]["metadata"]["uid"]

    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": "hello"}}},
        {"platform": {"path": "platform", "namespace": world.name}},
    )
    world.commit()
    world.apply()

    left = world.live("ConfigMap")
    assert {name: item["metadata"]["uid"] for name, item in left.items()} == {"platform": kept}
    assert _units(world) == ["modules.base", "manifests.platform"]


def test_an_object_moved_to_another_set_is_never_deleted(world: World) -> None:
    """A document that moves keeps its uid: a move is not a deletion and a creation."""
    small_stack(world)
    world.apply()
    before = world.live("ConfigMap")["colours"]

    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "${{ modules.base.kept }}"}))
    world.manifests(
        "platform/colours.yaml", config_map("colours", {"wall": "white", "door": "blue"})
    )
    world.commit()
    applied = world.apply()

    after = world.live("ConfigMap")["colours"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["annotations"]["orchestrator/unit"] == "manifests.platform"
    assert "1 moved" in applied.stdout


def test_a_module_that_left_git_is_destroyed_from_the_revision_that_made_it(world: World) -> None:
    """Its source is gone from the tree, and so is what it made; what it exported to is gone before."""
    small_stack(world)
    world.apply()
    assert world.resources("base")

    git_rm = world.root / "stacks" / world.name / "modules"
    (git_rm / "base" / "main.tf").unlink()
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "without a module"}))
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.commit("Go without the module")
    planned = world.plan()
    applied = world.apply()

    assert "modules.base  (no longer in Git)" in planned.stdout
    assert "terraform_data.echo" in planned.stdout
    assert world.resources("base") == {}
    assert world.data("greeting") == {"text": "without a module"}
    lines = applied.stderr.splitlines()
    pruned = lines.index(f"  manifests.platform: deleted ConfigMap {world.name}/platform")
    assert pruned < lines.index("  modules.base: deleted terraform_data.echo")
    assert _units(world) == ["manifests.shop"]


def test_destroy_takes_both_halves_away_in_reverse_order(world: World) -> None:
    """Workloads go before infrastructure, dependants before what they need; nothing is listed afterwards."""
    small_stack(world)
    world.write("modules/second/main.tf", ECHO)
    inputs = {"text": "${{ modules.base.kept }}"}
    world.declare(
        {
            "base": {"source": "./modules/base", "inputs": {"text": "hello"}},
            "second": {"source": "./modules/second", "inputs": inputs},
        },
        {
            "platform": {"path": "platform", "namespace": world.name},
            "shop": {"path": "shop", "namespace": world.name, "needs": ["platform"]},
        },
    )
    world.commit()
    world.apply()

    destroyed = world.run("destroy", world.name, "--yes")

    assert destroyed.code == 0, destroyed.said
    assert world.live("ConfigMap") == {}
    assert world.resources("base") == world.resources("second") == {}
    lines = destroyed.stderr.splitlines()
    steps = [
        lines.index(f"  manifests.shop: deleted ConfigMap {world.name}/greeting"),
        lines.index(f"  manifests.platform: deleted ConfigMap {world.name}/platform"),
        lines.index("  modules.second: deleted terraform_data.echo"),
        lines.index("  modules.base: deleted terraform_data.echo"),
    ]
    assert steps == sorted(steps)
    status = world.run("status", world.name, "--output", "json").json
    assert {unit["outcome"] for unit in status["units"]} == {None}
    assert world.ledger()[0].endswith("5 deleted")


def test_what_was_destroyed_can_be_applied_again(world: World) -> None:
    """After a destroy the stack starts from nothing, and its history goes on."""
    small_stack(world)
    world.apply()
    assert world.run("destroy", world.name, "--yes").code == 0
    entries = len(world.ledger())

    again = world.apply()

    assert "4 created" in again.stdout
    assert world.data("greeting") == {"text": "hello"}
    assert len(world.ledger()) > entries


def test_what_somebody_did_by_hand_is_put_back(world: World) -> None:
    """The plan shows the difference although Git did not change; what nobody declares is left alone."""
    small_stack(world)
    world.apply()
    gone = world.object("ConfigMap", "platform")["metadata"]["uid"]
    world.delete("ConfigMap", "platform")
    world.patch("ConfigMap", "colours", {"data": {"door": "green", "roof": "black"}})

    planned = world.plan()
    world.apply()

    assert "Plan: 1 to create, 1 to update." in planned.stdout
    assert '"green" → "blue"' in planned.stdout
    assert f"+ ConfigMap {world.name}/platform" in planned.stdout
    assert world.object("ConfigMap", "platform")["metadata"]["uid"] != gone
    assert world.data("colours") == {"wall": "white", "door": "blue", "roof": "black"}
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0


def test_what_another_controller_manages_is_taken_only_when_git_says_so(world: World) -> None:
    """The refusal names manager, field and place, and nothing changes; an annotation takes the field back."""
    small_stack(world)
    world.apply()
    world.patch("ConfigMap", "colours", {"data": {"door": "green"}}, "painter")
    before = world.snapshot()

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "painter set data.door" in refused.stderr
    assert f"stacks/{world.name}/shop/texts.yaml:" in refused.stderr
    assert world.snapshot() == before

    forced = {"orchestrator/force": "enabled"}
    world.manifests("shop/texts.yaml", config_map("colours", {"door": "blue"}, annotations=forced))
    world.commit()
    world.apply()

    assert world.data("colours") == {"door": "blue"}


def _units(world: World) -> list[str]:
    status = world.run("status", world.name, "--output", "json")
    assert status.code == 0, status.said
    return [unit["unit"] for unit in status.json["units"]]
