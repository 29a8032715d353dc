from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.order import batches, rank, reverse_batches
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
        ref("Certificate", group="cert-manager.io"),
        ref("ValidatingWebhookConfiguration", group="admissionregistration.k8s.io"),
    ]
    assert all(rank(one) < rank(other) for one, other in pairwise(order))


def test_a_foreign_kind_of_a_known_name_is_not_mistaken() -> None:
    """A custom Deployment is a custom resource, wherever Kubernetes' own Deployment stands."""
    assert rank(ref("Deployment", group="example.com")) > rank(ref("Deployment"))


def test_classes_come_first_whatever_their_group() -> None:
    """Objects name their class, so classes of any vendor are there before them."""
    assert rank(ref("GatewayClass", group="gateway.networking.k8s.io")) == 0


@given(st.lists(refs), st.randoms())
def test_order_does_not_depend_on_the_files(found: list[ObjectRef], random: object) -> None:
    """The same objects are applied in the same batches, however their files are named."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert batches((item, item) for item in found) == batches((item, item) for item in shuffled)


@given(st.lists(refs))
def test_deletion_runs_backwards(found: list[ObjectRef]) -> None:
    """Every batch of a deletion is a batch of the application, in reverse, and nothing is lost."""
    forward = batches((item, item) for item in found)
    assert reverse_batches((item, item) for item in found) == tuple(reversed(forward))
    assert sorted(item for batch in forward for item in batch) == sorted(found)
