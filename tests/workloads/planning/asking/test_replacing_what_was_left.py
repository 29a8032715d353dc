"""Fields that a set leaves to others, of an object that is deleted and made anew: nobody has them then."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.plans.change import Action
from orchestrator.stack.model import Conflicts, Drift, Ignored, Rights, Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.manifests.wanted import RenderedSet
from tests.workloads.builders import DEPLOYMENT
from tests.workloads.ground import Ground, change_of

pytestmark = pytest.mark.integration

_HOW_FIELDS_ARE_LEFT = [
    ("autoscaler", {"rights": Rights(replace=True, conflicts=Conflicts.LEAVE)}),
    ("autoscaler", {"ignore": (Ignored(kind="Deployment", paths=("/spec/replicas",)),)}),
    ("kubectl-edit", {"drift": Drift.REPORT}),
]


@pytest.mark.parametrize(
    ("manager", "rule"), _HOW_FIELDS_ARE_LEFT, ids=["leave", "ignore", "report"]
)
def test_what_is_made_anew_is_all_as_git_has_it(
    ground: Ground, manager: str, rule: dict[str, Any]
) -> None:
    """What the set left to others of the old object goes with it; the plan shows what it becomes."""
    text = DEPLOYMENT.replace("replicas: 1", "replicas: 3")

    def ruled(manifests: str) -> RenderedSet:
        found = ground.rendered(manifests, replace=True)
        return replace(found, objects=tuple(replace(item, **rule) for item in found.objects))

    inventory = ground.apply(ruled(text), wait=Wait(enabled=False))
    path = ground.path("deployments", "web", group="apis/apps/v1")
    ground.patch(path, {"spec": {"replicas": 5}}, manager=manager)
    (plan,) = ground.plan(ruled(text.replace("app: web", "app: other")), inventory=inventory)
    change = change_of(plan, "/web")
    assert change.action is Action.REPLACE
    shown = {item.path: (item.before, item.after) for item in change.fields}
    assert shown["spec.replicas"] == (5, 3)
    assert "leaves" not in change.reason
    assert (plan.drift, plan.left, plan.ignored) == ((), (), 0)
    apply_set(
        ground.cluster,
        plan,
        wait=Wait(enabled=False),
        on_event=ground.events.append,
        stop=ground.stop,
    )
    assert ground.others.get(path)["spec"]["replicas"] == 3
