from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Masked, Unknown
from orchestrator.stack.expressions import Path, Pending
from orchestrator.workloads.comparison.differences import compare
from orchestrator.workloads.comparison.intent import Intent

WAITS = Pending(references=("modules.db.host",))
UNKNOWN = Unknown(sources=("modules.db.host",))
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
maps = st.dictionaries(st.text(max_size=4), json, max_size=4)


def changes(
    live: dict[str, Any] | None,
    result: dict[str, Any],
    *,
    wanted: dict[str, Any] | None = None,
    secret: frozenset[Path] = frozenset(),
) -> list[tuple[str, object, object]]:
    """Return path, old and new of every change; the manifest is the result unless it is given."""
    intent = Intent(value=wanted if wanted is not None else result, secret=secret)
    found = compare(live, result, intent=intent)
    return [(change.path, change.before, change.after) for change in found]


def container(name: str, **fields: Any) -> dict[str, Any]:
    """Return a container."""
    return {"name": name, "image": "web:1", **fields}


def test_equal_objects_have_no_changes() -> None:
    """Nothing is told about what stays."""
    value = {"spec": {"a": [1, {"b": None}], "c": {}}}
    assert changes(value, value) == []


def test_fields_are_told_old_to_new() -> None:
    """Changed, added and removed fields are told, sorted by path."""
    live = {"spec": {"kept": 1, "changed": "a", "removed": True}}
    result = {"spec": {"kept": 1, "changed": "b", "added": {"deep": 0}}}
    assert changes(live, result) == [
        ("spec.added.deep", ABSENT, 0),
        ("spec.changed", "a", "b"),
        ("spec.removed", True, ABSENT),
    ]


def test_what_the_server_sets_is_left_out() -> None:
    """Bookkeeping of the server, status and our own marks are no changes."""
    live = {
        "metadata": {"name": "a", "uid": "1", "generation": 3, "managedFields": [{}]},
        "status": {"x": 1},
    }
    result = {"metadata": {"name": "a", "labels": {"orchestrator/stack": "shop", "team": "a"}}}
    assert changes(live, result) == [("metadata.labels.team", ABSENT, "a")]


def test_a_status_that_the_manifest_wants_is_told() -> None:
    """For a kind without a status of its own, status is a field like any other."""
    assert changes({"status": {"x": 1}}, {"status": {"x": 2}}) == [("status.x", 1, 2)]


def test_elements_are_named_by_their_key() -> None:
    """A container is told by its name, wherever it stands in its list; another one before it is no change."""
    live = {"containers": [container("a"), container("b")]}
    result = {"containers": [container("a"), container("c"), container("b", image="web:2")]}
    assert changes(live, result) == [
        ("containers[name=b].image", "web:1", "web:2"),
        ("containers[name=c].image", ABSENT, "web:1"),
        ("containers[name=c].name", ABSENT, "c"),
    ]


def test_ports_are_named_by_number_and_protocol() -> None:
    """Two ports of one number are told apart by their protocol."""
    live = {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}
    result = {"ports": [{"port": 53, "protocol": "TCP", "x": 1}, {"port": 53, "protocol": "UDP"}]}
    assert changes(live, result) == [("ports[port=53,protocol=TCP].x", ABSENT, 1)]


def test_elements_without_a_key_are_numbered() -> None:
    """Where nothing tells elements apart, their position does."""
    live = {"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}
    result = {"rules": [{"verbs": ["get"]}, {"verbs": ["list", "watch"]}]}
    assert changes(live, result) == [("rules[1].verbs", ["list"], ["list", "watch"])]


def test_a_list_of_plain_values_is_one_value() -> None:
    """Arguments are read as a whole."""
    assert changes({"args": ["a", "b"]}, {"args": ["a", "c"]}) == [("args", ["a", "b"], ["a", "c"])]


def test_keys_with_dots_are_quoted() -> None:
    """A path can be read back: a key with a dot does not look like two keys."""
    result = {"metadata": {"annotations": {"example.com/a": "1"}}}
    assert changes({}, result) == [('metadata.annotations["example.com/a"]', ABSENT, "1")]


def test_empty_maps_are_values() -> None:
    """An empty map that is added is told, since it means something (emptyDir)."""
    assert changes({"v": {}}, {"v": {"emptyDir": {}}}) == [("v.emptyDir", ABSENT, {})]


def test_a_field_of_another_shape_is_told_whole() -> None:
    """Text that becomes a map is told as one change."""
    assert changes({"a": "x"}, {"a": {"b": 1}}) == [("a", "x", {"b": 1})]


def test_secrets_are_masked_on_both_sides() -> None:
    """A secret is shown as changed and never by its value, old or new."""
    ((path, before, after),) = changes(
        {"data": {"a": "b2xk"}}, {"data": {"a": "bmV3"}}, secret=frozenset({("data",)})
    )
    assert path == "data.a"
    assert isinstance(before, Masked)
    assert isinstance(after, Masked)
    assert before != after


def test_a_secret_in_a_keyed_list_is_found_again() -> None:
    """A secret's index in the manifest marks the element of that name, wherever the server keeps it."""
    wanted = {"env": [{"name": "PASSWORD", "value": "new"}]}
    live = {"env": [{"name": "A", "value": "1"}, {"name": "PASSWORD", "value": "old"}]}
    result = {"env": [{"name": "A", "value": "2"}, {"name": "PASSWORD", "value": "new"}]}
    found = changes(live, result, wanted=wanted, secret=frozenset({("env", 0, "value")}))
    assert [path for path, *_ in found] == ["env[name=A].value", "env[name=PASSWORD].value"]
    assert all(isinstance(side, Masked) for side in found[1][1:])


def test_an_element_that_cannot_be_told_is_masked() -> None:
    """Where a list holds a secret, an element that the manifest does not have is kept secret as a whole."""
    wanted = {"env": [{"name": "PASSWORD", "value": "new"}]}
    live = {"env": [{"name": "OLD_PASSWORD", "value": "old"}]}
    found = changes(live, wanted, secret=frozenset({("env", 0, "value")}))
    assert all(isinstance(before, Masked) for path, before, _ in found if "OLD" in path)


def test_a_masked_field_of_another_shape_shows_nothing() -> None:
    """A secret below a field that changes its shape masks the field."""
    ((_, before, after),) = changes({"a": "x"}, {"a": {"b": "s"}}, secret=frozenset({("a", "b")}))
    assert isinstance(before, Masked)
    assert isinstance(after, Masked)


def test_pending_fields_are_unknown() -> None:
    """A pending field is shown with what it waits for, beside what is live, and never as decided."""
    wanted = {"data": {"host": WAITS, "port": "1"}}
    assert changes(
        {"data": {"host": "old", "port": "1"}},
        {"data": {"host": "old", "port": "1"}},
        wanted=wanted,
    ) == [("data.host", "old", UNKNOWN)]
    assert changes({}, {"data": {"port": "1"}}, wanted=wanted) == [
        ("data.host", ABSENT, UNKNOWN),
        ("data.port", ABSENT, "1"),
    ]


def test_a_pending_map_hides_what_may_change() -> None:
    """While a whole map is pending, nothing inside it is told."""
    assert changes({"data": {"a": "1"}}, {"data": {"a": "1"}}, wanted={"data": WAITS}) == [
        ("data", {"a": "1"}, UNKNOWN)
    ]


def test_a_pending_argument_makes_its_list_unknown() -> None:
    """A list of plain values with something pending in it is pending."""
    assert changes({}, {"args": ["--host"]}, wanted={"args": ["--host", WAITS]}) == [
        ("args", ABSENT, UNKNOWN)
    ]


def test_a_pending_value_in_a_keyed_element() -> None:
    """A pending field of a named element is found by the name."""
    wanted = {"env": [{"name": "HOST", "value": WAITS}]}
    live = {"env": [{"name": "A"}, {"name": "HOST", "value": "old"}]}
    assert changes(live, live, wanted=wanted) == [("env[name=HOST].value", "old", UNKNOWN)]


def test_a_pending_secret_masks_what_is_live() -> None:
    """The former value of a secret stays secret while the next one is pending."""
    ((_, before, after),) = changes(
        {"data": {"p": "b2xk"}},
        {"data": {}},
        wanted={"data": {"p": WAITS}},
        secret=frozenset({("data",)}),
    )
    assert isinstance(before, Masked)
    assert after == UNKNOWN


@given(maps)
def test_an_object_never_differs_from_itself(value: dict[str, Any]) -> None:
    """Comparing an object with itself tells nothing, whatever is in it."""
    assert changes(value, value) == []


@given(maps, maps)
def test_no_secret_is_ever_shown(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Below a secret path every value is masked."""
    found: tuple[FieldChange, ...] = compare(
        {"data": one},
        {"data": other},
        intent=Intent(value={"data": other}, secret=frozenset({("data",)})),
    )
    assert all(
        side is ABSENT or isinstance(side, Masked)
        for change in found
        for side in (change.before, change.after)
    )


def test_what_the_server_defaults_in_something_new_is_left_out() -> None:
    """A container that Git adds is told as Git has it, not with all that the server fills in."""
    wanted = {"containers": [container("a"), container("b", ports=[{"containerPort": 80}])]}
    result = {
        "containers": [
            container("a"),
            container(
                "b",
                ports=[{"containerPort": 80, "protocol": "TCP"}],
                imagePullPolicy="IfNotPresent",
                resources={},
                terminationMessagePath="/dev/termination-log",
            ),
        ]
    }
    assert changes({"containers": [container("a")]}, result, wanted=wanted) == [
        ("containers[name=b].image", ABSENT, "web:1"),
        ("containers[name=b].name", ABSENT, "b"),
        ("containers[name=b].ports[containerPort=80].containerPort", ABSENT, 80),
    ]


def test_what_the_server_sets_in_answer_to_a_change_is_left_out() -> None:
    """A Service that becomes a load balancer gets node ports and policies: only the type is anybody's wish."""
    live = {"spec": {"type": "ClusterIP", "ports": [{"port": 80}]}}
    result = {
        "spec": {
            "type": "LoadBalancer",
            "allocateLoadBalancerNodePorts": True,
            "externalTrafficPolicy": "Cluster",
            "ports": [{"port": 80, "nodePort": 31234}],
        }
    }
    wanted = {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    assert changes(live, result, wanted=wanted) == [("spec.type", "ClusterIP", "LoadBalancer")]


def test_a_default_that_replaces_a_value_is_told() -> None:
    """What was applied and left Git falls back to the server's default: that changes what runs."""
    live, result = {"spec": {"replicas": 3}}, {"spec": {"replicas": 1}}
    assert changes(live, result, wanted={"spec": {}}) == [("spec.replicas", 3, 1)]


def test_null_leaves_a_field_to_the_server() -> None:
    """A field that the manifest sets to null is not said: its default is the server's, a kept null is Git's."""
    wanted = {"spec": {"replicas": None, "kept": None}}
    result = {"spec": {"replicas": 1, "kept": None}}
    assert changes({"spec": {}}, result, wanted=wanted) == [("spec.kept", ABSENT, None)]


def test_an_element_that_cannot_be_found_in_the_manifest_is_told() -> None:
    """Where two elements of the manifest could be meant, nothing is taken for the server's."""
    wanted = {"ports": [{"port": 53}, {"port": 53}]}
    result = {"ports": [{"port": 53, "protocol": "TCP"}]}
    assert [path for path, *_ in changes({}, result, wanted=wanted)] == [
        "ports[port=53].port",
        "ports[port=53].protocol",
    ]


def test_true_is_not_one() -> None:
    """JSON knows numbers and truth values apart, wherever they stand."""
    assert changes({"a": 1, "b": [1]}, {"a": True, "b": [True]}) == [
        ("a", 1, True),
        ("b", [1], [True]),
    ]


def test_the_copy_that_kubectl_keeps_is_not_told() -> None:
    """The whole manifest once more, in an annotation, says nothing new; a Secret's even too much."""
    copy = {"kubectl.kubernetes.io/last-applied-configuration": '{"a": "b"}'}
    assert changes({"metadata": {"annotations": copy}}, {"metadata": {}}) == []


def test_a_secret_list_does_not_name_its_elements() -> None:
    """The key of an element is part of the secret when the whole list is."""
    live = {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["old"]}]}
    result = {"hostAliases": [{"ip": "10.0.0.2", "hostnames": ["new"]}]}
    found = changes(live, result, secret=frozenset({("hostAliases",)}))
    assert [path for path, *_ in found] == ["hostAliases"]
