"""What is in the way of a manifest: keys changed by hand, in the place of ours, and defaults that it excludes."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.plans.change import Action
from orchestrator.plans.values import ABSENT
from orchestrator.stack.model import Drift
from orchestrator.workloads.manifests.wanted import RenderedSet
from tests.workloads.builders import DEPLOYMENT
from tests.workloads.ground import Ground, change_of

pytestmark = pytest.mark.integration

_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80}, {name: admin, port: 81}]
"""
_CONTAINER = DEPLOYMENT.replace("}]", ", ports: [{name: http, containerPort: 8000}]}]")


def test_a_key_that_was_edited_is_taken_back(ground: Ground) -> None:
    """What stands in the place of our element goes; the plan shows it, with who put it there and when."""
    inventory = ground.apply(_SERVICE)
    _edit_port(ground, 8080)

    (plan,) = ground.plan(ground.rendered(_SERVICE), inventory=inventory)
    change = change_of(plan, "/web")
    inventory = ground.apply(_SERVICE, inventory=inventory)

    assert change.action is Action.UPDATE
    assert change.reason.startswith("heals drift: changed by kubectl-edit at ")
    assert [(item.path, item.before, item.after) for item in change.fields] == [
        ("spec.ports[name=http].port", 8080, 80)
    ]
    assert _ports(ground) == {"http": 80, "admin": 81}
    (plan,) = ground.plan(ground.rendered(_SERVICE), inventory=inventory)
    assert change_of(plan, "/web").action is Action.NO_OP


def test_a_key_deep_in_a_template_is_taken_back(ground: Ground) -> None:
    """A container's port is named by its number, and told apart by its name as well."""
    inventory = ground.apply(_CONTAINER)
    path = ground.path("deployments", "web", group="apis/apps/v1")
    found = ground.others.get(path)
    found["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = 8080
    containers = found["spec"]["template"]["spec"]["containers"]
    ground.patch(
        path, {"spec": {"template": {"spec": {"containers": containers}}}}, manager="kubectl-edit"
    )

    inventory = ground.apply(_CONTAINER, inventory=inventory)

    live = ground.others.get(path)["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [(item["name"], item["containerPort"]) for item in live] == [("http", 8000)]
    (plan,) = ground.plan(ground.rendered(_CONTAINER), inventory=inventory)
    assert change_of(plan, "/web").action is Action.NO_OP


@pytest.mark.parametrize("strategy", ["{type: Recreate}", "{type: Recreate, rollingUpdate: null}"])
def test_a_default_that_excludes_what_git_wants_goes(ground: Ground, strategy: str) -> None:
    """Nobody set how a Deployment is rolled out, and it may not be said of one that is made anew: shown, and done."""
    inventory = ground.apply(DEPLOYMENT)
    anew = DEPLOYMENT.replace("  replicas: 1\n", f"  replicas: 1\n  strategy: {strategy}\n")
    assert anew != DEPLOYMENT

    (plan,) = ground.plan(ground.rendered(anew), inventory=inventory)
    after = ground.apply(anew, inventory=inventory)
    (again,) = ground.plan(ground.rendered(anew), inventory=after)

    fields = {field.path: field.after for field in change_of(plan, "/web").fields}
    assert fields == {"spec.strategy.rollingUpdate": ABSENT, "spec.strategy.type": "Recreate"}
    live = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert live["spec"]["strategy"] == {"type": "Recreate"}
    assert [change.action for change in again.changes] == [Action.NO_OP]
    ground.apply(DEPLOYMENT, inventory=after)


def test_what_people_added_beside_it_stays(ground: Ground) -> None:
    """Only what is in the way goes: an element of its own name was never declared, and is not ours."""
    inventory = ground.apply(_SERVICE)
    _edit_port(ground, 8080, {"name": "extra", "port": 9000, "targetPort": 9000})

    ground.apply(_SERVICE, inventory=inventory)

    assert _ports(ground) == {"http": 80, "admin": 81, "extra": 9000}


def test_git_may_change_something_else_at_once(ground: Ground) -> None:
    """Healing and a change of Git are one apply, and both are in the plan."""
    inventory = ground.apply(_SERVICE)
    _edit_port(ground, 8080)
    changed = _SERVICE.replace("app: web", "app: shop")

    (plan,) = ground.plan(ground.rendered(changed), inventory=inventory)
    ground.apply(changed, inventory=inventory)

    assert "spec.selector.app" in [item.path for item in change_of(plan, "/web").fields]
    assert _ports(ground) == {"http": 80, "admin": 81}


def test_where_drift_stays_git_may_change_something_else(ground: Ground) -> None:
    """Under ``drift: report`` the edited element stays as it is, and stands in nobody's way."""
    inventory = ground.apply(_reporting(ground, _SERVICE))
    _edit_port(ground, 8080)
    changed = _reporting(ground, _SERVICE.replace("app: web", "app: shop"))

    (plan,) = ground.plan(changed, inventory=inventory)
    ground.apply(changed, inventory=inventory)

    assert [item.path for item in change_of(plan, "/web").fields] == ["spec.selector.app"]
    assert len(plan.drift) == 1
    assert _ports(ground) == {"http": 8080, "admin": 81}


def _reporting(ground: Ground, text: str) -> RenderedSet:
    found = ground.rendered(text)
    objects = tuple(replace(item, drift=Drift.REPORT) for item in found.objects)
    return replace(found, objects=objects)


def _edit_port(ground: Ground, port: int, *more: dict[str, Any]) -> None:
    """Give the first port another number, as ``kubectl edit`` does, and add others."""
    path = ground.path("services", "web")
    ports = ground.others.get(path)["spec"]["ports"]
    ports[0]["port"] = port
    ground.patch(path, {"spec": {"ports": [*ports, *more]}}, manager="kubectl-edit")


def _ports(ground: Ground) -> dict[str, int]:
    live = ground.others.get(ground.path("services", "web"))
    return {item["name"]: item["port"] for item in live["spec"]["ports"]}
