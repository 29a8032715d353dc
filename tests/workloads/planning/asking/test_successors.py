"""What counts against a replacement: all that the server says of its stand-in, but what the old object gives back."""

from typing import Any

import pytest

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Invalid, NamespaceMissing, TooEarly
from orchestrator.workloads.cluster.lacking import Lack
from orchestrator.workloads.cluster.requests import Accepted, Submission
from orchestrator.workloads.planning.asking.addresses import holder, sought
from orchestrator.workloads.planning.asking.successors import (
    refuses_replacement,
    stand_in,
    without_held,
)
from tests.workloads.builders import ref
from tests.workloads.custom import definition

_CLAIM: dict[str, Json] = {
    "kind": "PersistentVolumeClaim",
    "spec": {"storageClassName": "slow", "resources": {"requests": {"storage": "10Gi"}}},
}
_CLAIMS = "persistentvolumeclaims"
_SERVICE: dict[str, Json] = {
    "kind": "Service",
    "spec": {"type": "LoadBalancer", "ports": [{"nodePort": 1}, {"nodePort": 2}]},
}


def _early(message: str, *, too_small: bool = False) -> TooEarly:
    kinds = frozenset({("", "ResourceQuota" if too_small else "ServiceAccount")})
    return TooEarly(message, lacks=Lack(kinds=kinds, namespace="", name="it", too_small=too_small))


def _exceeded(requested: str, used: str, limited: str) -> TooEarly:
    words = f'claims "x" is forbidden: exceeded quota: q, requested: {requested}, used: {used}, limited: {limited}'
    return _early(words, too_small=True)


@pytest.mark.parametrize(
    "refusal",
    [
        Invalid("it-1 is not valid: metadata.name: must be plural.group"),
        Invalid("spec.ports[0].nodePort: provided port is already allocated"),
        ClusterError("host is already defined in ingress shop/web"),
        ClusterError("patch was refused: exceeded quota, says a webhook"),
        AccessDenied("the user is not allowed to create configmaps"),
        AccessDenied("the user is not allowed to patch configmaps"),
        NamespaceMissing("the namespace is gone", namespace="shop"),
        _early('serviceaccount "it" not found'),
        _early("exceeded quota: q", too_small=True),
    ],
    ids=lambda refusal: refusal.message[:40],
)
def test_whatever_is_said_of_the_stand_in_refuses_the_replacement(refusal: ClusterError) -> None:
    """No words of a refusal make it one about the old object or another name."""
    assert refuses_replacement(refusal, _CLAIM, brought=False, hard={}, plural=_CLAIMS) is refusal


def test_what_is_accepted_or_brought_refuses_nothing() -> None:
    """What is lacking may come with the same plan."""
    made = Accepted(live={}, created=True)
    assert refuses_replacement(made, _CLAIM, brought=False, hard={}, plural=_CLAIMS) is None
    early = _early('serviceaccount "it" not found')
    assert refuses_replacement(early, _CLAIM, brought=True, hard={}, plural=_CLAIMS) is None
    wrong = Invalid("it is not valid")
    assert refuses_replacement(wrong, _CLAIM, brought=True, hard={}, plural=_CLAIMS) is wrong


@pytest.mark.parametrize(
    ("live", "requested", "used", "limited", "fits"),
    [
        (_CLAIM, "requests.storage=50Gi", "requests.storage=10Gi", "requests.storage=50Gi", True),
        (_CLAIM, "requests.storage=50Gi", "requests.storage=11Gi", "requests.storage=50Gi", False),
        (_CLAIM, "requests.storage=5Gi", "requests.storage=60Gi", "requests.storage=50Gi", False),
        (_CLAIM, "persistentvolumeclaims=1", "persistentvolumeclaims=3", "persistentvolumeclaims=3", True),
        (_CLAIM, "count/jobs.batch=1", "count/jobs.batch=4", "count/jobs.batch=3", False),
        (
            _CLAIM,
            "persistentvolumeclaims=1,requests.storage=99Gi",
            "persistentvolumeclaims=3,requests.storage=10Gi",
            "persistentvolumeclaims=3,requests.storage=50Gi",
            False,
        ),
        *(
            (_CLAIM, f"{name}=10Gi", f"{name}=20Gi", f"{name}=20Gi", fits)
            for name, fits in (
                ("slow.storageclass.storage.k8s.io/requests.storage", True),
                ("fast.storageclass.storage.k8s.io/requests.storage", False),
            )
        ),
        (_SERVICE, "services.nodeports=2", "services.nodeports=2", "services.nodeports=2", True),
        (_SERVICE, "services.nodeports=3", "services.nodeports=2", "services.nodeports=2", False),
        (_SERVICE, "services.loadbalancers=1", "services.loadbalancers=1", "services.loadbalancers=1", True),
        ({"kind": "Pod"}, "count/pods=1", "count/pods=3", "count/pods=3", True),
        ({"kind": "Pod", "status": {"phase": "Failed"}}, "pods=1", "pods=3", "pods=3", False),
        ({"kind": "Pod"}, "requests.cpu=1", "requests.cpu=3", "requests.cpu=3", False),
        (_CLAIM, "requests.storage=1e3", "requests.storage=0", "requests.storage=1", False),
    ],
)  # fmt: skip
def test_a_quota_passes_what_surely_fits_in_the_old_ones_place(
    live: dict[str, Json], requested: str, used: str, limited: str, *, fits: bool
) -> None:
    """What is used, without what the old object gives back and with what is requested, stays within the limit."""
    refusal = _exceeded(requested, used, limited)
    expected = None if fits else refusal
    plural = f"{live['kind']}s".lower()
    assert refuses_replacement(refusal, live, brought=True, hard={}, plural=plural) is expected


def test_a_quota_that_the_plan_raises_counts_as_it_will_be() -> None:
    """It is not enough that the plan changes the quota: the object has to fit then."""
    name = "requests.storage"
    refusal = _exceeded(f"{name}=100Gi", f"{name}=10Gi", f"{name}=50Gi")
    for limit, told in (
        ("100Gi", ""),
        ("99Gi", f"{refusal.message} (with this plan {name}=99Gi)"),
        ("51200Mi", refusal.message),
    ):
        said = refuses_replacement(
            refusal, _CLAIM, brought=True, hard={name: limit}, plural=_CLAIMS
        )
        assert (said.message if said else "") == told


def _service(**spec: Any) -> Submission:
    manifest: dict[str, Json] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": spec,
    }
    return Submission(ref=ref("Service"), manifest=manifest)


_HELD: dict[str, Json] = {
    "spec": {
        "clusterIP": "fd00::1",
        "clusterIPs": ["fd00::1", "10.0.0.1"],
        "ports": [{"port": 80, "nodePort": 30080}],
        "healthCheckNodePort": 31000,
    }
}


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"clusterIP": "fd00:0::1"}, {}),
        ({"clusterIP": "fd00::1", "clusterIPs": ["fd00::1", "10.0.0.1"]}, {}),
        ({"clusterIP": "10.0.0.2"}, {"clusterIP": "10.0.0.2"}),
        ({"clusterIP": "None"}, {"clusterIP": "None"}),
        ({"healthCheckNodePort": 31000}, {}),
        ({"healthCheckNodePort": 31001}, {"healthCheckNodePort": 31001}),
        (
            {"ports": [{"port": 80, "nodePort": 30080}, {"port": 81, "nodePort": 30081}]},
            {"ports": [{"port": 80}, {"port": 81, "nodePort": 30081}]},
        ),
    ],
)
def test_a_service_is_asked_about_without_what_it_has_itself(
    spec: dict[str, Any], asked: dict[str, Any]
) -> None:
    """Just the addresses and ports of the old Service are left out; all others have to be free."""
    assert without_held(_service(**spec), _HELD).manifest["spec"] == asked


def test_an_address_that_another_service_has_is_found() -> None:
    """A dry run takes any address for free; one is sought that the old Service does not have."""
    manifest = _service(clusterIPs=["10.0.0.1", "10.0.0.2"]).manifest
    assert sought(manifest, _HELD) == {"10.0.0.2"}
    other: Json = {"metadata": {"namespace": "a", "name": "b"}, "spec": {"clusterIP": "10.0.0.2"}}
    assert isinstance(other, dict)
    assert holder("10.0.0.2", [_HELD, other]) == "a/b"
    assert holder("10.0.0.3", [_HELD, other]) == ""


def test_there_is_one_default_priority_and_the_old_one_gives_it_back() -> None:
    """The stand-in does not ask to be the default where the old object is; otherwise somebody else may be."""
    kind = ref("PriorityClass", group="scheduling.k8s.io", namespace="")
    asked = Submission(ref=kind, manifest={"kind": "PriorityClass", "globalDefault": True})
    assert without_held(asked, {"globalDefault": True}).manifest == {"kind": "PriorityClass"}
    assert without_held(asked, {"globalDefault": False}) == asked


def test_the_stand_in_of_a_definition_has_a_name_that_fits() -> None:
    """So what is said is about the definition; one whose own name does not fit keeps its mistake."""
    group = "example.com"
    kind = ref(
        "CustomResourceDefinition",
        group="apiextensions.k8s.io",
        namespace="",
        name=f"widgets.{group}",
    )
    other = stand_in(Submission(ref=kind, manifest=definition(group)))
    spec: Any = other.manifest["spec"]
    assert other.ref.name == f"{spec['names']['plural']}.{group}" != kind.name
    wrong = definition(group)
    wrong["spec"]["names"]["plural"] = "gadgets"
    assert stand_in(Submission(ref=kind, manifest=wrong)).manifest["spec"] == wrong["spec"]


def test_the_other_name_is_a_name() -> None:
    """It is cut where a dot or a dash would stand at the end of a part of it."""
    name = f"{'a' * 39}.example.com"
    other = stand_in(Submission(ref=ref(name=name), manifest={})).ref.name
    assert other.startswith(f"{'a' * 39}-")
