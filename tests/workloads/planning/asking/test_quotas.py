"""What all that is planned takes of a quota together."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.live import mapping
from orchestrator.workloads.planning.asking.quotas import Taking, overdrawn, taken, uncounted
from tests.workloads.builders import ref

_STORAGE = "requests.storage"
_CLAIMS = "persistentvolumeclaims"


def claim(size: str, of_class: str = "fast") -> dict[str, Json]:
    """Return a claim."""
    spec: dict[str, Json] = {
        "storageClassName": of_class,
        "resources": {"requests": {"storage": size}},
    }
    return {"kind": "PersistentVolumeClaim", "spec": spec}


def change(name: str, before: str, after: str, **requested: Any) -> Taking:
    """Return a claim that has another size afterwards; an empty one is not there."""
    return Taking(
        ref=_claim(name),
        plural=_CLAIMS,
        before=claim(before) if before else {},
        after=claim(after),
        requested=requested,
    )


def quota(used: dict[str, Json] | None = None, **spec: Any) -> dict[str, Json]:
    """Return a quota called ``few``."""
    status: dict[str, Json] = {} if used is None else {"used": used}
    return {"metadata": {"name": "few"}, "spec": spec, "status": status}


def _claim(name: str) -> ObjectRef:
    return ref("PersistentVolumeClaim", name=name)


_BOTH = (change("a", "10Gi", "40Gi"), change("b", "10Gi", "40Gi"))


@pytest.mark.parametrize(
    ("limit", "used", "refused"),
    [
        ({_STORAGE: "60Gi"}, {_STORAGE: "20Gi"}, {"a"}),  # each of both would fit alone
        ({_STORAGE: "80Gi"}, {_STORAGE: "20Gi"}, set()),
        ({_STORAGE: "80Gi"}, {_STORAGE: "21Gi"}, {"a"}),
        ({_STORAGE: "60Gi"}, None, {"a"}),  # made by the same plan: what they have is used
        ({_STORAGE: "80Gi"}, None, set()),
        ({_CLAIMS: "2"}, {_CLAIMS: "2"}, set()),
        ({_CLAIMS: "1"}, {_CLAIMS: "2"}, {"a"}),  # lowered by the same plan
        ({"fast.storageclass.storage.k8s.io/requests.storage": "60Gi"}, {}, {"a"}),
        ({"slow.storageclass.storage.k8s.io/requests.storage": "1Gi"}, {}, set()),
        ({"requests.cpu": "1", "count/secrets": "0"}, {"requests.cpu": "9"}, set()),
    ],
)  # fmt: skip
def test_what_grows_at_once_has_to_fit_at_once(
    limit: dict[str, Json], used: dict[str, Json] | None, refused: set[str]
) -> None:
    """Whatever is at stake is refused where there is no room for all; what nobody can reckon refuses nothing."""
    found = overdrawn(quota(used, hard=limit), _BOTH, [_claim("a")])
    assert {each.name for each in found} == refused


def test_the_quota_is_told_with_what_it_would_be() -> None:
    """People see what of which quota is too little."""
    found = overdrawn(quota({_STORAGE: "20Gi"}, hard={_STORAGE: "60Gi"}), _BOTH, [_claim("b")])
    assert found == {
        _claim(
            "b"
        ): "all that is planned exceeds the quota few: requests.storage would be 80Gi of 60Gi, and is 20Gi"
    }


def test_what_is_planned_beside_it_counts() -> None:
    """A claim that keeps its size may come to late after another one took the room that it gave back."""
    kept, new = change("a", "10Gi", "10Gi"), change("b", "", "10Gi")
    limit = quota({_STORAGE: "10Gi"}, hard={_STORAGE: "15Gi"})
    assert overdrawn(limit, [kept, new], [_claim("a")])
    assert not overdrawn(limit, [kept], [_claim("a")])


def test_what_the_server_says_of_an_object_counts() -> None:
    """Nobody here can tell what a Pod uses: the server says it when it refuses one."""
    pods = [
        Taking(ref=ref("Pod", name=name), plural="pods", before={}, after={}, requested={"requests.cpu": Fraction(2)})
        for name in ("a", "b")
    ]  # fmt: skip
    limit = quota({"requests.cpu": "3"}, hard={"requests.cpu": "6"})
    assert overdrawn(limit, pods, [pods[1].ref])
    assert not overdrawn(limit, pods[:1], [pods[0].ref])


def test_what_is_there_already_counts() -> None:
    """Of a quota that nobody has looked at yet, whatever is in the namespace is used, planned or not."""
    limit, grown = quota(hard={_STORAGE: "50Gi"}), change("a", "10Gi", "20Gi")
    assert uncounted(limit, [grown]) == {_STORAGE}
    assert not uncounted(quota({_STORAGE: "1Gi"}, hard={_STORAGE: "50Gi"}), [grown])
    counted = {_STORAGE: Fraction(45 * 2**30)}
    assert overdrawn(limit, [grown], [_claim("a")], counted=counted)
    assert not overdrawn(limit, [grown], [_claim("a")])


def test_what_is_said_of_a_successor_is_all_that_it_takes() -> None:
    """The old object gives back what it has; of one that is changed, the server says how much more it takes."""
    said = {_STORAGE: Fraction(20 * 2**30)}
    grown = replace(change("a", "10Gi", "1Gi"), requested=said)
    limit = quota({_STORAGE: "10Gi"}, hard={_STORAGE: "20Gi"})
    assert overdrawn(limit, [grown], [_claim("a")])
    assert not overdrawn(limit, [replace(grown, anew=True)], [_claim("a")])


def test_a_quota_of_some_objects_gives_no_room_for_an_old_one() -> None:
    """Which objects one with scopes is about, nobody can tell here: only that it refused what is to be made anew."""
    limit = quota({_STORAGE: "20Gi"}, hard={_STORAGE: "1Gi"}, scopes=["BestEffort"])
    assert not overdrawn(limit, _BOTH, [_claim("a")])
    anew = replace(_BOTH[0], anew=True, refused_by="few")
    assert overdrawn(limit, [anew, _BOTH[1]], [_claim("a"), _claim("b")]).keys() == {_claim("a")}


@pytest.mark.parametrize(
    ("most", "refused"),
    [
        (None, True),
        ("2", True),
        ("3", False),  # raised by the same plan
    ],
)
@pytest.mark.parametrize("by", ["few", "others"])
def test_a_quota_of_some_objects_has_to_have_room_beside_the_old_one(
    most: str | None, by: str, *, refused: bool
) -> None:
    """Neither does its refusal by another quota mean that this one has room, which the server says nothing of."""
    limit = quota({"pods": "2"}, hard={"pods": most or "1"}, scopeSelector={"matchExpressions": []})
    told = overdrawn(limit, [_pod(by)], [_pod(by).ref])
    why = "the quota few is about some objects only, maybe not about the old one"
    assert list(told.values()) == refused * [f"{why}: pods would be 3 of {most or '1'}, and is 2"]


@pytest.mark.parametrize(
    ("name", "by", "told"),
    [
        ("requests.cpu", "others", True),
        ("limits.memory", "others", True),
        ("hugepages-2Mi", "others", True),
        ("requests.cpu", "few", False),  # which says all that it has no room for
        ("requests.cpu", "", False),  # which all have room for beside the old one
        ("requests.memory", "others", False),  # of which the server says how much
        ("requests.storage", "others", False),
    ],
)
def test_what_a_pod_uses_is_unknown_while_another_quota_refuses_it(
    name: str, by: str, *, told: bool
) -> None:
    """The server names one quota: of the others nobody knows whether they have room once the old Pod is gone."""
    pod = replace(_pod(by), requested={"requests.memory": Fraction(1)})
    found = overdrawn(_known(quota({name: "1"}, hard={name: "2"}), name, "2"), [pod], [pod.ref])
    why = (
        "the quota others has no room beside the old one, which hides whether the quota few has any"
    )
    assert list(found.values()) == told * [f"{why}: {name} is 1 of 2"]


@pytest.mark.parametrize(
    ("known", "told"), [(None, True), ("3", True), ("2", False), ("2000m", False), ("1", False)]
)
@pytest.mark.parametrize("by", ["", "few"])
def test_what_a_pod_uses_of_a_limit_that_the_plan_brings_is_unknown(
    known: str | None, by: str, *, told: bool
) -> None:
    """The server has judged by the limit of before, if by any; a new Pod leaves none behind when it is refused."""
    limit = _known(quota({"cpu": "1"}, hard={"cpu": "2"}), "cpu", known)
    found = overdrawn(limit, [_pod(by)], [_pod(by).ref])
    why = "the server cannot say yet whether the quota few has room: cpu is 1 of 2"
    assert list(found.values()) == told * [why]
    assert not overdrawn(limit, [replace(_pod(by), anew=False)], [_pod(by).ref])


def test_a_claim_that_is_given_its_class_may_be_of_any() -> None:
    """The server does not say which while a quota refuses it; of one that is accepted it has said so."""
    fast = f"fast.storageclass.storage.k8s.io/{_STORAGE}"
    limit = quota({fast: "10Gi"}, hard={fast: "15Gi"})
    unnamed: dict[str, Json] = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    grown = replace(change("a", "10Gi", "20Gi"), after=unnamed, anew=True)
    assert overdrawn(limit, [replace(grown, refused_by="others")], [_claim("a")])
    assert not overdrawn(limit, [grown], [_claim("a")])


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        ({"type": "NodePort", "ports": [{}, {"nodePort": 1}]}, 2),
        ({"type": "LoadBalancer", "ports": [{}, {"nodePort": 1}]}, 2),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{}, {"nodePort": 1}]}, 1),
        ({"type": "ClusterIP", "ports": [{}]}, 0),
        ({"ports": [{}]}, 0),
    ],
)  # fmt: skip
def test_a_service_takes_the_ports_that_it_will_be_given(spec: dict[str, Json], ports: int) -> None:
    """The server counts them before it gives them, where the manifest names none, too."""
    assert taken("services.nodeports", {"spec": spec}, "services") == ports


def _known(limit: dict[str, Json], name: str, most: str | None) -> dict[str, Json]:
    """Return a quota of which the server knows this limit."""
    hard: dict[str, Json] = {} if most is None else {name: most}
    return {**limit, "status": {**mapping(limit, "status"), "hard": hard}}


def _pod(refused_by: str) -> Taking:
    return Taking(
        ref=ref("Pod", name="it"),
        plural="pods",
        before={"kind": "Pod"},
        after={"kind": "Pod"},
        requested={},
        refused_by=refused_by,
        anew=True,
    )
