"""What people read of a change and of drift: on the real cluster, from the command, as text and as JSON."""

import re

import pytest

from tests.end_to_end.stacks import config_map, secret
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_CONF = "".join(f"option_{number} on;\n" for number in range(1, 41))


def web(image: str, *, sidecar: bool = False, replicas: int = 1) -> dict[str, object]:
    """Return a Deployment of one or two containers."""
    containers = [
        {
            "name": "web",
            "image": image,
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": "TOKEN", "value": "swordfish-1"}, {"name": "MODE", "value": "fast"}],
        },
        {"name": "log", "image": "example/log:1"},
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": containers if sidecar else containers[:1]},
            },
        },
    }


def declare(world: World, **settings: object) -> None:
    """Declare one set, which does not wait for anything."""
    entry = {"path": "shop", "namespace": world.name, "wait": False, **settings}
    world.declare(None, {"shop": entry})


def plan_of(world: World, *arguments: str) -> str:
    """Return a plan's text with its own commit, digest and names left out."""
    said = world.plan(*arguments).stdout
    shown = said.replace(world.name, "NAME")
    shown = re.sub(r" at [0-9a-f]{10} ", " at COMMIT ", shown)
    shown = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", shown)
    return re.sub(r"Digest: \w+", "Digest: DIGEST", shown)


def test_a_change_is_read_as_people_wrote_it(world: World) -> None:
    """Elements have their names, files their lines, secrets no value, and what the server fills in is not there."""
    declare(world)
    world.manifests(
        "shop/all.yaml",
        web("example/web:1"),
        config_map("conf", {"site.conf": _CONF, "mode": "fast"}),
        secret("login", {"token": "swordfish-1"}),
    )
    world.commit()
    world.apply()

    world.manifests(
        "shop/all.yaml",
        web("example/web:2", sidecar=True),
        config_map("conf", {"site.conf": _CONF.replace("20 on", "20 off"), "mode": "slow"}),
        secret("login", {"token": "swordfish-2"}),
    )
    world.commit("Slow it down")

    assert (
        plan_of(world)
        == """\
Plan for applying NAME/default at COMMIT (Slow it down)

  manifests.shop
    ~ ConfigMap NAME/conf
        data.mode  "fast" → "slow"
        data["site.conf"]
          | @@ -17,7 +17,7 @@
          |   option_17 on;
          |   option_18 on;
          |   option_19 on;
          | - option_20 on;
          | + option_20 off;
          |   option_21 on;
          |   option_22 on;
          |   option_23 on;
    ~ Secret NAME/login
        data.token  (sensitive, changed)
    ~ Deployment NAME/web
        spec.template.spec
          containers[name=log]
            image  "example/log:1"
            name   "log"
          containers[name=web].image  "example/web:1" → "example/web:2"

Plan: 3 to update.
Digest: DIGEST
"""
    )


def test_a_secret_is_found_by_its_value_wherever_it_stands(world: World) -> None:
    """A token that also stands in a container's environment, where nobody marked it, is in no output."""
    declare(world)
    world.manifests(
        "shop/all.yaml", web("example/web:1"), secret("login", {"token": "swordfish-1"})
    )
    world.commit()

    text, json = world.plan().said, world.plan("--output", "json").said

    assert "swordfish" not in text + json
    assert "env[name=TOKEN]" in text
    assert '"redacted": true' in json


def test_healing_names_who_changed_what_and_when(world: World) -> None:
    """A person edits, another one scales: the plan takes both back, and says from whom."""
    declare(world)
    world.manifests("shop/all.yaml", web("example/web:1"), config_map("conf", {"mode": "fast"}))
    world.commit("Add a shop")
    world.apply()
    world.patch("ConfigMap", "conf", {"data": {"mode": "slow"}})
    world.patch("Deployment", "web/scale", {"spec": {"replicas": 3}}, manager="kubectl")

    assert (
        plan_of(world)
        == """\
Plan for applying NAME/default at COMMIT (Add a shop)

  manifests.shop
    ~ ConfigMap NAME/conf
        (heals drift: changed by kubectl-edit at TIME)
        data.mode  "slow" → "fast"
    ~ Deployment NAME/web
        (heals drift: changed by kubectl through scale)
        spec.replicas  3 → 1

Plan: 2 to update.
Digest: DIGEST
"""
    )
    world.apply()
    assert world.data("conf") == {"mode": "fast"}
    assert world.object("Deployment", "web")["spec"]["replicas"] == 1


def test_reported_drift_is_read_and_left(world: World) -> None:
    """The text says what is live instead, the exit code that there is something, and nothing is done about it."""
    declare(world, drift="report")
    world.manifests(
        "shop/all.yaml", config_map("conf", {"mode": "fast"}), config_map("lost", {"a": "b"})
    )
    world.commit("Add a shop")
    world.apply()
    world.patch("ConfigMap", "conf", {"data": {"mode": "slow"}})
    world.delete("ConfigMap", "lost")

    assert (
        plan_of(world)
        == """\
Plan for applying NAME/default at COMMIT (Add a shop)

  manifests.shop
    ! ConfigMap NAME/conf was updated outside of this stack
        (by kubectl-edit at TIME; left as it is)
        data.mode  "fast" → "slow"
    ! ConfigMap NAME/lost was deleted outside of this stack
        (left as it is)

Nothing to do: what runs is what Git says, but for 2 drifted objects left as
they are.
"""
    )
    assert world.run("plan", world.name, "--detailed-exitcode").code == 2
    world.apply()
    assert world.data("conf") == {"mode": "slow"}
    assert not world.exists("ConfigMap", "lost")
    (unit,) = world.plan("--output", "json").json["units"]
    (field,) = unit["drift"][0]["fields"]
    assert (field["drift"]["by"], field["before"], field["after"]) == (
        "kubectl-edit",
        {"value": "fast"},
        {"value": "slow"},
    )


def test_an_object_that_is_left_alone_is_counted(world: World) -> None:
    """Nobody says that all is as Git has it when an annotation keeps an object from being looked after."""
    declare(world)
    off = {"annotations": {"orchestrator/reconcile": "disabled"}}
    world.manifests("shop/all.yaml", config_map("conf", {"mode": "fast"}, **off))
    world.commit("Add a shop")

    assert (
        plan_of(world)
        == """\
Plan for applying NAME/default at COMMIT (Add a shop)

  manifests.shop
    ! ConfigMap NAME/conf: left alone: its manifest is annotated
      orchestrator/reconcile: disabled

Nothing to do: what runs is what Git says, but for 1 object left alone.
"""
    )


def test_what_git_changes_is_applied_beside_drift_that_is_left(world: World) -> None:
    """A set that reports drift still follows Git, also in the very object that drifted, and its status tells of it."""
    declare(world, drift="report")
    world.manifests("shop/all.yaml", config_map("conf", {"mode": "fast", "colour": "red"}))
    world.commit()
    world.apply()
    world.patch("ConfigMap", "conf", {"data": {"mode": "slow"}})
    world.manifests("shop/all.yaml", config_map("conf", {"mode": "fast", "colour": "blue"}))
    world.commit()

    assert "1 to update, 1 drifted object left as it is." in world.plan().stdout
    world.apply()
    assert world.data("conf") == {"mode": "slow", "colour": "blue"}
    assert "applied, 1 drifted" in world.run("status", world.name).stdout


def test_ignored_drift_and_ignored_fields_are_left(world: World) -> None:
    """A set that ignores drift, and an autoscaled Deployment in one that heals it, are as Git says but for that."""
    entry = {"namespace": world.name, "wait": False}
    rule = {"kind": "Deployment", "name": "web", "paths": ["/spec/replicas"]}
    world.declare(
        None,
        {
            "loose": {"path": "loose", "drift": "ignore", **entry},
            "scaled": {"path": "scaled", "ignore": [rule], **entry},
        },
    )
    world.manifests("loose/all.yaml", config_map("conf", {"mode": "fast"}))
    world.manifests("scaled/all.yaml", web("example/web:1"))
    world.commit()
    world.apply()
    world.patch("ConfigMap", "conf", {"data": {"mode": "slow"}})
    scaled = {"spec": {"replicas": 4}}
    world.patch("Deployment", "web/scale", scaled, manager="kube-controller-manager")

    plan = world.plan().stdout
    assert "but for 2 fields left to others." in " ".join(plan.split())
    assert f"Deployment {world.name}/web: spec.replicas differs from Git" in " ".join(plan.split())
    assert f"ConfigMap {world.name}/conf: data.mode differs from Git" in " ".join(plan.split())
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0
    units = world.plan("--output", "json").json["units"]
    assert {unit["unit"]: unit["ignored"] for unit in units} == {
        "manifests.loose": 1,
        "manifests.scaled": 1,
    }
    world.manifests("scaled/all.yaml", web("example/web:2"))
    world.commit()
    world.apply()
    assert world.object("Deployment", "web")["spec"]["replicas"] == 4
    assert world.data("conf") == {"mode": "slow"}
