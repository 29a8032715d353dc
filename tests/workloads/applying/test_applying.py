import json
import threading
from typing import Any

import pytest

from orchestrator.errors import ClusterError, Interrupted, PlanRefused
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeDone, UnitProgress
from orchestrator.stack.model import Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.cluster.answers import Superseded
from orchestrator.workloads.planning.steps import SetPlan
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.custom import definition, thing
from tests.workloads.ground import Ground

pytestmark = pytest.mark.integration

_FAIL = "sandbox.orchestrator/fail"
_DELAY = "sandbox.orchestrator/delay"


def deployment(**annotations: str) -> str:
    """Return a Deployment whose Pods the sandbox steers by annotations."""
    return DEPLOYMENT.replace(
        "labels: {app: web}}", f"labels: {{app: web}}, annotations: {json.dumps(annotations)}}}"
    )


def job(**spec: Any) -> str:
    """Return a Job with these fields beside its template."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}
    body = {"template": template, **spec}
    return json.dumps(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": body}
    )


def carry_out(ground: Ground, plan: SetPlan) -> None:
    """Apply a plan that was made before."""
    apply_set(
        ground.cluster,
        plan,
        wait=Wait(timeout=60),
        on_event=ground.events.append,
        stop=ground.stop,
    )


def test_an_apply_waits_until_everything_runs(ground: Ground) -> None:
    """When an apply returns, the Deployment is rolled out and the Job is done; the inventory has their uids."""
    text = f"{CONFIG}---{DEPLOYMENT}---\n{job()}"
    inventory = ground.apply(text)
    web = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert web["status"]["readyReplicas"] == 1
    once = ground.others.get(ground.path("jobs", "once", group="apis/batch/v1"))
    assert once["status"]["succeeded"] == 1
    assert [item.ref.kind for item in inventory] == ["ConfigMap", "Deployment", "Job"]
    assert inventory[1].uid == web["metadata"]["uid"]


def test_objects_carry_our_marks(ground: Ground) -> None:
    """Every object says whose it is, and our manager owns what the manifest says."""
    ground.apply(CONFIG)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "orchestrator",
        "orchestrator/stack": ground.namespace,
        "orchestrator/environment": "test",
    }
    assert live["metadata"]["annotations"] == {"orchestrator/unit": "manifests.shop"}
    assert [(item["manager"], item["operation"]) for item in live["metadata"]["managedFields"]] == [
        ("orchestrator", "Apply")
    ]


def test_progress_is_told_as_it_happens(ground: Ground) -> None:
    """Each object is told when it was accepted and when it became healthy; reasons for waiting in between."""
    ground.apply(deployment(**{_DELAY: "300ms"}))
    name = f"Deployment {ground.namespace}/web"
    done = [event for event in ground.events if isinstance(event, ChangeDone)]
    assert [(event.name, event.action, event.waiting) for event in done] == [
        (name, Action.CREATE, True),
        (name, Action.CREATE, False),
    ]
    reasons = [event.text for event in ground.events if isinstance(event, UnitProgress)]
    assert f"{name}: 0 of 1 ready" in reasons


@pytest.mark.parametrize("wait", [Wait(), Wait(enabled=False)])
def test_nobody_is_said_to_be_waited_for_who_is_not(ground: Ground, wait: Wait) -> None:
    """What is healthy as soon as it is accepted, or is not waited for, is told once: that it was done."""
    ground.apply(CONFIG, wait=wait)
    done = [event for event in ground.events if isinstance(event, ChangeDone)]
    assert [(event.action, event.waiting) for event in done] == [(Action.CREATE, False)]


def test_only_the_change_is_touched(ground: Ground) -> None:
    """An object without a change is not sent again."""
    extra = CONFIG.replace("settings", "extra")
    inventory = ground.apply(f"{CONFIG}---{extra}")
    before = ground.others.get(ground.path("configmaps", "extra"))
    ground.events.clear()
    ground.apply(f"{CONFIG.replace('green', 'red')}---{extra}", inventory=inventory)
    assert ground.others.get(ground.path("configmaps", "extra")) == before
    names = {event.name for event in ground.events if isinstance(event, ChangeDone)}
    assert names == {f"ConfigMap {ground.namespace}/settings"}


def test_a_failed_job_fails_the_apply_at_once(ground: Ground) -> None:
    """A Job that failed is not waited for any longer, and its reason is told."""
    text = json.loads(job(backoffLimit=0))
    text["spec"]["template"]["metadata"] = {"annotations": {_FAIL: "Error"}}
    with pytest.raises(ClusterError) as raised:
        ground.apply(json.dumps(text))
    assert raised.value.message.startswith(
        f"Job {ground.namespace}/once failed: BackoffLimitExceeded"
    )


def test_what_is_late_is_explained(ground: Ground) -> None:
    """After its time an apply says what is not healthy, with the condition, and what its Pods wait for."""
    with pytest.raises(ClusterError) as raised:
        ground.apply(deployment(**{_FAIL: "NotReady"}), wait=Wait(timeout=4.0))
    error = raised.value
    assert (
        error.message == f"not healthy after 4 s: Deployment {ground.namespace}/web: 0 of 1 ready"
    )
    assert "wait: {timeout" in error.hint
    assert "the readiness probe fails" in error.detail
    assert "MinimumReplicasUnavailable" in error.detail


def test_an_unhealthy_object_is_found_again(ground: Ground) -> None:
    """An apply after a failed one still waits for what did not change: it does not report success."""
    broken = deployment(**{_FAIL: "NotReady"})
    with pytest.raises(ClusterError):
        ground.apply(broken, wait=Wait(timeout=2.0))
    with pytest.raises(ClusterError, match="not healthy after 1 s"):
        ground.apply(f"{broken}---{CONFIG}", wait=Wait(timeout=1.0))


def test_waiting_can_be_left_out(ground: Ground) -> None:
    """Neither a set that does not wait nor an object annotated so keeps an apply."""
    broken = deployment(**{_FAIL: "NotReady"})
    inventory = ground.apply(broken, wait=Wait(enabled=False))
    assert len(inventory) == 1
    ground.apply(
        broken.replace("name: web}", "name: web, annotations: {orchestrator/wait: disabled}}", 1)
    )


def test_a_deployment_that_git_pauses_is_not_waited_for(ground: Ground) -> None:
    """Nobody rolls it out before Git, or somebody else, resumes it: the apply says so, and ends."""
    ground.apply(DEPLOYMENT.replace("spec:\n", "spec:\n  paused: true\n", 1))

    told = [event.text for event in ground.events if isinstance(event, UnitProgress)]
    assert told == [f"Deployment {ground.namespace}/web: is paused in Git, and not waited for"]
    done = [event for event in ground.events if isinstance(event, ChangeDone)]
    assert [event.waiting for event in done] == [False]


def test_an_object_says_how_long_it_is_waited_for(ground: Ground) -> None:
    """An annotation gives one object a time of its own, also in a set that is not waited for."""
    broken = deployment(**{_FAIL: "NotReady"})
    patient = broken.replace("name: web}", "name: web, annotations: {orchestrator/wait: 2s}}", 1)
    for wait in (Wait(timeout=60), Wait(enabled=False)):
        with pytest.raises(ClusterError, match=r"not healthy after 2 s: Deployment .*/web"):
            ground.apply(patient, wait=wait)
    with pytest.raises(ClusterError, match=r"not healthy after 1 s: Deployment .*/other"):
        ground.apply(f"{patient}---{broken.replace('web', 'other')}", wait=Wait(timeout=1))


def test_a_rollout_of_a_change_is_waited_for(ground: Ground) -> None:
    """A healthy former state never counts as the new one: when an apply returns, only new Pods run."""
    inventory = ground.apply(DEPLOYMENT)
    slow = deployment(**{_DELAY: "500ms"}).replace("web:1", "web:2")
    ground.apply(slow, inventory=inventory)
    web = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert web["status"]["observedGeneration"] == web["metadata"]["generation"]
    pods = ground.others.get(ground.path("pods"))["items"]
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    assert [pod["spec"]["containers"][0]["image"] for pod in running] == ["example/web:2"]


def test_a_job_that_vanishes_by_its_time_to_live_is_done(ground: Ground) -> None:
    """A Job may be gone before anybody looks; what counts is how it ended."""
    (owned,) = ground.apply(job(ttlSecondsAfterFinished=0))
    assert owned.fingerprint


def test_an_object_deleted_meanwhile_fails_the_apply(ground: Ground) -> None:
    """What somebody deletes while it is waited for is told, and not waited for until the time is over."""
    plan = ground.plan(ground.rendered(deployment(**{_FAIL: "NotReady"})))[0]
    path = ground.path("deployments", "web", group="apis/apps/v1")

    def delete() -> None:
        eventually(
            lambda: ground.others.request("GET", path)[1],
            lambda found: "uid" in found.get("metadata", {}),
        )
        ground.others.request("DELETE", path)

    thread = threading.Thread(target=delete)
    thread.start()
    with pytest.raises(ClusterError, match="was deleted while it was waited for"):
        apply_set(
            ground.cluster,
            plan,
            wait=Wait(timeout=60),
            on_event=ground.events.append,
            stop=ground.stop,
        )
    thread.join()


def test_an_interrupt_ends_the_wait(ground: Ground) -> None:
    """A request to stop ends waiting within a moment; what was applied stays."""
    plan = ground.plan(ground.rendered(deployment(**{_FAIL: "NotReady"})))[0]

    def stop_when_waiting(event: object) -> None:
        if isinstance(event, UnitProgress):
            ground.stop.request()

    with pytest.raises(Interrupted):
        apply_set(
            ground.cluster,
            plan,
            wait=Wait(timeout=60),
            on_event=stop_when_waiting,
            stop=ground.stop,
        )
    assert ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))


def test_a_plan_with_pending_values_is_not_executed(ground: Ground) -> None:
    """Nothing is applied while something in the plan is not known: it has to be planned again."""
    (plan,) = ground.plan(
        ground.rendered(CONFIG.replace("green", '"${{ modules.database.host }}"'))
    )
    with pytest.raises(PlanRefused, match=r"waits for modules\.database\.host"):
        apply_set(
            ground.cluster, plan, wait=Wait(), on_event=ground.events.append, stop=ground.stop
        )


def test_a_refusal_stops_before_the_next_batch(ground: Ground) -> None:
    """When the server refuses an object that it had accepted in the plan, nothing after its batch is sent."""
    text = f"{CONFIG}---{DEPLOYMENT}"
    (plan,) = ground.plan(ground.rendered(text))
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/configmaps": "0"}}}
    ground.others.create(ground.path("resourcequotas"), quota)
    eventually(
        lambda: ground.others.get(ground.path("resourcequotas", "none")),
        lambda found: "hard" in found.get("status", {}),
    )
    with pytest.raises(ClusterError, match="exceeded quota"):
        apply_set(
            ground.cluster, plan, wait=Wait(), on_event=ground.events.append, stop=ground.stop
        )
    assert (
        ground.others.request("GET", ground.path("deployments", "web", group="apis/apps/v1"))[0]
        == 404
    )


def test_a_claim_that_waits_for_its_pod_is_no_laggard(ground: Ground) -> None:
    """A claim whose class binds late is current while nobody uses it."""
    text = f"""
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: {ground.namespace}}}
provisioner: example.com/none
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec:
  storageClassName: {ground.namespace}
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 1Gi}}}}
"""
    inventory = ground.apply(text, wait=Wait(timeout=20))
    ground.prune(inventory)


def test_a_pod_in_a_namespace_of_the_same_plan(ground: Ground) -> None:
    """A Pod needs the service account that a new namespace gets a moment later: the apply waits for it."""
    name = f"{ground.namespace}-pods"
    text = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: alone, namespace: {name}}}
spec: {{containers: [{{name: a, image: a}}]}}
"""
    inventory = ground.apply(text)
    assert [item.ref.kind for item in inventory] == ["Namespace", "Pod"]
    ground.others.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("colour", ["green", "red", "blue"])
def test_a_successor_of_the_same_name_is_not_touched(
    ground: Ground,
    force: bool,  # noqa: FBT001 - a case
    colour: str,
) -> None:
    """A plan was made for the object that was seen: another one of its name is left as it is."""
    ground.apply(CONFIG)
    changed = CONFIG.replace("green", "blue")
    if force:
        changed = changed.replace("{name:", "{annotations: {orchestrator/force: enabled}, name:")
    (plan,) = ground.plan(ground.rendered(changed))
    ground.others.request("DELETE", ground.path("configmaps", "settings"))
    body = {"metadata": {"name": "settings"}, "data": {"colour": colour}}
    successor = ground.others.create(ground.path("configmaps"), body)
    with pytest.raises(Superseded) as raised:
        carry_out(ground, plan)
    title = f"ConfigMap {ground.namespace}/settings"
    assert raised.value.message == (f"{title} was replaced by another one since the plan was made")
    assert "plan again" in raised.value.hint
    assert ground.others.get(ground.path("configmaps", "settings")) == successor


def test_an_object_that_is_gone_since_is_told(ground: Ground) -> None:
    """What was to be changed and is not there any more is not made anew: the plan did not say so."""
    ground.apply(CONFIG)
    (plan,) = ground.plan(ground.rendered(CONFIG.replace("green", "blue")))
    ground.others.request("DELETE", ground.path("configmaps", "settings"))
    with pytest.raises(Superseded, match="settings was deleted since the plan was made"):
        carry_out(ground, plan)
    assert ground.others.request("GET", ground.path("configmaps", "settings"))[0] == 404


def test_nobody_owns_the_identity_of_an_object(ground: Ground) -> None:
    """That a change is bound to one object leaves no trace in the record of who manages its fields."""
    ground.apply(CONFIG)
    ground.apply(CONFIG.replace("green", "blue"))
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "blue"}
    (record,) = live["metadata"]["managedFields"]
    assert record["fieldsV1"]["f:metadata"].keys() == {"f:annotations", "f:labels"}


def test_an_object_moves_to_a_version_that_the_same_plan_brings(ground: Ground) -> None:
    """It is sent to the new version, which is waited for; the old one would refuse it."""
    group = f"{ground.namespace}.example.com"
    one, two = definition(group), definition(group)
    two["spec"]["versions"].append({**definition(group, version="v2")["spec"]["versions"][0]})
    two["spec"]["versions"][1]["storage"] = False
    inventory = ground.apply(_documents(one, thing(group, {"size": 1})))

    moved = ground.apply(
        _documents(two, thing(group, {"size": 2}, version="v2")), inventory=inventory
    )

    path = ground.path("widgets", "first", group=f"apis/{group}/v2")
    assert ground.others.get(path)["spec"] == {"size": 2}
    assert ground.prune(moved)


def _documents(*objects: Any) -> str:
    return "---\n".join(f"{json.dumps(each)}\n" for each in objects)
