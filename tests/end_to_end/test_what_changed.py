"""`plan --since REVISION`: what a change would do, without planning what it does not touch."""

import pytest

from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack

pytestmark = pytest.mark.integration


def test_only_what_changed_is_planned_and_every_choice_is_told(world: World) -> None:
    """The set that changed is planned, the others are left with the reason; nothing is pruned or destroyed."""
    before = small_stack(world)
    world.apply()
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Change a text")

    plan = world.plan("--since", before)

    assert "~ ConfigMap" in plan.stdout
    assert "1 to update" in plan.stdout
    assert "modules.base: planned" not in plan.stderr
    assert f"Since {before[:10]}: 1 of 3 units" in plan.stdout
    assert "left   modules.base: nothing that it is made of changed" in plan.stdout
    assert (
        f"taken  manifests.platform: stacks/{world.name}/platform/texts.yaml changed"
        in " ".join(plan.stdout.split("\n         "))
    )
    assert "left   manifests.shop" in plan.stdout


def test_what_git_lost_is_planned_too(world: World) -> None:
    """A set and a module that a change removes are shown as they will be pruned and destroyed."""
    before = small_stack(world)
    world.apply()
    world.declare(None, {"platform": {"path": "platform", "namespace": world.name}})
    world.commit("Remove the shop")

    plan = world.plan("--since", before)

    assert "modules.base  (no longer in Git)" in plan.stdout
    assert "manifests.shop  (no longer in Git)" in plan.stdout
    assert "3 to delete" in plan.stdout
    assert "left   manifests.platform" in plan.stdout


def test_nothing_changed(world: World) -> None:
    """Then nothing is planned, and nobody claims that what runs was looked at."""
    before = small_stack(world)

    plan = world.plan("--since", before, "--detailed-exitcode")

    assert f"Nothing to do: what changed since {before[:10]} is what runs." in plan.stdout


@pytest.mark.parametrize("option", [("--only", "platform"), ("--destroy",), ("--out", "x.plan")])
def test_it_goes_with_no_other_choice(world: World, option: tuple[str, ...]) -> None:
    """A plan of a part is there to be looked at."""
    small_stack(world)

    ended = world.run("plan", world.name, "--since", "HEAD", *option)

    assert ended.code == 64
    assert f"--since and {option[0]} do not go together" in ended.stderr
