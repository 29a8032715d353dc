"""Custom resources whose definition says another thing than when they were applied."""

import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import yaml

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.planning.unchanged.settled import settled
from tests.workloads.custom import definition
from tests.workloads.ground import Ground, Inventory, change_of

pytestmark = pytest.mark.integration

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TEXT = {"type": "string"}
_TAGS = {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"}
_PARTS = {
    "type": "array",
    "items": {"type": "object", "required": ["name"], "properties": {"name": _TEXT, "v": _TEXT}},
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}
_OPTIONS = {"type": "object", "additionalProperties": _TEXT}
_WANTED: dict[str, Any] = {
    "tags": ["a"],
    "parts": [{"name": "a", "v": "1"}],
    "options": {"a": "1"},
}
_THEIRS: dict[str, Any] = {
    "tags": ["a", "b"],
    "parts": [{"name": "a", "v": "1"}, {"name": "b", "v": "1"}],
    "options": {"b": "1"},
}
_ATOMIC: dict[str, dict[str, Any]] = {
    "tags": {**_TAGS, "x-kubernetes-list-type": "atomic"},
    "parts": {key: value for key, value in _PARTS.items() if key != "x-kubernetes-list-map-keys"}
    | {"x-kubernetes-list-type": "atomic"},
    "options": {**_OPTIONS, "x-kubernetes-map-type": "atomic"},
}


@pytest.fixture
def defined(ground: Ground) -> Iterator[dict[str, Any]]:
    """Return a definition of a kind whose lists and maps are merged; the server serves it."""
    group = f"{ground.namespace}.example.com"
    fields = {"tags": _TAGS, "parts": _PARTS, "options": _OPTIONS}
    spec = {"type": "object", "properties": fields}
    found = definition(group, {"type": "object", "properties": {"spec": spec}})
    ground.others.create(_DEFINITIONS, found)
    ground.cluster.await_kinds({(group, "v1", "Widget")}, timeout=30, stop=ground.stop)
    yield found
    ground.others.request("DELETE", f"{_DEFINITIONS}/widgets.{group}")


def widget(field: str, ground: Ground) -> str:
    """Return a manifest of one field."""
    group = f"{ground.namespace}.example.com"
    spec = {field: _WANTED[field]}
    return yaml.safe_dump(
        {
            "apiVersion": f"{group}/v1",
            "kind": "Widget",
            "metadata": {"name": "first"},
            "spec": spec,
        }
    )


def with_atomic(defined: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the definition with one field merged as a whole."""
    found = deepcopy(defined)
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"][field] = _ATOMIC[field]
    return found


def planned(ground: Ground, text: str, inventory: Inventory) -> Action | None:
    """Return what a plan does to the object, None where the server refuses it."""
    try:
        (plan,) = ground.plan(ground.rendered(text), inventory=inventory)
    except ClusterError:
        return None
    return change_of(plan, "first").action


def noticed(ground: Ground, text: str, inventory: Inventory) -> bool:
    """Whether plans come to say that something is to be done; a server takes a moment to take a definition in."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if planned(ground, text, inventory) is not Action.NO_OP:
            return True
        ground.stop.wait(0.05)
    return False


@pytest.mark.parametrize("field", sorted(_WANTED))
def test_what_is_merged_as_a_whole_by_now_is_asked_about(
    ground: Ground, defined: dict[str, Any], field: str
) -> None:
    """What others added to a list or map was beside ours; to the server it is in conflict with ours by now."""
    text = widget(field, ground)
    inventory = ground.apply(text)
    path = ground.path("widgets", "first", group=f"apis/{ground.namespace}.example.com/v1")
    ground.patch(path, {"spec": {field: _THEIRS[field]}}, manager="other")
    assert planned(ground, text, inventory) is Action.NO_OP
    place = f"{_DEFINITIONS}/{defined['metadata']['name']}"
    changed = with_atomic(defined, field)
    ground.patch(place, {"spec": {"versions": changed["spec"]["versions"]}}, manager="other")
    assert noticed(ground, text, inventory)


def test_what_is_defined_anew_in_the_same_plan_is_asked_about(
    ground: Ground, defined: dict[str, Any]
) -> None:
    """Nobody can tell how a definition that this plan changes has values merged."""
    ground.apply(widget("tags", ground))
    kinds = ground.cluster.kinds()
    (resource,) = collections(kinds, [ref := only(ground, defined)])
    live = ground.cluster.list_owned([resource], ground.owner)
    manifest = yaml.safe_load(widget("tags", ground))
    manifest["metadata"] |= {"namespace": ground.namespace}
    marks = live[ref]["metadata"]
    assert isinstance(marks, dict)
    manifest["metadata"] |= {key: marks[key] for key in ("annotations", "labels") if key in marks}
    submission = Submission(ref=ref, manifest=manifest)
    changing = replace(kinds, defined=frozenset({(ref.group, ref.kind)}))
    assert settled(ground.cluster, [submission], live, kinds=kinds) == {ref}
    assert settled(ground.cluster, [submission], live, kinds=changing) == frozenset()


def only(ground: Ground, defined: dict[str, Any]) -> ObjectRef:
    """Return the reference of the object."""
    return ObjectRef(
        group=defined["spec"]["group"],
        version="v1",
        kind="Widget",
        namespace=ground.namespace,
        name="first",
    )
