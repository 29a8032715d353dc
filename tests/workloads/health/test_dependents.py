"""Which Pods count for an object, and why waiting for it is no use."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.workloads.health.dependents import Dependents
from orchestrator.workloads.health.laggards import concerns, warning
from orchestrator.workloads.health.lean import lean, lean_dependent
from tests.workloads.health.test_health import NOW, condition, live, waiting

STUCK = {"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff", "not found")}
REVISION = "deployment.kubernetes.io/revision"


def owned(kind: str, uid: str, owner: str, **fields: Any) -> dict[str, Any]:
    """Return an object that another one controls."""
    metadata = {
        "uid": uid,
        "name": uid,
        "ownerReferences": [{"uid": owner, "controller": True}, {"uid": "else"}],
        **fields.pop("metadata", {}),
    }
    return live(kind, metadata=metadata, generation=None, **fields)


def controller(kind: str, **fields: Any) -> dict[str, Any]:
    """Return what runs Pods, whose controller has seen it."""
    status = {"observedGeneration": 2, **fields.pop("status", {})}
    metadata = {"uid": "top", **fields.pop("metadata", {})}
    return live(kind, status, metadata=metadata, **fields)


def taken(*objects: dict[str, Any]) -> Dependents:
    """Return what was seen."""
    found = Dependents()
    for item in objects:
        found.take(lean_dependent(item), gone=False)
    return found


def why(found: Dependents, top: dict[str, Any], *, after: float = 0) -> str:
    """Return why waiting is no use."""
    return found.obstacle(
        lean(top), NOW + timedelta(seconds=after), room=lambda _: True, began=None
    )


TOLD = "Pod {}: container web: ImagePullBackOff: not found"


def test_the_newest_pods_of_a_deployment() -> None:
    """The ReplicaSet that has the Deployment's own revision is the one whose Pods count."""
    sets = [
        owned("ReplicaSet", name, "top", metadata={"annotations": {REVISION: revision}})
        for name, revision in (("old", "1"), ("new", "2"))
    ]
    found = taken(*sets, owned("Pod", "pod-old", "old", status=STUCK))
    top = controller("Deployment", metadata={"annotations": {REVISION: "2"}})
    assert why(found, top) == ""
    found.take(owned("Pod", "pod-new", "new", status=STUCK), gone=False)
    assert why(found, top) == TOLD.format("pod-new")


@pytest.mark.parametrize(
    ("top", "label"),
    [
        (controller("StatefulSet", status={"updateRevision": "b"}), "controller-revision-hash"),
        (
            controller(
                "DaemonSet",
                metadata={"annotations": {"deprecated.daemonset.template.generation": "b"}},
            ),
            "pod-template-generation",
        ),
    ],
    ids=["StatefulSet", "DaemonSet"],
)
def test_the_newest_pods_of_a_set(top: dict[str, Any], label: str) -> None:
    """Pods of a set are told apart by the label that its controller gives them."""
    old = owned("Pod", "old", "top", status=STUCK, metadata={"labels": {label: "a"}})
    new = owned("Pod", "new", "top", status=STUCK, metadata={"labels": {label: "b"}})
    assert why(taken(old), top) == ""
    assert why(taken(old, new), top) == TOLD.format("new")


def test_what_its_controller_has_not_seen() -> None:
    """Before a controller has looked, its Pods are those of what was there before."""
    pod = owned("Pod", "a", "top", status=STUCK)
    assert why(taken(pod), controller("ReplicaSet")) == TOLD.format("a")
    assert why(taken(pod), controller("ReplicaSet", status={"observedGeneration": 1})) == ""
    assert why(taken(pod), live("Job", {}, metadata={"uid": "top"})) == TOLD.format("a")


@pytest.mark.parametrize(
    "pod",
    [
        owned("Pod", "a", "top", status={**STUCK, "phase": "Failed"}),
        owned("Pod", "a", "top", status=STUCK, metadata={"deletionTimestamp": "now"}),
        owned("Pod", "a", "other", status=STUCK),
    ],
    ids=["failed", "deleted", "another's"],
)
def test_pods_that_do_not_count(pod: dict[str, Any]) -> None:
    """A Pod that is replaced, or that belongs to something else, says nothing."""
    assert why(taken(pod), controller("ReplicaSet")) == ""


def test_crashes_of_a_job_are_counted_by_itself() -> None:
    """A Job has a limit of its own for how often its Pods fail."""
    crashed = waiting("CrashLoopBackOff", restartCount=9)
    pod = owned("Pod", "a", "top", status={"phase": "Running", "containerStatuses": crashed})
    assert why(taken(pod), live("Job", {}, metadata={"uid": "top"})) == ""
    assert why(taken(pod), controller("ReplicaSet"))


def test_pods_that_are_gone_are_forgotten() -> None:
    """What was stuck and is deleted is no reason any more."""
    pod = owned("Pod", "a", "top", status=STUCK)
    found = taken(pod)
    found.take(pod, gone=True)
    assert why(found, controller("ReplicaSet")) == ""


def refused(first: float, last: float | None = None) -> dict[str, Any]:
    """Return the event that a Pod was refused, from and until so many seconds after NOW."""
    return {
        "involvedObject": {"uid": "top"},
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "firstTimestamp": moment(first),
        "lastTimestamp": moment(first if last is None else last),
    }


def moment(after: float) -> str:
    """Return a moment as the server writes it."""
    return (NOW + timedelta(seconds=after)).isoformat()


def told(found: Dependents, event: dict[str, Any], *, at: float) -> None:
    """Take in an event that was seen so many seconds after NOW."""
    found.take_refusal(event, now=NOW + timedelta(seconds=at))


def made(after: float, uid: str = "pod") -> dict[str, Any]:
    """Return a Pod that was made so many seconds after NOW."""
    return owned("Pod", uid, "top", metadata={"creationTimestamp": moment(after)})


SHORT = controller("StatefulSet", status={"replicas": 1}, spec={"replicas": 2})
REFUSED = "FailedCreate: exceeded quota"


def test_refusals_that_last() -> None:
    """That no Pod can be created is no use waiting for after a moment, while Pods are short."""
    found = taken(made(-100))
    told(found, refused(0), at=0)
    told(found, refused(0, 10), at=10)
    assert why(found, SHORT, after=14) == ""
    assert why(found, SHORT, after=15) == REFUSED
    full = controller("StatefulSet", status={"replicas": 2}, spec={"replicas": 2})
    assert why(found, full, after=15) == ""


@pytest.mark.parametrize("second", [10, 12])
def test_a_pod_that_was_made_ends_a_refusal(second: float) -> None:
    """Since its controller could make a Pod, what was refused before counts no more, also when that Pod is gone."""
    found = taken()
    told(found, refused(0), at=-5)  # by a clock that is behind the cluster's
    told(found, refused(0, 10), at=5)
    for pod in (made(0, "older"), made(second), made(0, "other")):
        found.take(pod, gone=False)
    assert why(found, SHORT, after=20) == ""
    found.take(made(second), gone=True)
    assert why(found, SHORT, after=20) == ""


def test_what_is_refused_again_counts_from_then_on() -> None:
    """A refusal after a Pod was made lasts since then, whichever of the two is seen first."""
    found = taken()
    told(found, refused(0), at=0)
    told(found, refused(0, 14), at=14)
    told(found, refused(0, 20), at=20)
    found.take(made(12), gone=False)
    assert why(found, SHORT, after=28) == ""
    assert why(found, SHORT, after=29) == REFUSED


@pytest.mark.parametrize(("tried_until", "holds"), [(-400, False), (-200, True)])
def test_a_refusal_of_before_counts_while_it_may_be_repeated(
    tried_until: float, *, holds: bool
) -> None:
    """Controllers try again after about as long as they have tried: one that was silent for longer succeeded."""
    found = taken()
    told(found, refused(-500, tried_until), at=0)
    assert why(found, SHORT, after=15) == (REFUSED if holds else "")


def test_a_pause_has_a_longest() -> None:
    """However long something was refused, controllers try again within 1,000 seconds."""
    found = taken()
    told(found, refused(-90_000, -1_020), at=0)
    assert why(found, SHORT, after=15) == ""


def test_a_refusal_without_a_time_is_of_when_it_was_seen() -> None:
    """An event whose times are not told counts as one of that moment, and one of a series as its last."""
    found = taken()
    bare = {key: value for key, value in refused(0).items() if not key.endswith("Timestamp")}
    told(found, bare, at=0)
    told(found, {**bare, "eventTime": moment(0), "series": {"lastObservedTime": moment(8)}}, at=9)
    assert why(found, SHORT, after=15) == REFUSED
    assert why(found, SHORT, after=31) == ""


@pytest.mark.parametrize(
    ("status", "spec", "holds"),
    [
        ({}, {}, True),
        ({"active": 1}, {}, False),
        ({"succeeded": 1}, {}, False),
        ({"succeeded": 1}, {"completions": 2}, True),
        ({"uncountedTerminatedPods": {"succeeded": ["pod"]}}, {}, False),
        ({"uncountedTerminatedPods": {}}, {}, True),
        ({"conditions": [condition("SuccessCriteriaMet", "True")]}, {}, False),
        ({"conditions": [condition("FailureTarget", "True")]}, {}, False),
        ({"conditions": [condition("SuccessCriteriaMet", "False")]}, {}, True),
    ],
)
def test_a_job_that_ends_makes_no_further_pod(
    status: dict[str, Any], spec: dict[str, Any], *, holds: bool
) -> None:
    """Between its last Pod and its condition, a Job is short of nothing that could be refused."""
    found = taken()
    told(found, refused(0, 10), at=0)
    job = live("Job", status, metadata={"uid": "top"}, spec=spec)
    assert why(found, job, after=15) == (REFUSED if holds else "")


def test_warnings_are_about_the_object_itself() -> None:
    """What was told of another kind of that name, or of one that had the name before, explains nothing."""
    about = {("Pod", "web", "1")}
    for kind, name, uid, wanted in (
        ("Pod", "web", "1", True),
        ("Pod", "web", "", True),
        ("Pod", "web", "0", False),
        ("Job", "web", "1", False),
        ("Pod", "other", "1", False),
    ):
        event: Any = {"involvedObject": {"kind": kind, "name": name, "uid": uid}}
        assert concerns(event, about) is wanted


def test_a_warning_that_may_be_over_says_how_old_it_is() -> None:
    """What was told within the last minute has no age, nor what has no time."""
    assert warning(refused(-59), now=NOW) == REFUSED
    assert warning(refused(-3600, -185), now=NOW) == f"{REFUSED} (3 min ago)"
    assert warning({"reason": "A", "message": "b"}, now=NOW) == "A: b"


def test_templates_are_not_kept() -> None:
    """Of thousands of objects that are followed, what is never read is let go, unless a rule may read it."""
    top = controller(
        "Deployment", spec={"replicas": 1, "template": {}}, metadata={"managedFields": []}
    )
    assert lean(top)["spec"] == {"replicas": 1}
    assert "managedFields" not in lean(top)["metadata"]  # type: ignore[operator]
    assert lean(top, whole=frozenset({("apps", "Deployment")}))["spec"] == top["spec"]
