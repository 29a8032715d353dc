"""How elements of lists are named, list by list as Kubernetes has them."""

from typing import Any

import pytest

from orchestrator.workloads.comparison.differences import compare
from orchestrator.workloads.comparison.elements import keys_of, name_of, renames
from orchestrator.workloads.comparison.intent import Intent

HTTP = {"containerPort": 80, "protocol": "TCP"}
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}

LISTS: dict[str, tuple[str, list[dict[str, Any]], list[str]]] = {
    "containers": ("containers", [{"name": "web"}, {"name": "log"}], ["name=web", "name=log"]),
    "initContainers": ("initContainers", [{"name": "migrate"}], ["name=migrate"]),
    "ephemeralContainers": ("ephemeralContainers", [{"name": "debug"}], ["name=debug"]),
    "volumes": ("volumes", [{"name": "data", "emptyDir": {}}], ["name=data"]),
    "env": ("env", [{"name": "A", "value": "1"}, {"name": "B"}], ["name=A", "name=B"]),
    "ports with names": ("ports", [{"name": "http", **HTTP}], ["name=http"]),
    "ports of containers": ("ports", [HTTP], ["containerPort=80"]),
    "ports of two protocols": (
        "ports",
        [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
        ["containerPort=53,protocol=TCP", "containerPort=53,protocol=UDP"],
    ),
    "ports of services": ("ports", [{"port": 80, "targetPort": 8080}], ["port=80"]),
    "volumeMounts": (
        "volumeMounts",
        [{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/b"}],
        ["mountPath=/a", "mountPath=/b"],
    ),
    "volumeDevices": ("volumeDevices", [{"name": "raw", "devicePath": "/dev/x"}], ["devicePath=/dev/x"]),
    "imagePullSecrets": ("imagePullSecrets", [{"name": "registry"}], ["name=registry"]),
    "hostAliases": ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["a"]}], ["ip=10.0.0.1"]),
    "topologySpreadConstraints": (
        "topologySpreadConstraints",
        [
            {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
            {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
        ],
        [
            "topologyKey=zone,whenUnsatisfiable=DoNotSchedule",
            "topologyKey=zone,whenUnsatisfiable=ScheduleAnyway",
        ],
    ),
    "ownerReferences": (
        "ownerReferences",
        [{"kind": "Node", "name": "a", "uid": "1"}],
        ["kind=Node,name=a"],
    ),
    "conditions": ("conditions", [{"type": "Ready", "status": "True"}], ["type=Ready"]),
    "readinessGates": ("readinessGates", [{"conditionType": "a.b/c"}], ["conditionType=a.b/c"]),
    "webhooks": ("webhooks", [{"name": "a.example.com"}], ["name=a.example.com"]),
    "subjects": (
        "subjects",
        [{"kind": "User", "name": "ada"}, {"kind": "Group", "name": "ada"}],
        ["kind=User,name=ada", "kind=Group,name=ada"],
    ),
    "subjects of namespaces": (
        "subjects",
        [
            {"kind": "ServiceAccount", "namespace": "a", "name": "ci"},
            {"kind": "ServiceAccount", "namespace": "b", "name": "ci"},
        ],
        ["kind=ServiceAccount,namespace=a,name=ci", "kind=ServiceAccount,namespace=b,name=ci"],
    ),
    "envFrom": (
        "envFrom",
        [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "a"}}],
        ["configMapRef.name=a", "secretRef.name=a"],
    ),
    "metrics": (
        "metrics",
        [
            {"type": "Resource", "resource": {"name": "cpu"}},
            {"type": "Resource", "resource": {"name": "memory"}},
        ],
        ["type=Resource,resource.name=cpu", "type=Resource,resource.name=memory"],
    ),
    "rules of an ingress": ("rules", [{"host": "a.example", "http": {}}], ["host=a.example"]),
    "paths of an ingress": ("paths", [{"path": "/", "pathType": "Prefix"}], ["path=/"]),
    "items of a volume": ("items", [{"key": "a", "path": "b"}], ["key=a"]),
    "sources of a volume": (
        "sources",
        [{"configMap": {"name": "a"}}, {"secret": {"name": "a"}}],
        ["configMap.name=a", "secret.name=a"],
    ),
    "volumeClaimTemplates": (
        "volumeClaimTemplates",
        [{"metadata": {"name": "data"}, "spec": {}}],
        ["metadata.name=data"],
    ),
    "versions of a definition": ("versions", [{"name": "v1", "served": True}], ["name=v1"]),
    "matchExpressions": ("matchExpressions", [{"key": "app", "operator": "Exists"}], ["key=app"]),
    "groups of rules": ("groups", [{"name": "web", "rules": []}], ["name=web"]),
    "alerts": ("rules", [{"alert": "Down", "expr": "up == 0"}], ["alert=Down"]),
    "a path with brackets": ("volumeMounts", [{"mountPath": "/a]b"}], ['mountPath="/a]b"']),
}  # fmt: skip

KEYLESS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "rules of a role": ("rules", [RULE, {**RULE, "verbs": ["list"]}]),
    "tolerations of one key": ("tolerations", [{"operator": "Exists"}, {"effect": "NoExecute"}]),
    "peers of a policy": ("from", [{"podSelector": {}}, {"namespaceSelector": {}}]),
    "the same element twice": ("env", [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
    "elements that are no maps": ("mixed", [{"name": "a"}, "b"]),  # type: ignore[list-item]
}


@pytest.mark.parametrize("case", LISTS)
def test_elements_are_named_as_kubernetes_tells_them_apart(case: str) -> None:
    """Each list of the common kinds has its key, and no more of it than is needed."""
    field, items, expected = LISTS[case]
    keys = keys_of(field, items, items)
    assert [name_of(item, keys) for item in items] == expected


@pytest.mark.parametrize("case", KEYLESS)
def test_where_nothing_tells_elements_apart_position_does(case: str) -> None:
    """A list without a key, or with one that two elements share, is told by position."""
    field, items = KEYLESS[case]
    assert keys_of(field, items, items) == ()


def told(field: str, live: list[Any], wanted: list[Any]) -> list[tuple[str, object, object]]:
    """Return path, old and new of what changes in a list."""
    before: dict[str, Any] = {"spec": {field: live}}
    after: dict[str, Any] = {"spec": {field: wanted}}
    found = compare(before, after, intent=Intent(value=after))
    return [(change.path, change.before, change.after) for change in found]


def test_a_port_is_followed_by_what_stays_of_it() -> None:
    """One that gets another number keeps its name, one that gets another name its number."""
    assert told("ports", [{"name": "http", "port": 80}], [{"name": "http", "port": 81}]) == [
        ("spec.ports[name=http].port", 80, 81)
    ]
    assert told("ports", [{"name": "http", "port": 80}], [{"name": "web", "port": 80}]) == [
        ("spec.ports[port=80].name", "http", "web")
    ]


def test_the_order_of_named_elements_is_told() -> None:
    """Init containers run in their order, so another order is a change although each of them stays."""
    first, second = {"name": "migrate", "image": "a"}, {"name": "seed", "image": "a"}
    assert told("initContainers", [first, second], [second, first]) == [
        ("spec.initContainers[order]", ["migrate", "seed"], ["seed", "migrate"])
    ]


def test_a_rule_in_the_middle_is_told_with_its_list() -> None:
    """Where positions shifted, comparing by position would tell of changes that nobody made."""
    read, write, watch = ({**RULE, "verbs": [verb]} for verb in ("get", "create", "watch"))
    assert told("rules", [read, write], [read, watch, write]) == [
        ("spec.rules", [read, write], [read, watch, write])
    ]
    assert told("rules", [read, write], [read, write, watch]) == [
        ("spec.rules[2].apiGroups", told_absent(), [""]),
        ("spec.rules[2].resources", told_absent(), ["pods"]),
        ("spec.rules[2].verbs", told_absent(), ["watch"]),
    ]


def told_absent() -> object:
    """Return the mark of what is not there."""
    ((_, before, _),) = told("x", [{"name": "a"}], [{"name": "a", "b": 1}])
    return before


def test_an_element_that_goes_is_told_whole() -> None:
    """A container that is taken out is one line, not one for each of its fields."""
    web, proxy = {"name": "web", "image": "a"}, {"name": "proxy", "image": "b", "args": ["x"]}
    ((path, before, _),) = told("containers", [web, proxy], [web])
    assert (path, before) == ("spec.containers[name=proxy]", proxy)


@pytest.mark.parametrize(
    ("path", "of"),
    [
        ("spec.ports[0].port", "spec.ports"),
        ("spec.rules[host=a.example].host", "spec.rules"),
        ("spec.rules[0].http.paths[path=/].path", "spec.rules[0].http.paths"),
        ("spec.volumeClaimTemplates[0].metadata.name", "spec.volumeClaimTemplates"),
        ("spec.containers[name=c].env[name=A].value", ""),
        ("spec.containers[name=c].image", ""),
        ("metadata.name", ""),
        ('data["a[0].name"]', ""),
    ],
)
def test_a_key_names_the_elements_of_its_list(path: str, of: str) -> None:
    """Only a field that elements are told apart by gives them other names."""
    assert renames(path) == of
