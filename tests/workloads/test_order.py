from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId
from orchestrator.workloads.order import batches, deletion_order, rank, reverse_batches
from tests.workloads.builders import ref

KINDS = [
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("", "Namespace"),
    ("storage.k8s.io", "StorageClass"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("", "Secret"),
    ("apps", "Deployment"),
    ("batch", "Job"),
    ("example.com", "Widget"),
    ("example.com", "Deployment"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
]
refs = st.builds(
    lambda kind, name: ObjectRef(
        group=kind[0], version="v1", kind=kind[1], namespace="n", name=name
    ),
    st.sampled_from(KINDS),
    st.text("abc", min_size=1, max_size=3),
)


def test_what_others_need_comes_first() -> None:
    """Definitions and namespaces come before access, access before data, data before what runs, gates last."""
    order = [
        ref("Namespace"),
        ref("ServiceAccount"),
        ref("RoleBinding", group="rbac.authorization.k8s.io"),
        ref("ConfigMap"),
        ref("Deployment"),
        ref("Ingress", group="networking.k8s.io"),
        ref("Certificate", group="cert-manager.io"),
        ref("ValidatingWebhookConfiguration", group="admissionregistration.k8s.io"),
    ]
    assert all(rank(one) < rank(other) for one, other in pairwise(order))


def test_a_foreign_kind_of_a_known_name_is_not_mistaken() -> None:
    """A custom Deployment is a custom resource, wherever Kubernetes' own Deployment stands."""
    assert rank(ref("Deployment", group="example.com")) > rank(ref("Deployment"))


def test_classes_come_before_what_names_them() -> None:
    """Objects name their class, so classes of any vendor are there before them."""
    gateways = rank(ref("GatewayClass", group="gateway.networking.k8s.io"))
    assert gateways < rank(ref("ServiceAccount"))
    assert gateways < rank(ref("Gateway", group="gateway.networking.k8s.io"))


def test_a_class_comes_after_what_defines_its_kind() -> None:
    """A vendor's class is a custom resource too, which may live in a namespace of the same set."""
    custom = rank(ref("ClusterClass", group="cluster.x-k8s.io"))
    definition = ref("CustomResourceDefinition", group="apiextensions.k8s.io")
    assert rank(definition) < custom
    assert rank(ref("Namespace")) < custom


@given(st.lists(refs), st.randoms())
def test_order_does_not_depend_on_the_files(found: list[ObjectRef], random: object) -> None:
    """The same objects are applied in the same batches, however their files are named."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert batches((item, item) for item in found) == batches((item, item) for item in shuffled)


@given(st.lists(refs))
def test_deletion_runs_backwards(found: list[ObjectRef]) -> None:
    """Every batch of a deletion is a batch of the application, in reverse, but for a vendor's classes."""
    plain = [item for item in found if "." not in item.group or not item.kind.endswith("Class")]
    forward = batches((item, item) for item in plain)
    assert reverse_batches((item, item) for item in plain) == tuple(reversed(forward))
    backward = reverse_batches((item, item) for item in found)
    assert sorted(item for batch in backward for item in batch) == sorted(found)


def test_a_vendors_class_goes_before_the_controller_that_lets_it_go() -> None:
    """Its finalizer would keep it for ever; what names it goes before it."""
    kinds = {
        "EC2NodeClass": "karpenter.k8s.aws",
        "NodePool": "karpenter.sh",
        "Gateway": "gateway.networking.k8s.io",
        "GatewayClass": "gateway.networking.k8s.io",
        "VolumeSnapshotClass": "snapshot.storage.k8s.io",
        "Deployment": "apps",
        "CustomResourceDefinition": "apiextensions.k8s.io",
        "StorageClass": "storage.k8s.io",
    }
    refs_ = [ref(kind, group=group) for kind, group in kinds.items()]
    order = [
        item.kind for batch in reverse_batches((each, each) for each in refs_) for item in batch
    ]
    assert order == [
        "NodePool",
        "Gateway",
        "GatewayClass",
        "EC2NodeClass",
        "VolumeSnapshotClass",
        "Deployment",
        "StorageClass",
        "CustomResourceDefinition",
    ]


def test_every_kind_that_has_an_order_has_it_as_people_expect() -> None:
    """The order of application, kind by kind; what is deleted goes the other way round."""
    stages = [
        ["CustomResourceDefinition", "Namespace", "ClusterRole"],
        ["StorageClass", "PriorityClass"],
        ["ResourceQuota", "LimitRange", "ServiceAccount", "Role"],
        ["ClusterRoleBinding", "RoleBinding"],
        ["ConfigMap", "Secret", "Service", "PersistentVolume", "PersistentVolumeClaim"],
        ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"],
        [
            "PodDisruptionBudget",
            "HorizontalPodAutoscaler",
            "Ingress",
            "NetworkPolicy",
            "APIService",
        ],
        ["Widget"],
        ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ]
    found = batches((item, item.kind) for item in _in_any_order(stages))
    assert [sorted(batch) for batch in found] == [sorted(stage) for stage in stages]


def _in_any_order(stages: list[list[str]]) -> list[ObjectRef]:
    kinds = sorted((kind for stage in stages for kind in stage), key=hash)
    return [ref(kind, group="example.com" if kind == "Widget" else "") for kind in kinds]


def test_what_sets_share_goes_last_whichever_of_them_has_it() -> None:
    """Custom resources go before their definition, content before its namespace, across sets too."""
    one, two, three = (UnitId(f"manifests.{name}") for name in ("one", "two", "three"))
    doomed = {
        one: [ref("Namespace", namespace="", name="shop")],
        two: [
            ref(
                "CustomResourceDefinition",
                group="apiextensions.k8s.io",
                namespace="",
                name="widgets.example.com",
            )
        ],
        three: [ref("Widget", group="example.com", namespace="shop")],
    }
    assert deletion_order((one, two, three), doomed) == (three, one, two)
    assert deletion_order((two, one), doomed) == (two, one)


def test_sets_that_have_parts_of_one_another_go_in_the_given_order() -> None:
    """A circle is no reason to fail: each set still deletes its own backwards."""
    one, two = UnitId("manifests.one"), UnitId("manifests.two")
    doomed = {
        one: [ref("Namespace", namespace="", name="a"), ref(namespace="b")],
        two: [ref("Namespace", namespace="", name="b"), ref(namespace="a")],
    }
    assert deletion_order((two, one), doomed) == (two, one)
