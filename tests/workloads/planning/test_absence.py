"""What is planned as a creation is bound to there still being nothing."""

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.stack.model import Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.cluster.answers import Appeared
from orchestrator.workloads.planning.steps import SetPlan
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground, told
from tests.workloads.planning.test_planning import widgets

pytestmark = pytest.mark.integration

FORCED = CONFIG.replace("{name:", "{annotations: {orchestrator/force: enabled}, name:")


def carry_out(ground: Ground, plan: SetPlan) -> None:
    """Apply a plan that was made before."""
    apply_set(
        ground.cluster,
        plan,
        wait=Wait(timeout=60),
        on_event=ground.events.append,
        stop=ground.stop,
    )


@pytest.mark.parametrize("colour", ["green", "red"])
@pytest.mark.parametrize("text", [CONFIG, FORCED])
def test_what_appeared_since_the_plan_is_not_taken_over(
    ground: Ground, text: str, colour: str
) -> None:
    """An object made by somebody else after the plan is left as it is, forced or not, equal or not."""
    (plan,) = ground.plan(ground.rendered(text))
    body = {"metadata": {"name": "settings"}, "data": {"colour": colour}}
    theirs = ground.others.create(ground.path("configmaps"), body)
    with pytest.raises(Appeared) as raised:
        carry_out(ground, plan)
    title = f"ConfigMap {ground.namespace}/settings"
    assert raised.value.message == f"{title} was created by somebody else since the plan was made"
    assert "plan again" in raised.value.hint
    assert ground.others.get(ground.path("configmaps", "settings")) == theirs


def test_what_appeared_is_adopted_by_the_next_plan(ground: Ground) -> None:
    """Planning again shows what appeared, and what taking it over would change."""
    body = {"metadata": {"name": "settings"}, "data": {"colour": "green", "size": "big"}}
    ground.others.create(ground.path("configmaps"), body)
    (plan,) = ground.plan(ground.rendered(CONFIG))
    assert told(plan) == {f"ConfigMap {ground.namespace}/settings": Action.ADOPT}


def test_a_custom_object_is_bound_too(ground: Ground) -> None:
    """The server of custom resources keeps the same rule."""
    text = widgets(ground)
    definition, _ = text.split("---")
    ground.apply(definition)
    (plan,) = ground.plan(ground.rendered(text))
    group = f"{ground.namespace}.example.com"
    where = ground.path("widgets", group=f"apis/{group}/v1")
    body = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "first"}}
    ground.others.create(where, body)
    with pytest.raises(ClusterError, match="created by somebody else"):
        carry_out(ground, plan)
    ground.prune(ground.apply(text))


def test_an_answer_that_was_lost_is_no_stranger(ground: Ground) -> None:
    """What a request of ours made before its answer was lost is ours: sending it again is no refusal."""
    (plan,) = ground.plan(ground.rendered(CONFIG))
    carry_out(ground, plan)
    carry_out(ground, plan)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "green"}


def test_what_a_new_namespace_brings_is_taken(ground: Ground) -> None:
    """Controllers fill a namespace of this very plan before we do: its service account is no stranger."""
    name = f"{ground.namespace}-b"
    text = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: default, namespace: {name}}}
automountServiceAccountToken: false
"""
    (plan,) = ground.plan(ground.rendered(text))
    assert set(told(plan).values()) == {Action.CREATE}
    inventory = ground.apply(text)
    live = ground.others.get(f"/api/v1/namespaces/{name}/serviceaccounts/default")
    assert live["automountServiceAccountToken"] is False
    ground.prune(inventory)
