import json

import pytest

from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.stack.model import UnitId


def ref(**fields: str) -> ObjectRef:
    """Return a reference to a Deployment, but for the fields given."""
    return ObjectRef(**{
        "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", **fields,
    })  # fmt: skip


def test_identity_leaves_the_version_out() -> None:
    """An object read in another API version is the same object."""
    assert ref(version="v1beta1") == ref(version="v1")
    assert len({ref(version="v1beta1"), ref(version="v1")}) == 1


@pytest.mark.parametrize("field", ["group", "kind", "namespace", "name"])
def test_everything_else_is_identity(field: str) -> None:
    """Group, kind, namespace and name each tell two objects apart."""
    assert ref(**{field: "other"}) != ref()


def test_text_names_kind_namespace_and_name() -> None:
    """People see the kind, and the group only where Kubernetes does not define it."""
    assert str(ref()) == "Deployment shop/web"
    assert str(ref(group="", kind="Namespace", namespace="")) == "Namespace web"
    assert str(ref(group="networking.k8s.io", kind="Ingress")) == "Ingress shop/web"
    assert (
        str(ref(group="serving.knative.dev", kind="Service"))
        == "Service.serving.knative.dev shop/web"
    )


def test_api_version_of_the_core_group_has_no_slash() -> None:
    """The core group is left out of apiVersion."""
    assert ref().api_version == "apps/v1"
    assert ref(group="").api_version == "v1"


def test_objects_survive_json() -> None:
    """What the ledger stores is what it reads again."""
    owned = OwnedObject(ref=ref(), unit=UnitId("manifests.shop"), uid="u-1", fingerprint="f")
    assert OwnedObject.from_json(json.loads(json.dumps(owned.to_json()))) == owned


@pytest.mark.parametrize("value", [None, [], {"group": "apps"}, {**ref().to_json(), "name": 3}])
def test_malformed_json_is_refused(value: object) -> None:
    """Anything but what was written is a ValueError."""
    with pytest.raises(ValueError, match="object"):
        ObjectRef.from_json(value)  # type: ignore[arg-type]


def test_an_owner_reads_as_a_path() -> None:
    """Stack and environment are shown as one path."""
    assert str(Owner(stack="shop", environment="production")) == "shop/production"
