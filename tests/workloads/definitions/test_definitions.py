"""Custom resources beside their definitions: our verdict against the server's own, and how it is told."""

import copy
import json

import pytest

from orchestrator.errors import InvalidStack
from orchestrator.plans.change import Action
from orchestrator.workloads.definitions.structural import violations
from tests.sandbox.client import eventually
from tests.workloads.custom import SIZED, Json, definition, thing
from tests.workloads.ground import Ground, change_of, told

SCHEMA: Json = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size", "mode"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 2},
                "ratio": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "exclusiveMinimum": True,
                    "exclusiveMaximum": True,
                },
                "mode": {"type": "string", "enum": ["fast", "safe"], "default": "safe"},
                "on": {"type": "boolean"},
                "name": {
                    "type": "string",
                    "pattern": "^[[:lower:]]+$",
                    "minLength": 2,
                    "maxLength": 5,
                },
                "port": {"x-kubernetes-int-or-string": True},
                "maybe": {"type": "string", "nullable": True},
                "labels": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "maxProperties": 2,
                },
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "whatever": {"x-kubernetes-preserve-unknown-fields": True},
                "half": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"known": {"type": "integer"}},
                },
                "closed": {"type": "object", "properties": {"a": {"type": "string"}}},
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                    "minItems": 1,
                    "maxItems": 3,
                },
                "rules": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["host"],
                    "items": {
                        "type": "object",
                        "required": ["host"],
                        "properties": {"host": {"type": "string"}, "port": {"type": "integer"}},
                    },
                },
                "choice": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
                "some": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
                "both": {
                    "type": "integer",
                    "allOf": [{"minimum": 3}, {"not": {"enum": [4]}}],
                },
                "when": {"type": "string", "format": "date-time"},
                "day": {"type": "string", "format": "date"},
                "data": {"type": "string", "format": "byte"},
                "four": {"type": "string", "format": "ipv4"},
                "six": {"type": "string", "format": "ipv6"},
                "net": {"type": "string", "format": "cidr"},
                "odd": {"type": "string", "format": "nobody-knows"},
                "small": {"type": "integer", "format": "int32"},
                "inner": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object", "properties": {}}},
                },
            },
        },
    },
}

# A field of the spec (or the whole spec) that is set, and whether the server takes it.
CASES: tuple[tuple[Json, bool], ...] = (
    ({}, True),
    ({"size": 0}, False),
    ({"size": 12}, False),
    ({"size": 3}, False),
    ({"size": "4"}, False),
    ({"size": 4.0}, True),
    ({"size": 4.5}, False),
    ({"size": None}, False),
    ({"size": True}, False),
    ({"ratio": 0}, False),
    ({"ratio": 0.5}, True),
    ({"ratio": 1}, False),
    ({"mode": "slow"}, False),
    ({"mode": "fast"}, True),
    ({"mode": None}, True),
    ({"on": "true"}, False),
    ({"on": False}, True),
    ({"name": "abc"}, True),
    ({"name": "a"}, False),
    ({"name": "abcdef"}, False),
    ({"name": "ABC"}, False),
    ({"name": "abc\n"}, False),
    ({"name": 5}, False),
    ({"port": 80}, True),
    ({"port": "http"}, True),
    ({"port": 1.5}, False),
    ({"port": {}}, False),
    ({"maybe": None}, True),
    ({"on": None}, False),
    ({"labels": {"a": "1"}}, True),
    ({"labels": {"a": 1}}, False),
    ({"labels": {"a": "1", "b": "2", "c": "3"}}, False),
    ({"any": {"x": {"y": 1}}}, True),
    ({"any": 5}, False),
    ({"whatever": [1, {"x": 2}]}, True),
    ({"half": {"known": 1, "other": 2}}, True),
    ({"half": {"known": "1"}}, False),
    ({"closed": {"a": "1"}}, True),
    ({"closed": {"b": "1"}}, False),
    ({"unheard": 1}, False),
    ({"tags": ["a", "b"]}, True),
    ({"tags": ["a", "a"]}, False),
    ({"tags": []}, False),
    ({"tags": ["a", "b", "c", "d"]}, False),
    ({"tags": "a"}, False),
    ({"tags": [1]}, False),
    ({"rules": [{"host": "a"}, {"host": "b", "port": 1}]}, True),
    ({"rules": [{"host": "a"}, {"host": "a"}]}, False),
    ({"rules": [{"port": 1}]}, False),
    ({"rules": [{"host": "a", "prot": 1}]}, False),
    ({"choice": {"a": 1}}, True),
    ({"choice": {"a": 1, "b": 1}}, False),
    ({"choice": {}}, False),
    ({"some": {"a": 1, "b": 1}}, True),
    ({"some": {}}, False),
    ({"both": 3}, True),
    ({"both": 2}, False),
    ({"both": 4}, False),
    ({"when": "2026-11-22T10:00:00Z"}, True),
    ({"when": "2026-11-22T10:00:00.123+02:00"}, True),
    ({"when": "yesterday"}, False),
    ({"day": "2026-11-22"}, True),
    ({"day": "2026-13-22"}, False),
    ({"data": "YWJj"}, True),
    ({"data": "a!"}, False),
    ({"four": "10.0.0.1"}, True),
    ({"four": "10.0.0.256"}, False),
    ({"four": "::1"}, False),
    ({"six": "::1"}, True),
    ({"six": "10.0.0.1"}, False),
    ({"net": "10.0.0.0/8"}, True),
    ({"net": "10.0.0.0"}, False),
    ({"odd": "anything"}, True),
    ({"small": 2147483647}, True),
    ({"inner": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": {}}}, True),
    ({"inner": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "other": 1}}, False),
    ({"inner": {"apiVersion": "v1", "kind": "X", "metadata": {"nme": "x"}}}, False),
)


def text(*documents: Json) -> str:
    """Return documents as a file."""
    return "\n---\n".join(map(json.dumps, documents))


@pytest.fixture
def group(ground: Ground) -> str:
    """Return an API group that no other test has."""
    return f"{ground.namespace}.example.com"


@pytest.mark.integration
def test_our_verdict_is_the_servers(ground: Ground, group: str) -> None:
    """Whatever the server takes we take, and what it refuses by the schema we refuse before it can."""
    ground.others.create(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(group, SCHEMA)
    )
    collection = ground.path("widgets", group=f"apis/{group}/v1")
    ground.cluster.await_kinds([(group, "v1", "Widget")], timeout=30.0, stop=ground.stop)
    eventually(
        lambda: {"taken": _accepted(ground, f"{collection}/first", thing(group, {"size": 2}))},
        lambda found: bool(found["taken"]),
    )
    differing = []
    for fields, accepted in CASES:
        wanted = thing(group, {"size": 2, "mode": "safe", **copy.deepcopy(fields)})
        ours = not list(violations(wanted, SCHEMA))
        theirs = _accepted(ground, f"{collection}/first", wanted)
        if not ours == theirs == accepted:
            differing.append((fields, {"expected": accepted, "ours": ours, "server": theirs}))
    ground.others.request(
        "DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    )
    assert differing == []


def _accepted(ground: Ground, path: str, manifest: Json) -> bool:
    query = "?fieldManager=test&fieldValidation=Strict&dryRun=All"
    status, answer = ground.others.request(
        "PATCH", path + query, manifest, content_type="application/apply-patch+yaml"
    )
    assert status in {201, 400, 404, 422, 500}, answer
    return status == 201


@pytest.mark.integration
def test_what_breaks_a_definition_of_the_same_plan(ground: Ground, group: str) -> None:
    """Every mistake is told at its place and path before anything is changed, with the likely meaning."""
    spec = '\n  size: "1"\n  color: red\n'
    manifest = f"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: first, lables: {{}}}}\nspec:{spec}"
    wanted = ground.rendered(f"{manifest}---\n{text(definition(group, SIZED))}")
    with pytest.raises(InvalidStack) as raised:
        ground.plan(wanted)
    title = f"Widget.{group} {ground.namespace}/first"
    assert [(each.message, str(each.place), each.hint) for each in raised.value.mistakes] == [
        (
            f"{title}: metadata.lables is no field that metadata has",
            "shop.yaml:3:25",
            "did you mean 'labels'?",
        ),
        (f"{title}: spec.size has to be a whole number", "shop.yaml:5:9", ""),
        (
            f"{title}: spec.color is no field that its definition knows",
            "shop.yaml:6:3",
            "did you mean 'colour'?",
        ),
    ]
    related = raised.value.mistakes[0].related
    assert related is not None
    assert (related.file, related.line) == ("shop.yaml", 8)


@pytest.mark.integration
def test_a_definition_that_changes_is_what_counts(ground: Ground, group: str) -> None:
    """Objects are checked against the definition as it will be: a field that it loses is a mistake now."""
    made = text(definition(group, SIZED), thing(group, {"size": 1, "colour": "red"}))
    inventory = ground.apply(made)
    smaller = copy.deepcopy(SIZED)
    del smaller["properties"]["spec"]["properties"]["colour"]
    changed = text(definition(group, smaller), thing(group, {"size": 1, "colour": "red"}))
    with pytest.raises(InvalidStack) as raised:
        ground.plan(ground.rendered(changed), inventory=inventory)
    assert "spec.colour is no field that its definition knows" in raised.value.mistakes[0].message
    ground.prune(inventory)


@pytest.mark.integration
def test_a_definition_that_stays_is_left_to_the_server(ground: Ground, group: str) -> None:
    """Where a definition does not change, the server's refusal of an object of its kind counts."""
    schema = copy.deepcopy(SIZED)
    schema["properties"]["spec"]["x-kubernetes-validations"] = [
        {"rule": "self.size < 5", "message": "too big"}
    ]
    inventory = ground.apply(text(definition(group, schema), thing(group, {"size": 1})))
    wrong = text(definition(group, schema), thing(group, {"size": 7}))
    with pytest.raises(Exception, match="too big"):
        ground.plan(ground.rendered(wrong), inventory=inventory)
    ground.prune(inventory)


@pytest.mark.integration
def test_expressions_are_said_to_be_the_clusters(ground: Ground, group: str) -> None:
    """What only the server can evaluate is named in the plan, and refused by it at the apply."""
    schema = copy.deepcopy(SIZED)
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.size < 5"}]
    (plan,) = ground.plan(ground.rendered(text(definition(group, schema), thing(group, {}))))
    change = change_of(plan, "/first")
    assert (change.action, change.reason) == (
        Action.CREATE,
        "the cluster checks a validation rule of its definition when it is applied",
    )


@pytest.mark.integration
def test_a_version_that_the_definition_does_not_serve(ground: Ground, group: str) -> None:
    """A version that is served now, and not any more after this plan, is a mistake with what is served."""
    inventory = ground.apply(text(definition(group, SIZED)))
    other = definition(group, SIZED)
    second = {**other["spec"]["versions"][0], "name": "v2"}
    other["spec"]["versions"] = [
        {**other["spec"]["versions"][0], "served": False, "storage": False},
        second,
    ]
    with pytest.raises(InvalidStack) as raised:
        ground.plan(ground.rendered(text(other, thing(group, {}))), inventory=inventory)
    (mistake,) = raised.value.mistakes
    assert "its definition does not serve the version v1" in mistake.message
    assert mistake.hint == f"it serves {group}/v2"
    ground.prune(inventory)


@pytest.mark.integration
def test_a_pending_value_breaks_nothing(ground: Ground, group: str) -> None:
    """What is not known yet is neither of the wrong type nor missing; the rest is checked all the same."""
    wanted = text(
        definition(group, SCHEMA),
        thing(
            group,
            {
                "size": "${{ modules.database.size }}",
                "rules": [{"host": "${{ modules.database.host }}"}],
            },
        ),
    )
    (plan,) = ground.plan(ground.rendered(wanted))
    assert set(told(plan).values()) == {Action.CREATE}
    wrong = wanted.replace('"rules": [{"host": "$', '"on": "yes", "rules": [{"host": "$')
    with pytest.raises(InvalidStack) as raised:
        ground.plan(ground.rendered(wrong))
    (mistake,) = raised.value.mistakes
    assert "spec.on has to be true or false" in mistake.message
