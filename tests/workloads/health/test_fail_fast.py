"""What waiting cannot mend ends an apply long before its time is over, with the reason."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.stack.model import Wait
from orchestrator.workloads.health.rooms import Rooms
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

LONG = Wait(timeout=60)
_FAIL = "sandbox.orchestrator/fail"


def template(fail: str = "", image: str = "example/web:1", **container: Any) -> dict[str, Any]:
    """Return the template of a Pod, whose fate an annotation decides."""
    annotations = {_FAIL: fail} if fail else {}
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "web", "image": image, **container}]},
    }


def workload(kind: str, pod: dict[str, Any], **spec: Any) -> str:
    """Return something that runs such a Pod."""
    group, selector = "apps/v1", {"selector": {"matchLabels": {"app": "web"}}}
    if kind == "Job":
        group, selector = "batch/v1", {}
        pod = {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}
    body = {**selector, "template": pod, **spec}
    return json.dumps(
        {"apiVersion": group, "kind": kind, "metadata": {"name": "web"}, "spec": body}
    )


def refusal(ground: Ground, text: str) -> ClusterError:
    """Return why an apply failed, which has to be long before its time is over."""
    with pytest.raises(ClusterError) as raised:
        ground.apply(text, wait=LONG)
    assert "not healthy after" not in raised.value.message
    return raised.value


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"])
def test_an_image_that_cannot_be_pulled(ground: Ground, kind: str) -> None:
    """Whatever runs Pods fails at once when their image does not exist, and the image is named."""
    error = refusal(ground, workload(kind, template("ImagePullBackOff", "example/missing:1")))
    assert error.message.startswith(f"{kind} {ground.namespace}/web failed: Pod web-")
    assert "ImagePullBackOff: cannot pull image example/missing:1: not found" in error.message


def test_containers_that_crash(ground: Ground) -> None:
    """A container that was restarted several times and crashes again fails its Deployment."""
    error = refusal(ground, workload("Deployment", template("CrashLoopBackOff")))
    assert "container web: CrashLoopBackOff: back-off" in error.message
    assert "(Error, exit code 1)" in error.message


def test_no_node_has_room(ground: Ground) -> None:
    """A Pod that no node can take fails its Deployment after a moment, in the scheduler's words."""
    huge: dict[str, Any] = {"resources": {"requests": {"cpu": "100000"}}}
    error = refusal(ground, workload("Deployment", template(**huge)))
    assert "Insufficient cpu" in error.message
    assert "warning: FailedScheduling" in error.detail


def test_that_no_node_had_room_before_the_apply_is_not_the_end(ground: Ground) -> None:
    """What is applied beside an unchanged Deployment may make the room; it is waited for as if it began now."""
    huge: dict[str, Any] = {"resources": {"requests": {"cpu": "100000"}}}
    stuck = workload("Deployment", template(**huge))
    inventory = ground.apply(stuck, wait=Wait(enabled=False))
    (pod,) = eventually(
        lambda: ground.others.get(ground.path("pods")),
        lambda found: any("conditions" in each["status"] for each in found["items"]),
    )["items"]
    since = {"lastTransitionTime": "2020-01-01T00:00:00Z"}
    status = {"conditions": [{**each, **since} for each in pod["status"]["conditions"]]}
    path = f"{ground.path('pods', pod['metadata']['name'])}/status"
    ground.patch(path, {"status": status}, manager="kube-scheduler")
    with pytest.raises(ClusterError, match="not healthy after 4 s"):
        ground.apply(f"{stuck}\n---\n{CONFIG}", inventory=inventory, wait=Wait(timeout=4))


@pytest.mark.parametrize(
    "reason", ["TriggeredScaleUp", pytest.param("Nominated", marks=pytest.mark.soak)]
)
def test_a_node_that_is_on_its_way_is_waited_for(
    ground: Ground, reason: str, in_the_background: Callable[[Callable[[], None]], None]
) -> None:
    """While an autoscaler says that it makes a node for a Pod, that there is no room now is not the end."""

    def promise() -> None:
        (pod,) = eventually(
            lambda: ground.others.get(ground.path("pods")), lambda found: len(found["items"]) == 1
        )["items"]
        about = {"kind": "Pod", "namespace": ground.namespace, "name": pod["metadata"]["name"]}
        event = {
            "metadata": {"name": "node"},
            "involvedObject": {**about, "uid": pod["metadata"]["uid"]},
            "reason": reason,
            "type": "Normal",
        }
        ground.others.create(ground.path("events"), event)

    in_the_background(promise)
    huge: dict[str, Any] = {"resources": {"requests": {"cpu": "100000"}}}
    with pytest.raises(ClusterError, match="not healthy after 20 s") as raised:
        ground.apply(workload("Deployment", template(**huge)), wait=Wait(timeout=20))
    assert "Insufficient cpu" in raised.value.detail


def test_a_quota_that_is_used_up(ground: Ground) -> None:
    """Where a quota keeps Pods from being created, the apply says which one, also where no status tells."""
    kinds = ("Deployment", "StatefulSet", "Job")
    with ThreadPoolExecutor(len(kinds)) as pool:
        for error in pool.map(_refused_by_a_quota, [ground] * len(kinds), kinds):
            assert "FailedCreate" in error.message
            assert "exceeded quota: small" in error.message


def _refused_by_a_quota(beside: Ground, kind: str) -> ClusterError:
    """Return why a workload failed in a namespace of its own."""
    directory = beside.directory / kind  # the others write their manifests at the same time
    directory.mkdir()
    ground = Ground(cluster=beside.cluster, others=beside.others, directory=directory)
    ground.make_namespace()
    _allow_no_pods(ground)
    error = refusal(ground, workload(kind, template()))
    ground.leave()
    return error


def _allow_no_pods(ground: Ground) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
    ground.others.create(ground.path("resourcequotas"), quota)
    eventually(
        lambda: ground.others.get(ground.path("resourcequotas", "small")),
        lambda found: "hard" in found.get("status", {}),
    )


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["StatefulSet", "Job"])
def test_a_refusal_that_is_over(
    ground: Ground, kind: str, in_the_background: Callable[[Callable[[], None]], None]
) -> None:
    """Pods that come one by one, and slowly, after a quota was raised are waited for: the refusals are over."""

    def raise_the_quota() -> None:
        eventually(
            lambda: ground.others.get(ground.path("events")),
            lambda found: any(item["reason"] == "FailedCreate" for item in found["items"]),
        )
        more = {"spec": {"hard": {"pods": "9"}}}
        ground.patch(ground.path("resourcequotas", "small"), more, manager="admin")

    _allow_no_pods(ground)
    in_the_background(raise_the_quota)
    slow = template()
    slow["metadata"]["annotations"]["sandbox.orchestrator/delay"] = "12s"
    some = {"replicas": 3} if kind == "StatefulSet" else {"completions": 2}
    ground.apply(workload(kind, slow, **some), wait=Wait(timeout=120))


@pytest.mark.soak
def test_an_unchanged_deployment_after_a_raised_quota(ground: Ground) -> None:
    """Its controller finds out when it tries again, which is waited for: nothing keeps its Pods from being made."""
    _allow_no_pods(ground)
    text = workload("Deployment", template())
    inventory = ground.apply(text, wait=Wait(enabled=False))
    time.sleep(60)  # so that the controller pauses for as long
    more = {"spec": {"hard": {"pods": "9"}}}
    ground.patch(ground.path("resourcequotas", "small"), more, manager="admin")
    ground.apply(text, inventory=inventory, wait=Wait(timeout=150))


def test_a_quota_with_room_is_waited_for(ground: Ground) -> None:
    """What a quota refused is no failure once it has room for it, however long its controller pauses."""
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "2", "requests.cpu": "1"}}}
    ground.others.create(ground.path("resourcequotas"), quota)
    rooms = Rooms(ground.cluster)

    def again(requested: str, name: str = "small", reason: str = "FailedCreate") -> str:
        said = f"{reason}: exceeded quota: {name}, requested: {requested}, used: pods=2, limited: pods=2"
        return rooms.again(ground.namespace, {}, said)

    assert "has room now" in again("pods=1")
    assert "has room now" in again("pods=1,memory=9Gi")
    assert "has room now" in again("pods=9", "gone")
    assert not again("pods=3")
    assert not again("pods=1,requests.cpu=2")
    assert not rooms.again(ground.namespace, {}, "FailedCreate: a policy says no")
    refusal = {"type": "ReplicaFailure", "status": "True"}
    refusal["message"] = "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"
    live: dict[str, Any] = {"status": {"conditions": [refusal]}}
    assert rooms.again(ground.namespace, live, "ProgressDeadlineExceeded: too late")
    assert not rooms.again(ground.namespace, live, "Pod web-1: ImagePullBackOff")


def test_what_has_come_is_waited_for(ground: Ground) -> None:
    """A service account that was missing and is there now is no failure, however long the controller pauses."""

    def again(name: str) -> str:
        said = f'FailedCreate: error looking up service account: serviceaccount "{name}" not found'
        return Rooms(ground.cluster).again(ground.namespace, {}, said)

    assert not again("late")
    ground.others.create(ground.path("serviceaccounts"), {"metadata": {"name": "late"}})
    assert again("late").startswith(f"ServiceAccount {ground.namespace}/late is there now")


def test_a_rule_of_admission(ground: Ground) -> None:
    """Pods that the namespace's security level forbids are told of like those beyond a quota."""
    ground.patch(
        f"/api/v1/namespaces/{ground.namespace}",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        manager="admin",
    )
    error = refusal(ground, workload("Deployment", template()))
    assert "violates PodSecurity" in error.message


def test_broken_pods_of_the_former_revision_do_not_count(ground: Ground) -> None:
    """What replaces a broken revision is judged by its own Pods, while those of the former still crash."""
    with pytest.raises(ClusterError, match="ImagePullBackOff"):
        ground.apply(workload("Deployment", template("ImagePullBackOff")), wait=LONG)
    slow = template(image="example/web:2")
    slow["metadata"]["annotations"]["sandbox.orchestrator/delay"] = "3s"
    ground.apply(workload("Deployment", slow), wait=LONG)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_broken_pods_of_a_former_set_do_not_count(ground: Ground, kind: str) -> None:
    """The Pods of a StatefulSet and of a DaemonSet are told apart by revision too."""
    parallel = {"podManagementPolicy": "Parallel"} if kind == "StatefulSet" else {}
    with pytest.raises(ClusterError, match="ImagePullBackOff"):
        ground.apply(workload(kind, template("ImagePullBackOff"), **parallel), wait=LONG)
    slow = template(image="example/web:2")
    slow["metadata"]["annotations"]["sandbox.orchestrator/delay"] = "3s"
    ground.apply(workload(kind, slow, **parallel), wait=LONG)


def running_pod(ground: Ground) -> str:
    """Return the name of the one Pod that runs, as soon as it does."""

    def found() -> dict[str, Any]:
        items = ground.others.get(ground.path("pods"))["items"]
        return {item["metadata"]["name"]: item.get("status", {}).get("phase") for item in items}

    (name,) = eventually(found, lambda phases: list(phases.values()) == ["Running"])
    return str(name)


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_no_time_brings(
    ground: Ground, reason: str, in_the_background: Callable[[Callable[[], None]], None]
) -> None:
    """Other reasons for which an image never comes are as final, also when they show later."""
    container = {"name": "web", "image": "a", "imageID": "", "ready": False, "restartCount": 0}
    state = {"waiting": {"reason": reason, "message": "no such name"}}

    def break_it() -> None:
        status = {"status": {"containerStatuses": [{**container, "state": state}]}}
        ground.patch(f"{ground.path('pods', running_pod(ground))}/status", status, manager="node")

    in_the_background(break_it)
    error = refusal(ground, workload("Deployment", template("NotReady")))
    assert f"container web: {reason}: no such name" in error.message


def test_all_that_failed_is_told(ground: Ground) -> None:
    """One report names everything that failed, and what is merely not healthy yet."""
    texts = [
        DEPLOYMENT.replace("web", name).replace(
            f"labels: {{app: {name}}}}}",
            f"labels: {{app: {name}}}, annotations: {{{_FAIL}: {fail}}}}}",
        )
        for name, fail in (
            ("one", "ImagePullBackOff"),
            ("two", "ImagePullBackOff"),
            ("three", "NotReady"),
        )
    ]
    error = refusal(ground, "---".join(texts))
    assert error.message.endswith(", and 1 more")
    assert f"Deployment {ground.namespace}/one: Pod one-" in error.detail
    assert f"Deployment {ground.namespace}/two: Pod two-" in error.detail
    assert "not healthy yet either:" in error.detail
    assert f"Deployment {ground.namespace}/three: 0 of 1 ready" in error.detail


def test_what_is_not_healthy_either_is_explained_too(ground: Ground) -> None:
    """What fails first hides nothing of the others: each has its last condition and the warnings about it."""
    warning = {
        "metadata": {"name": "slow"},
        "involvedObject": {"kind": "Deployment", "namespace": ground.namespace, "name": "slow"},
        "reason": "SlowDisk",
        "message": "the disk is slow",
        "type": "Warning",
    }
    ground.others.create(ground.path("events"), warning)
    broken, slow = (
        DEPLOYMENT.replace("web", name).replace(
            f"labels: {{app: {name}}}}}",
            f"labels: {{app: {name}}}, annotations: {{{_FAIL}: {fail}}}}}",
        )
        for name, fail in (("broken", "ImagePullBackOff"), ("slow", "NotReady"))
    )

    error = refusal(ground, f"{broken}---{slow}")

    _, _, others = error.detail.partition("not healthy yet either:")
    assert f"Deployment {ground.namespace}/slow: 0 of 1 ready" in others
    assert "    condition: " in others
    assert "    Pod slow-" in others
    assert "    warning: SlowDisk: the disk is slow" in others
