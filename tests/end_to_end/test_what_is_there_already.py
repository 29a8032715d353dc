"""Objects that exist, fields that others set, and fields that cannot be changed, as people meet them."""

import json
import signal
from typing import Any

import pytest

from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_HELM = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
}
_HOLD = "example.com/hold"


def _declare(world: World, text: str, **settings: object) -> None:
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name, **settings}})
    world.manifests("shop/texts.yaml", _fixed(text))
    world.commit()


def _fixed(text: str) -> dict[str, Any]:
    return {**config_map("texts", {"text": text}), "immutable": True}


def _digest(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("Digest: "))


def _by_others(world: World, metadata: dict[str, Any], **data: str) -> dict[str, Any]:
    return world.cluster.create(
        f"/api/v1/namespaces/{world.name}/configmaps?fieldManager=helm",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "texts", **metadata},
            "data": data,
        },
    )


def test_an_application_moves_over_from_helm(world: World) -> None:
    """Refused with its owner, shown with its owner where the stack may, then ours as a whole."""
    _by_others(world, _HELM, text="a", old="x")
    _declare(world, "a")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "belongs to the release shop/web of Helm" in refused.stderr

    _declare(world, "a", adopt=["helm/shop/*"])
    planned = world.plan()
    assert f"& helm/shop/web → ConfigMap {world.name}/texts" in planned.stdout
    assert "→ (removed)" in planned.stdout
    found = json.loads(world.plan("--output", "json").stdout)
    (change,) = found["units"][0]["changes"]
    assert (change["action"], change["previous"]) == ("adopt", "helm/shop/web")

    world.apply()

    assert world.data("texts") == {"text": "a"}
    _declare(world, "a")
    assert "Nothing to do" in world.plan().stdout


def test_whose_an_object_was_is_part_of_the_digest(world: World) -> None:
    """What was approved for an object of nobody does not hold for one of a release."""
    _by_others(world, {}, text="b", old="x")
    _declare(world, "a", adopt=["helm/shop/*"], conflicts="take")
    of_nobody = _digest(world.plan().stdout)
    world.patch("ConfigMap", "texts", {"metadata": _HELM}, manager="helm")

    assert _digest(world.plan().stdout) != of_nobody


def test_a_replacement_is_planned_saved_and_carried_out(world: World) -> None:
    """A saved plan replaces just what it showed, and leaves nothing to do."""
    _declare(world, "a", replace=True)
    world.apply()
    before = world.object("ConfigMap", "texts")["metadata"]["uid"]
    _declare(world, "b", replace=True)
    file = str(world.root.with_name("saved.plan"))
    planned = world.plan("--out", file)
    assert f"-/+ ConfigMap {world.name}/texts" in planned.stdout
    assert "# forces replacement" in planned.stdout
    assert "Plan: 1 to replace." in planned.stdout

    applied = world.run("apply", file)

    assert applied.code == 0, applied.said
    after = world.object("ConfigMap", "texts")
    assert (after["data"], after["metadata"]["uid"] != before) == ({"text": "b"}, True)
    assert "Nothing to do" in world.plan().stdout


def test_a_replacement_that_was_killed_is_finished_by_the_next_apply(world: World) -> None:
    """Killed while the old object goes: the next plan creates it, and nothing is orphaned."""
    _declare(world, "a", replace=True)
    world.apply()
    world.patch("ConfigMap", "texts", {"metadata": {"finalizers": [_HOLD]}}, manager="robot")
    _declare(world, "b", replace=True)
    running = world.start("apply", world.name, "--yes")
    eventually(
        lambda: "deletionTimestamp" in world.object("ConfigMap", "texts")["metadata"],
        "the deletion",
    )
    running.signal(signal.SIGKILL)
    running.end()
    world.patch("ConfigMap", "texts", {"metadata": {"finalizers": None}}, manager="robot")

    planned = world.plan()
    assert f"+ ConfigMap {world.name}/texts\n" in planned.stdout
    assert "(was deleted by an apply that did not succeed)" in planned.stdout
    world.apply()

    assert world.data("texts") == {"text": "b"}
    assert "Nothing to do" in world.plan().stdout
    assert world.run("destroy", world.name, "--yes").code == 0
    assert not world.exists("ConfigMap", "texts")
