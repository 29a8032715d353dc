"""Rules of a set's own about the health of its objects."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import ClusterError, InvalidStack
from orchestrator.plans.events import UnitProgress
from orchestrator.stack.model import HealthRule, Wait
from orchestrator.workloads.health import assess
from orchestrator.workloads.health.custom import own_rules
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground
from tests.workloads.health.test_health import NOW, condition, live

KEY = ("example.com", "Widget")


def answer(value: dict[str, Any], **rule: str) -> tuple[str, str]:
    """Return the health of a Widget by a rule."""
    rules = own_rules([HealthRule(kind="Widget", group="example.com", **rule)])
    health = assess(value, now=NOW, own=rules[KEY])
    return health.status.value, health.reason


SYNCED = live("Widget", {"conditions": [condition("Synced", "True", "Done")]})
NOT_SYNCED = live("Widget", {"conditions": [condition("Synced", "False", "Waits", "for a disk")]})


def test_a_condition_by_its_type() -> None:
    """The condition has to be there and to be true."""
    assert answer(SYNCED, condition="Synced") == ("current", "")
    assert answer(NOT_SYNCED, condition="Synced") == ("in progress", "Waits: for a disk")
    assert answer(live("Widget"), condition="Synced") == ("in progress", "Synced is not True yet")
    assert answer(NOT_SYNCED, condition="Synced=False") == ("current", "")


def test_a_condition_of_an_earlier_generation() -> None:
    """A condition that was observed before the latest change says nothing, whichever status is wanted."""
    told = "its controller has not seen the latest change yet: Synced is of generation 1, not of 2"
    for status in ("True", "False"):
        early = condition("Synced", status, observedGeneration=1)
        value = live("Widget", {"conditions": [early]})
        assert answer(value, condition=f"Synced={status}") == ("in progress", told)
        seen = live("Widget", {"conditions": [{**early, "observedGeneration": 2}]})
        assert answer(seen, condition=f"Synced={status}") == ("current", "")


def test_an_expression() -> None:
    """A healthy object is one of which the expression holds; until it can be told it is waited for."""
    rule = "status.phase == 'Bound'"
    assert answer(live("Widget", {"phase": "Bound"}), healthy=rule) == ("current", "")
    assert answer(live("Widget"), healthy=rule) == ("in progress", f"{rule} does not hold yet")
    waits = {
        "phase": "Pending",
        "conditions": [condition("Synced", "False", "Waits", "for a disk")],
    }
    told = f"{rule} does not hold yet; Synced is False: Waits: for a disk"
    assert answer(live("Widget", waits), healthy=rule) == ("in progress", told)


def test_an_expression_that_no_waiting_makes_true() -> None:
    """Where types do not fit, that is a failure at once, with the expression and without the values."""
    bound = live("Widget", {"phase": "Bound"})
    told = "status.phase == 1 cannot be told of a text and a whole number"
    assert answer(bound, healthy="status.phase == 1") == ("failed", told)
    assert answer(bound, failed="status.phase == 1") == ("failed", told)


def test_what_has_failed() -> None:
    """An expression about failure fails at once, and leaves everything else to the other rules."""
    rule = "status.phase == 'Lost'"
    assert answer(live("Widget", {"phase": "Lost"}), failed=rule) == ("failed", f"{rule} holds")
    assert answer(live("Widget"), failed=rule) == ("current", "")
    waits = live("Widget", {"conditions": [condition("Ready", "False", "Waits")]})
    assert answer(waits, failed=rule) == ("in progress", "Waits")


def test_what_holds_for_every_object_comes_first() -> None:
    """A rule of a set is not asked about what its controller has not seen, or what is being deleted."""
    stale = live("Widget", {"phase": "Bound", "observedGeneration": 1})
    assert answer(stale, healthy="status.phase == 'Bound'")[0] == "in progress"
    deleted = live(
        "Widget", {"phase": "Bound"}, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}
    )
    assert answer(deleted, healthy="status.phase == 'Bound'")[0] == "terminating"


def definition(group: str) -> str:
    """Return the definition of a kind with a status."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{group}"},
            "spec": spec,
        }
    )


@pytest.mark.integration
def test_a_custom_resource_is_waited_for(
    ground: Ground, in_the_background: Callable[[Callable[[], None]], None]
) -> None:
    """An apply waits until the rule of its set holds of a real object, and ends at once when it has failed."""
    group = f"{ground.namespace}.example.com"
    widget = json.dumps({"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "a"}})
    rule = HealthRule(kind="Widget", group=group, healthy="status.size > 2", failed="status.broken")
    path = ground.path("widgets", "a", group=f"apis/{group}/v1")
    waiting = f"Widget.{group} {ground.namespace}/a: status.size > 2 does not hold yet"

    def set_status(**status: Any) -> Callable[[], None]:
        def patch() -> None:
            eventually(
                lambda: {
                    "told": [item.text for item in ground.events if isinstance(item, UnitProgress)]
                },
                lambda found: waiting in found["told"],
            )
            ground.patch(f"{path}/status", {"status": status}, manager="controller")

        return patch

    in_the_background(set_status(size=3))
    wait = Wait(timeout=60, health=(rule,))
    inventory = ground.apply(f"{definition(group)}\n---\n{widget}", wait=wait)
    try:
        assert ground.others.get(path)["status"] == {"size": 3}
        ground.patch(
            f"{path}/status", {"status": {"size": 1, "broken": True}}, manager="controller"
        )
        with pytest.raises(ClusterError, match=r"/a failed: status\.broken holds"):
            ground.apply(
                f"{definition(group)}\n---\n{widget}\n---\n{CONFIG}", inventory=inventory, wait=wait
            )
    finally:
        ground.prune(inventory)


@pytest.mark.integration
def test_an_annotation_that_says_nothing_is_a_mistake(ground: Ground) -> None:
    """How an object is waited for is checked with everything else about it, with its place."""
    text = CONFIG.replace("{name:", "{annotations: {orchestrator/wait: 10 minutes}, name:")
    with pytest.raises(InvalidStack) as raised:
        ground.rendered(text)
    (mistake,) = raised.value.mistakes
    assert mistake.message == (
        "the annotation orchestrator/wait '10 minutes' is neither 'disabled' nor a duration"
    )
    assert mistake.place is not None
    assert mistake.place.line == 4
