"""A request to stop, at any moment: exit 130, nothing left running, the truth in the ledger, and a way on."""

import shlex
import signal
from pathlib import Path

import pytest

from orchestrator.infrastructure.binary import find_binary
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.end_to_end.commands import Ended, Running, alive, eventually, held
from tests.end_to_end.stacks import ECHO, config_map, deployment, holding
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_INTERRUPTED = 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_during_terraforms_work(world: World, folder: Path, number: signal.Signals) -> None:
    """Terraform saves its state, its provisioner is ended, the workloads are not begun; the next apply goes on."""
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare(
        {"held": {"source": "./modules/held"}},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
    )
    world.manifests("shop.yaml", config_map("shop"))
    world.commit()
    running = world.start("apply", world.name, "--yes")
    processes = held(folder)

    ended = _stopped(running, number)

    assert not any(map(alive, processes))
    assert "terraform_data.before" in world.resources("held")
    assert world.live() == {}
    _assert_recorded(world, ended, {"modules.held": "interrupted", "manifests.shop": None})
    (folder / "go").touch()
    _assert_converges(world)
    assert world.resources("held").keys() == {"terraform_data.before", "terraform_data.held"}
    assert world.live().keys() == {"shop"}


def test_twice_in_a_hurry(world: World, folder: Path) -> None:
    """The second request does not wait for Terraform's grace: it is asked again at once, then all is over."""
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare({"held": {"source": "./modules/held"}}, {})
    world.commit()
    running = world.start("apply", world.name, "--yes")
    processes = held(folder)

    running.signal(signal.SIGINT)
    ended = _stopped(running, signal.SIGINT)

    assert not any(map(alive, processes))
    _assert_recorded(world, ended, {"modules.held": "interrupted"})
    (folder / "go").touch()
    _assert_converges(world)


def test_during_a_rollout(world: World) -> None:
    """What was applied stays, what comes after is not begun, nothing is pruned."""
    _declare_rollout(world, delay="")
    world.manifests("web/old.yaml", config_map("old"))
    world.commit()
    world.apply()
    (world.root / "stacks" / world.name / "web" / "old.yaml").unlink()
    _declare_rollout(world, delay="120s")
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: _image(world) == "web:120s", "the Deployment to be applied")

    ended = _stopped(running, signal.SIGTERM)

    assert world.live().keys() == {"old", "after"}
    assert world.data("after") == {"delay": ""}
    _assert_recorded(
        world, ended, {"manifests.web": "interrupted", "manifests.after": "applied"}, applied=2
    )
    _declare_rollout(world, delay="0s")
    _assert_converges(world)
    assert world.live().keys() == {"after"}
    assert world.data("after") == {"delay": "0s"}


def test_during_a_deletion(world: World) -> None:
    """An object that waits for its finalizer stays in the inventory, and is waited for again by the next apply."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/kept.yaml", config_map("kept"))
    world.manifests("shop/slow.yaml", config_map("slow", finalizers=["example.org/slow"]))
    world.commit()
    world.apply()
    (world.root / "stacks" / world.name / "shop" / "slow.yaml").unlink()
    world.commit()
    running = world.start("apply", world.name, "--yes")
    eventually(
        lambda: "deletionTimestamp" in world.object("ConfigMap", "slow")["metadata"],
        "the deletion to be under way",
    )

    ended = _stopped(running, signal.SIGINT)

    _assert_recorded(world, ended, {"manifests.shop": "interrupted"}, applied=1)
    world.patch("ConfigMap", "slow", {"metadata": {"finalizers": None}})
    _assert_converges(world)
    assert world.live().keys() == {"kept"}


@pytest.mark.parametrize(
    ("verb", "command"), [("plan", "init"), ("apply", "plan"), ("apply", "show")]
)
def test_while_planning(world: World, folder: Path, verb: str, command: str) -> None:
    """Nothing was changed, nothing is recorded, and no process or temporary file is left."""
    _declare_held_engine(world, folder, command)
    running = world.start(verb, world.name, *(["--yes"] if verb == "apply" else []))
    (process,) = held(folder)

    ended = _stopped(running, signal.SIGINT)

    assert not alive(process)
    assert "stopped" in ended.stderr
    assert world.ledger() == []
    assert not world.locks()
    assert world.state("base") == {}
    assert world.left_behind() == []
    assert _plan_files(world) == []
    (folder / "go").touch()
    if verb == "apply":
        _assert_converges(world)


def test_while_a_destruction_runs(world: World, folder: Path) -> None:
    """What is gone is forgotten, what is not stays listed, and the next destroy takes the rest."""
    world.write("modules/base/main.tf", ECHO)
    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": "hello"}}},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
        terraform={"binary": _engine(world, folder, "apply", unless="first")},
    )
    world.manifests("shop.yaml", config_map("shop"))
    world.commit()
    (folder / "first").touch()
    world.apply()
    (folder / "first").unlink()
    running = world.start("destroy", world.name, "--yes")
    held(folder)

    ended = _stopped(running, signal.SIGTERM)

    assert world.live() == {}
    assert world.resources("base")
    _assert_recorded(
        world, ended, {"modules.base": "interrupted", "manifests.shop": None}, applied=1
    )
    (folder / "go").touch()
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    assert world.resources("base") == {}


def _stopped(running: Running, number: signal.Signals) -> Ended:
    running.signal(number)
    ended = running.end()
    assert ended.code == _INTERRUPTED, ended.said
    assert "Traceback" not in ended.said
    return ended


def _assert_recorded(
    world: World, ended: Ended, units: dict[str, str | None], *, applied: int = 0
) -> None:
    """Check that ledger, status and report agree about the interruption; ``applied`` units had been before."""
    assert "interrupted" in world.ledger()[0]
    assert "Interrupted" in ended.stdout
    assert not world.locks()
    status = world.run("status", world.name, "--output", "json").json
    assert {unit["unit"]: unit["outcome"] for unit in status["units"]} == units
    assert sum(1 for unit in status["units"] if unit["applied"]) == applied
    assert status["unfinished"] == ""
    newest = world.run("history", world.name, "--output", "json").json["entries"][0]
    assert newest["outcome"] == "interrupted"
    assert world.left_behind() == []


def _assert_converges(world: World) -> None:
    world.apply()
    planned = world.run("plan", world.name, "--detailed-exitcode")
    assert planned.code == 0, planned.said
    assert _plan_files(world) == []


def _plan_files(world: World) -> list[str]:
    return [file.name for file in (world.root / ".orchestrator" / "units").rglob("*.tfplan")]


def _declare_rollout(world: World, *, delay: str) -> None:
    namespace = world.name
    world.declare(
        {},
        {
            "web": {"path": "web", "namespace": namespace},
            "after": {"path": "after.yaml", "namespace": namespace, "needs": ["web"]},
        },
    )
    annotations = {"sandbox.orchestrator/delay": delay} if delay else {}
    image = f"web:{delay or 'first'}"
    world.manifests("web/web.yaml", deployment("web", image=image, annotations=annotations))
    world.manifests("after.yaml", config_map("after", {"delay": delay}))
    world.commit()


def _image(world: World) -> str:
    spec = world.object("Deployment", "web")["spec"]["template"]["spec"]
    image: str = spec["containers"][0]["image"]
    return image


def _declare_held_engine(world: World, folder: Path, command: str) -> None:
    world.write("modules/base/main.tf", ECHO)
    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": "hello"}}},
        {},
        terraform={"binary": _engine(world, folder, command)},
    )
    world.commit()


def _engine(world: World, folder: Path, command: str, *, unless: str = "go") -> str:
    """Write a program that is Terraform, but for one command that it begins only when it is let go."""
    real = find_binary(Terraform(), Settings.read(), world.root).argv
    program = world.write(
        "engine",
        f"""#!/bin/sh
folder={shlex.quote(str(folder))}
if [ "$1" = {command} ] && [ ! -e "$folder/{unless}" ]; then
  echo $$ > "$folder/started.new"
  mv "$folder/started.new" "$folder/started"
  trap 'exit 1' INT
  i=0
  while [ ! -e "$folder/go" ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done
fi
exec {shlex.join(real)} "$@"
""",
    )
    program.chmod(0o755)
    return str(program)
