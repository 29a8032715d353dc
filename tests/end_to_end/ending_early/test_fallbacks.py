"""A run that dies between a rollout that failed and what was to follow that: the next one does it."""

from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.ending_early.points import KILL, points_of
from tests.end_to_end.stacks import deployment
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_FREEZE = {"zone": "Europe/Berlin", "freeze": [{"cron": "* * * * *", "for": "1h"}]}
_BROKEN = {"sandbox.orchestrator/fail": "ImagePullBackOff"}
_NOW = ("--acknowledge", "window")
# Of a run: two looks, the lock, the intent, that the rollout failed, a look, and the intent to bring back what was.
_FAILED, _BEGUN = "git update-ref 5 after", "git update-ref 7 after"


@pytest.mark.parametrize(
    ("point", "last"),
    [
        pytest.param(_FAILED, "1 updated, failed at manifests.shop", id="before it began"),
        pytest.param(_BEGUN, "1 to update", id="when it had begun", marks=pytest.mark.soak),
    ],
)
def test_what_was_to_follow_a_failure_outlives_the_run(
    world: World, sandbox: Sandbox, tmp_path: Path, *, point: str, last: str
) -> None:
    """That it is owed is recorded with the failure: `status` tells it, and the next apply in time does that alone."""
    healthy = _shop(world, "shop/web:1", {})
    world.apply(*_NOW)
    bad = _shop(world, "shop/web:2", _BROKEN)
    with points_of(world, tmp_path / "points", sandbox.kubeconfig) as points:
        points.strike_at(point, KILL)
        points.world.run("apply", world.name, "--yes", *_NOW)
        assert points.struck, points.seen()
        points.await_end()
    assert world.ledger()[0].endswith(f": {last}"), world.ledger()
    assert _image(world) == "shop/web:2"
    owed = f"the workloads of {healthy[:10]} were to come back after {bad[:10]} failed"
    assert owed in _flat(world.run("status", world.name).stdout)

    frozen = world.run("apply", world.name, "--yes")
    assert "may not be changed now: it is frozen" in _flat(frozen.stderr), frozen.said
    assert _image(world) == "shop/web:2"

    ended = world.run("apply", world.name, "--yes", *_NOW)

    assert ended.code == 1, ended.said
    assert f"Not applied again: {world.name}/default at {bad[:10]}" in _flat(ended.stdout)
    assert f"Brought back the workloads of {healthy[:10]}" in _flat(ended.stdout)
    assert "it was not applied again" in _flat(ended.stdout)
    assert _image(world) == "shop/web:1"
    assert world.ledger()[0].startswith(
        f"restore {world.name}/default at {healthy[:10]}: 1 updated"
    )
    assert owed not in _flat(world.run("status", world.name).stdout)
    again = world.run("apply", world.name, "--yes", *_NOW)
    assert "it is not applied again unless you say so" in _flat(again.stderr)


def _shop(world: World, image: str, pods: dict[str, str]) -> str:
    manifests = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare({}, manifests, on_failure="restore-workloads", guards={"windows": _FREEZE})
    world.manifests("shop/web.yaml", deployment("web", image=image, annotations=pods))
    return world.commit(f"Run {image}")


def _image(world: World) -> str:
    spec = world.object("Deployment", "web")["spec"]["template"]["spec"]
    image: str = spec["containers"][0]["image"]
    return image


def _flat(text: str) -> str:
    return " ".join(text.split())
