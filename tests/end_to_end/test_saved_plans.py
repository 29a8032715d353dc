"""A plan that was saved is executed just as it was shown, or not at all."""

import json
import stat
from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World, small_stack

pytestmark = pytest.mark.integration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where to save a plan."""
    return tmp_path / "shop.plan"


def test_a_saved_plan_is_executed_whatever_git_says_by_then(world: World, file: Path) -> None:
    """The plan's own revision is applied and recorded; the commits since are left for the next plan."""
    planned = small_stack(world)
    world.plan("--out", str(file))
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "later"}))
    world.commit("Change what was planned")

    applied = world.run("apply", str(file), "--yes")

    assert applied.code == 0, applied.said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert world.data("platform") == {"text": "plain"}
    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "hello"
    assert planned[:10] in world.ledger()[0]

    again = world.run("apply", str(file), "--yes")

    assert again.code == 1
    assert "was applied since this plan was made" in again.stderr
    assert len(world.ledger()) == 3


def test_a_plan_is_best_saved_where_git_does_not_see_it(world: World) -> None:
    """Git would take a plan with its secrets into a commit, and a plan of changed files would change itself."""
    small_stack(world)

    told = world.plan("--out", "shop.plan")

    assert "Git would take it into a commit" in told.stderr
    world.write("stack.yaml", (world.root / "stacks" / world.name / "stack.yaml").read_text() + "#")
    refused = world.run("plan", world.name, "--out", "shop.plan")
    assert refused.code == 64, refused.said
    assert "one of the uncommitted files" in refused.stderr

    hidden = world.plan("--out", ".orchestrator/shop.plan")
    assert "Git would" not in hidden.stderr
    applied = world.run("apply", ".orchestrator/shop.plan", "--yes", "--allow-dirty")
    assert applied.code == 0, applied.said


def test_a_saved_plan_executes_also_what_is_planned_in_turn(world: World, file: Path) -> None:
    """A unit that had to wait is planned during the apply, as it was said; Git is not asked again."""
    world.write("modules/base/main.tf", ECHO)
    texts = {"first": "hello", "second": "${{ modules.first.kept }}"}
    world.declare(
        {
            name: {"source": "./modules/base", "inputs": {"text": text}}
            for name, text in texts.items()
        },
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
    )
    world.manifests("shop.yaml", config_map("shop", {"id": "${{ modules.second.id }}"}))
    world.commit()
    world.plan("--out", str(file))
    world.write("modules/base/main.tf", "a mistake")

    applied = world.run("apply", str(file), "--yes")

    assert applied.code == 0, applied.said
    made = world.resources("second")["terraform_data.echo"]
    assert made["output"]["value"] == "hello"
    assert world.data("shop") == {"id": made["id"]}


def test_a_saved_destruction_is_executed(world: World, file: Path) -> None:
    """`plan --destroy --out` saves what `destroy` would do, and `apply FILE` does it."""
    small_stack(world)
    world.apply()
    world.plan("--destroy", "--out", str(file))

    applied = world.run("apply", str(file), "--yes")

    assert applied.code == 0, applied.said
    assert world.live() == {}
    assert world.resources("base") == {}


def test_a_saved_plan_gives_up_nothing_protected_unasked(world: World, file: Path) -> None:
    """That a plan was saved is no acknowledgement: what is protected has to be given up by name."""
    world.write("modules/base/main.tf", ECHO)
    inputs = {"text": "kept"}
    base = {"source": "./modules/base", "inputs": inputs, "protect": True}
    world.declare({"base": base}, None)
    world.commit()
    world.apply()
    world.plan("--destroy", "--out", str(file))

    _refused(world, file, "--acknowledge destroy:modules.base")

    acknowledged = world.run("apply", str(file), "--acknowledge", "destroy:modules.base")
    assert acknowledged.code == 0, acknowledged.said
    assert world.resources("base") == {}


def test_a_saved_plan_is_refused_when_the_ledger_moved(world: World, file: Path) -> None:
    """Somebody applied meanwhile: the plan was made against something else."""
    small_stack(world)
    world.apply()
    _change(world)
    world.plan("--out", str(file))
    world.apply("--only", "manifests.platform")

    _refused(world, file, "was applied since this plan was made")


def test_a_saved_plan_is_refused_when_an_object_moved(world: World, file: Path) -> None:
    """Somebody deleted one meanwhile: the refusal names what would be done beyond the plan."""
    small_stack(world)
    world.apply()
    _change(world)
    world.plan("--out", str(file))
    world.delete("ConfigMap", "colours")

    _refused(world, file, f"ConfigMap {world.name}/colours to create")


def test_a_saved_plan_is_refused_when_a_state_moved(world: World, file: Path) -> None:
    """Somebody ran Terraform meanwhile: the refusal names the module."""
    small_stack(world)
    world.apply()
    _change(world)
    world.plan("--out", str(file))
    state = world.root / ".orchestrator" / "state" / world.name / "default" / "base.tfstate"
    document = json.loads(state.read_text())
    state.write_text(json.dumps({**document, "serial": document["serial"] + 1}))

    _refused(world, file, "modules.base")


def test_a_plan_of_uncommitted_files_is_refused_when_they_changed(world: World, file: Path) -> None:
    """What was planned is not there any more, and the ledger could not say what was applied."""
    small_stack(world)
    world.apply()
    _change(world, commit=False)
    world.plan("--out", str(file))
    _refused(world, file, "--allow-dirty")

    world.manifests("platform/texts.yaml", config_map("platform", {"text": "once more"}))

    _refused(world, file, "changed since", "--allow-dirty")


def _change(world: World, *, commit: bool = True) -> None:
    """Change both halves."""
    world.write("modules/base/main.tf", f'{ECHO}\noutput "more" {{ value = 1 }}\n')
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "changed"}))
    if commit:
        world.commit()


def _refused(world: World, file: Path, because: str, *flags: str) -> None:
    before = world.snapshot()

    refused = world.run("apply", str(file), "--yes", *flags)

    assert refused.code == 1, refused.said
    assert because in refused.stderr
    assert world.snapshot() == before
    assert not world.locks()
