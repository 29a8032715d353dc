"""Objects of one kind that Git declares in several versions: each is compared in its own."""

import json
from dataclasses import replace

import pytest

from orchestrator.plans.change import Action
from orchestrator.stack.model import Drift, Ignored, Wait
from orchestrator.workloads.cluster.answers import NotServed
from orchestrator.workloads.manifests.wanted import RenderedSet
from tests.workloads.custom import definition
from tests.workloads.ground import Ground, change_of, told

pytestmark = pytest.mark.integration

_SCALED = """
apiVersion: autoscaling/{version}
kind: HorizontalPodAutoscaler
metadata: {{name: {name}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}
  minReplicas: 1
  maxReplicas: {most}
  {target}
---"""
_METRIC = "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]"


def _both(*, most: int = 3) -> str:
    return _SCALED.format(
        version="v1", name="first", most=most, target="targetCPUUtilizationPercentage: 70"
    ) + _SCALED.format(version="v2", name="second", most=most, target=_METRIC)


def test_each_version_of_a_kind_settles(ground: Ground) -> None:
    """A plan right after the apply finds nothing to do, in whichever version an object is declared."""
    inventory = ground.apply(_both())

    (plan,) = ground.plan(ground.rendered(_both()), inventory=inventory)

    assert set(told(plan).values()) == {Action.NO_OP}


def test_a_change_is_told_in_the_version_of_the_manifest(ground: Ground) -> None:
    """Nothing differs but what Git changed: two versions of one object are not compared with each other."""
    inventory = ground.apply(_both())

    (plan,) = ground.plan(ground.rendered(_both(most=5)), inventory=inventory)

    for name in ("/first", "/second"):
        assert [
            (field.path, field.before, field.after) for field in change_of(plan, name).fields
        ] == [("spec.maxReplicas", 3, 5)]


@pytest.mark.parametrize("ruled", [True, False])
def test_what_is_left_to_others_stays_left_in_another_version(
    ground: Ground, *, ruled: bool
) -> None:
    """What a rule names, or somebody changed where drift is reported, is not taken back by a new version."""
    path = ground.path("horizontalpodautoscalers", "it", group="apis/autoscaling/v2")
    rule = (Ignored(kind="HorizontalPodAutoscaler", paths=("/spec/maxReplicas",)),) if ruled else ()

    def version(name: str, target: str) -> RenderedSet:
        found = ground.rendered(_SCALED.format(version=name, name="it", most=3, target=target))
        drift = Drift.HEAL if ruled else Drift.REPORT
        objects = tuple(replace(item, drift=drift, ignore=rule) for item in found.objects)
        return replace(found, objects=objects)

    inventory = ground.apply(
        version("v1", "targetCPUUtilizationPercentage: 70"), wait=Wait(enabled=False)
    )
    ground.patch(path, {"spec": {"maxReplicas": 9}}, manager="kubectl-edit")
    after = version("v2", _METRIC.replace("60", "80"))

    (plan,) = ground.plan(after, inventory=inventory)

    change = change_of(plan, "/it")
    assert change.action is Action.UPDATE
    assert {field.path.partition("[")[0] for field in change.fields} == {"spec.metrics"}
    assert ("was applied as autoscaling/v1" in change.reason) is not ruled
    assert [len(plan.drift), plan.ignored] == [0, 1] if ruled else [1, 0]
    ground.apply(after, inventory=inventory, wait=Wait(enabled=False))
    assert ground.others.get(path)["spec"]["maxReplicas"] == 9


def test_a_version_that_only_another_set_brings_is_named(ground: Ground) -> None:
    """Where that set is left out, the object is not sent to another version, whose server says nothing that helps."""
    brought = definition("autoscaling", version="v9")
    brought["spec"]["names"]["kind"] = "HorizontalPodAutoscaler"
    text = _SCALED.format(version="v9", name="it", most=3, target="")
    both = ground.rendered(f"{json.dumps(brought)}\n---{text}")
    alone = replace(both, objects=both.objects[1:])
    with pytest.raises(
        NotServed, match=r"serves its kind as autoscaling/v2, and not as autoscaling/v9"
    ):
        ground.plan(alone)
