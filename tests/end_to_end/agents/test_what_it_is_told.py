"""What stands in the agent's own file of a stack, and of what one run may take, is kept to."""

import json
from typing import Any

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_BUSY = """
resource "terraform_data" "busy" {{
  provisioner "local-exec" {{
    command = <<-EOT
      {command}
    EOT
  }}
}}
"""
_GREEDY = "python3 -c 'import time; kept = bytes(1) * (1 << 30); time.sleep(600)'"


def _text(world: World) -> str:
    return world.data("greeting")["text"] if world.exists("ConfigMap", "greeting") else ""


def _ended(keeper: Keeper, code: int) -> dict[str, Any]:
    """Return how the one task of a run ended."""
    ended = keeper.once()
    assert ended.code == code, ended.said
    (task,) = told(ended, "task ended")
    return task


@pytest.mark.parametrize(
    ("limits", "command", "why"),
    [
        ({"time": "3s"}, "sleep 600", "it took longer than the 3 seconds that one run may take"),
        (
            {"memory": "768MiB"},
            _GREEDY,
            "it took more than the 768 MiB of memory that one run may take",
        ),
    ],
    ids=["time", "memory"],
)
def test_a_run_that_takes_too_much_has_failed(
    keeper: Keeper, world: World, limits: dict[str, str], command: str, why: str
) -> None:
    """It is ended, and told as a failure with why; its lock is given back, and the mend is applied."""
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.write("modules/busy/main.tf", _BUSY.format(command=command))
    world.declare({"busy": {"source": "./modules/busy"}}, shop)
    keeper.push("Take too much")
    keeper.tell(limits={"grace": "2s", **limits})
    task = _ended(keeper, 1)
    assert (task["end"], task["level"], task["why"]) == ("failed", "warning", why)
    assert "`limits` in the agent's file" in task["hint"]
    assert not keeper.locks()
    world.write("modules/busy/main.tf", "")
    keeper.push("Take less")
    keeper.tell()
    assert _ended(keeper, 0)["end"] == "applied"
    assert _text(world) == "hello"


def test_nothing_is_applied_outside_of_its_windows(keeper: Keeper, world: World) -> None:
    """The plan is told, with until when it is held and by what; whoever applies by hand is not bound by them."""
    frozen = {"freeze": [{"cron": "* * * * *", "for": "1h"}]}
    keeper.tell(repository={"stacks": {world.name: {"windows": frozen}}})
    task = _ended(keeper, 3)
    assert (task["end"], task["waits"], task["done"]) == ("held", "window", "1 to create")
    assert "frozen by the `windows` of the agent's file" in task["why"]
    assert task["hint"] == "no end is in sight; if it cannot wait, do it by hand"
    assert (_text(world), keeper.ledger()) == ("", [])
    applied = world.run("apply", world.name, "--yes")
    assert applied.code == 0, applied.said
    assert _text(world) == "hello"
    keeper.tell()
    assert _ended(keeper, 0)["end"] == "unchanged"


def test_only_its_branch_and_its_environments_are_kept(keeper: Keeper, world: World) -> None:
    """Of two environments on two branches the one that it is told of is brought to the branch that it is told of."""
    names = {each: f"greeting-{each}" for each in ("staging", "production")}
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    environments = {each: {"vars": {"name": name}} for each, name in names.items()}
    world.declare(None, shop, environments=environments)
    for branch in ("live", "main"):
        texts = config_map("${{ vars.name }}", {"text": f"of {branch}"})
        world.manifests("shop/texts.yaml", texts)
        keeper.push(f"Say what is {branch}")
        if branch == "live":
            git(world.root, "push", "--quiet", "origin", "main:live")
    stacks = {world.name: {"environments": ["production"]}}
    keeper.tell(repository={"branch": "live", "stacks": stacks})
    task = _ended(keeper, 0)
    assert (task["environment"], task["end"]) == ("production", "applied")
    assert world.data(names["production"])["text"] == "of live"
    assert not world.exists("ConfigMap", names["staging"])


@pytest.mark.parametrize(("policy", "end"), [("heal", "applied"), ("report", "drifted")])
def test_terraform_looks_for_drift_on_a_schedule(
    keeper: Keeper, world: World, policy: str, end: str
) -> None:
    """Without a commit it finds what a look at the cluster cannot, and brings it back or tells it."""
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.write("modules/base/main.tf", ECHO)
    world.declare({"base": {"source": "./modules/base", "inputs": {"text": "hello"}}}, shop)
    keeper.push("Add a module")
    drift = {"policy": policy, "workloads": False, "infrastructure": "1s"}
    keeper.tell(defaults={"drift": drift})
    running = keeper.start()
    running.await_line('"end": "applied"')
    running.await_line('"end": "unchanged"')
    (state,) = (keeper.home / "agent").rglob("base.tfstate")
    document = json.loads(state.read_text())
    _input(document)["value"] = "by hand"
    changed = state.with_name("changed")
    changed.write_text(json.dumps(document))
    changed.replace(state)
    seen = json.loads(running.await_line(f'"end": "{end}"'))
    assert (seen["task"], seen["stack"]) == ("infrastructure", world.name)
    kept = _input(json.loads(state.read_text()))["value"]
    assert kept == ("hello" if policy == "heal" else "by hand")


def _input(state: Any) -> Any:
    """Return what a state has as the input of its one resource."""
    (instance,) = state["resources"][0]["instances"]
    return instance["attributes"]["input"]
