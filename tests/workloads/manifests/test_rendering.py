import base64
from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack
from orchestrator.stack.expressions import Output, Pending
from orchestrator.workloads.kinds import Kinds, Resource
from orchestrator.workloads.manifests.wanted import check_identities
from tests.workloads.builders import CONFIG, rendered

NAMESPACED = Resource(
    group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True
)
CLUSTER_WIDE = Resource(
    group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False
)
DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
)
SERVED = Kinds(
    resources={
        (item.group, item.kind): (item,) for item in (NAMESPACED, CLUSTER_WIDE, DEFINITIONS)
    },
    complete=True,
)
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true}, {name: v2, served: false}]
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: first}
"""


def message(directory: Path, text: str, **options: object) -> str:
    """Return every mistake of rendering ``text`` in one text."""
    with pytest.raises(InvalidStack) as raised:
        rendered(directory, text, **options)  # type: ignore[arg-type]
    return "; ".join(
        f"{mistake.place} {mistake.message} [{mistake.hint}]" for mistake in raised.value.mistakes
    )


def test_references_keep_their_types(tmp_path: Path) -> None:
    """A value that is one reference becomes the value itself, an embedded one becomes text."""
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {count: "${{ vars.replicas }}", text: "n=${{ vars.replicas }}"}
"""
    (item,) = rendered(tmp_path, text).objects
    assert item.value["data"] == {"count": 2, "text": "n=2"}


def test_the_namespace_of_the_set_is_a_default(tmp_path: Path) -> None:
    """Objects of namespaced kinds get the set's namespace unless they name one; without any it is default."""
    own = CONFIG.replace("name: settings", "name: own, namespace: theirs")
    both = rendered(tmp_path, f"{CONFIG}---{own}", namespace="shop-${{ environment }}")
    assert [item.ref.namespace for item in both.objects if item.ref] == ["shop-test", "theirs"]
    (alone,) = rendered(tmp_path, CONFIG).objects
    assert alone.ref is not None
    assert alone.ref.namespace == "default"


def test_a_cluster_wide_object_gets_no_namespace(tmp_path: Path) -> None:
    """Kinds that live outside of namespaces get none, even where a manifest says one."""
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, namespace: shop}\n"
    (item,) = rendered(tmp_path, text, namespace="shop").objects
    assert item.ref is not None
    assert item.ref.namespace == ""
    assert item.value["metadata"] == {"name": "shop"}


def test_a_definition_in_the_stack_makes_its_kind_known(tmp_path: Path) -> None:
    """A custom resource is known by the definition beside it, also before any cluster serves it."""
    objects = rendered(tmp_path, DEFINITION, namespace="shop", kinds=SERVED).objects
    assert [item.title for item in objects] == [
        "CustomResourceDefinition widgets.example.com",
        "Widget.example.com shop/first",
    ]


def test_a_version_that_is_not_served_does_not_count(tmp_path: Path) -> None:
    """A definition's version that is not served is no place to put objects."""
    text = DEFINITION.replace("apiVersion: example.com/v1", "apiVersion: example.com/v2")
    assert "does not serve Widget as example.com/v2 [it serves example.com/v1]" in message(
        tmp_path, text, kinds=SERVED
    )


def test_an_unknown_kind_is_a_mistake_with_the_nearest_name(tmp_path: Path) -> None:
    """A kind that the cluster does not have is told with place and the likely one."""
    told = message(tmp_path, CONFIG.replace("ConfigMap", "ConfigMpa"), kinds=SERVED)
    assert "shop.yaml:3:7 the cluster has no kind ConfigMpa in v1" in told
    assert "did you mean 'ConfigMap'?" in told


def test_a_kind_of_another_group_is_named(tmp_path: Path) -> None:
    """Where the kind exists in another group, that group is the hint."""
    told = message(tmp_path, CONFIG.replace("apiVersion: v1", "apiVersion: core/v1"), kinds=SERVED)
    assert "[ConfigMap is served as v1]" in told


def test_a_custom_resource_without_definition_says_what_is_missing(tmp_path: Path) -> None:
    """A custom resource needs its definition in the stack or in the cluster."""
    text = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n"
    assert "add its CustomResourceDefinition" in message(tmp_path, text, kinds=SERVED)


def test_what_is_pending_stays_pending(tmp_path: Path) -> None:
    """A value that waits for a module is marked with what it waits for, and everything else is known."""
    text = CONFIG.replace("green", '"${{ modules.database.host }}"')
    found = rendered(tmp_path, text)
    assert found.objects[0].value["data"] == {
        "colour": Pending(references=("modules.database.host",))
    }
    assert found.pending == ("modules.database.host",)
    assert found.objects[0].ref is not None


def test_an_object_without_a_known_name_has_no_reference(tmp_path: Path) -> None:
    """While the name is pending nobody can say which object it is, and its title says so."""
    text = CONFIG.replace("name: settings", 'name: "x-${{ modules.database.host }}"')
    (item,) = rendered(tmp_path, text).objects
    assert item.ref is None
    assert item.title == "ConfigMap (known after apply: modules.database.host)"


def test_a_kind_is_known_when_the_plan_is_made(tmp_path: Path) -> None:
    """Which kind an object is cannot wait for a module."""
    text = CONFIG.replace("kind: ConfigMap", 'kind: "${{ modules.database.kind }}"')
    assert "kind has to be known when the plan is made" in message(tmp_path, text)


def test_a_secret_is_kept_as_the_server_keeps_it(tmp_path: Path) -> None:
    """The texts of a Secret become its data, over data of the same key, and stay secret there."""
    text = """
apiVersion: v1
kind: Secret
metadata: {name: login}
data: {user: YQ==, password: b2xk}
stringData: {password: "${{ modules.database.password }}"}
"""
    password = Output(value="hunter22", sensitive=True)
    (item,) = rendered(tmp_path, text, outputs={"password": password}).objects
    assert item.value["data"] == {
        "user": "YQ==",
        "password": base64.b64encode(b"hunter22").decode(),
    }
    assert "stringData" not in item.value
    assert item.sensitive == {("data", "password")}


def test_a_status_is_not_wanted(tmp_path: Path) -> None:
    """What an exported manifest says about status is nobody's wish; a custom kind may mean it."""
    exported = f"{CONFIG}status: {{phase: Active}}\n"
    assert "status" not in rendered(tmp_path, exported).objects[0].value
    custom = exported.replace("apiVersion: v1", "apiVersion: example.com/v1")
    assert "status" in rendered(tmp_path, custom).objects[0].value


def test_what_the_server_sets_is_not_wanted(tmp_path: Path) -> None:
    """An exported manifest is good for any cluster, and for what became of the object since."""
    exported = CONFIG.replace(
        "{name: settings}",
        "{name: settings, labels: {a: b}, uid: x, resourceVersion: '7', creationTimestamp: null, "
        "generation: 3, managedFields: []}",
    )
    assert exported != CONFIG
    (item,) = rendered(tmp_path, exported).objects
    assert item.value["metadata"] == {
        "name": "settings",
        "namespace": "default",
        "labels": {"a": "b"},
    }


def test_rules_that_are_gathered_are_not_wanted(tmp_path: Path) -> None:
    """An aggregated role says that it has none, and gets those of others from a controller, whose field they are."""
    text = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
rules: []
"""
    (gathered,) = rendered(tmp_path, text).objects
    assert "rules" not in gathered.value
    (plain,) = rendered(tmp_path, text.replace("aggregationRule", "other")).objects
    assert plain.value["rules"] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: settings", 'name: "${{ vars.replicas }}"', "metadata.name is not a text"),
        ("name: settings", "name: a, namespace: 3", "metadata.namespace is not a text"),
        ("name: settings", "name: a, labels: [x]", "metadata.labels is not a map"),
        ("green", '"${{ vars.colour }}"', "there is no variable 'colour'"),
    ],
)
def test_what_cannot_be_an_object_is_a_mistake(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    """Mistakes that only show once references are replaced have places too."""
    found = message(tmp_path, CONFIG.replace(old, new))
    assert told in found
    assert "shop.yaml:" in found


def test_a_namespace_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    """The namespace of a set is a text."""
    assert "the namespace of manifests.shop is not a text" in message(tmp_path, CONFIG, namespace=3)


def test_objects_that_turn_out_to_be_one_are_refused(tmp_path: Path) -> None:
    """Two declarations that differ in text may become the same object."""
    one = rendered(tmp_path, CONFIG, name="one", namespace="shop")
    two = rendered(
        tmp_path, CONFIG.replace("name: settings", "name: settings, namespace: shop"), name="two"
    )
    with pytest.raises(InvalidStack) as raised:
        check_identities((one, two))
    (mistake,) = raised.value.mistakes
    assert mistake.message == "ConfigMap shop/settings is declared twice"
    assert mistake.place is not None
    assert mistake.related is not None
    assert (mistake.place.file, mistake.related.file) == ("two.yaml", "one.yaml")
