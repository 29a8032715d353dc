"""Objects of one kind that Git declares in several versions: each is compared in its own."""

import pytest

from orchestrator.plans.change import Action
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


def _both(*, most: int = 3) -> str:
    metric = "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]"
    return _SCALED.format(
        version="v1", name="first", most=most, target="targetCPUUtilizationPercentage: 70"
    ) + _SCALED.format(version="v2", name="second", most=most, target=metric)


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
