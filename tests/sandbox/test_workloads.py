"""Workloads on the sandbox behave as on a cluster, as far as controllers decide."""

import uuid
from typing import Any

import pytest

from orchestrator.sandbox import Sandbox
from tests.sandbox.client import Client, Json, client_of, eventually

pytestmark = pytest.mark.integration

_FAIL = "sandbox.orchestrator/fail"
_DELAY = "sandbox.orchestrator/delay"


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    """Return the administrator's client."""
    return client_of(sandbox.kubeconfig)


@pytest.fixture
def namespace(client: Client) -> str:
    """Return a new namespace in which pods can be created."""
    name = f"sandbox-{uuid.uuid4().hex[:8]}"
    client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    eventually(
        lambda: client.request("GET", account)[1],
        lambda answer: "uid" in answer.get("metadata", {}),
    )
    return name


def _template(annotations: dict[str, str] | None = None, **spec: Any) -> Json:
    containers = [{"name": "main", "image": "example/app:1"}]
    metadata = {"labels": {"app": "it"}, "annotations": annotations or {}}
    return {"metadata": metadata, "spec": {"containers": containers, **spec}}


def _workload(kind: str, template: Json, **spec: Any) -> Json:
    selector = {"matchLabels": {"app": "it"}}
    body = {"selector": selector, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "it"}, "spec": body}


def _job(annotations: dict[str, str] | None = None) -> Json:
    template = _template(annotations, restartPolicy="Never")
    return {"metadata": {"name": "it"}, "spec": {"backoffLimit": 0, "template": template}}


def _job_ends_with(condition: str, job: Json) -> bool:
    return any(
        entry["type"] == condition and entry["status"] == "True"
        for entry in job["status"].get("conditions", [])
    )


def test_a_deployment_rolls_out(client: Client, namespace: str) -> None:
    """The pods of a Deployment are scheduled, run, are ready and have an address."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    template = _template(initContainers=[{"name": "first", "image": "example/migrate:1"}])
    client.create(path, _workload("Deployment", template, replicas=3))
    eventually(
        lambda: client.get(f"{path}/it"), lambda answer: answer["status"].get("readyReplicas") == 3
    )
    pods = client.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 3


def test_a_stateful_set_rolls_out_in_order(client: Client, namespace: str) -> None:
    """A StatefulSet's next pod comes after the last is ready, and all become ready."""
    path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    client.create(path, _workload("StatefulSet", _template(), replicas=2, serviceName="it"))
    eventually(
        lambda: client.get(f"{path}/it"), lambda answer: answer["status"].get("readyReplicas") == 2
    )


def test_a_daemon_set_runs_on_every_node(client: Client, namespace: str) -> None:
    """A DaemonSet has one ready pod on each of the three nodes."""
    path = f"/apis/apps/v1/namespaces/{namespace}/daemonsets"
    client.create(path, _workload("DaemonSet", _template()))
    eventually(
        lambda: client.get(f"{path}/it"), lambda answer: answer["status"].get("numberReady") == 3
    )


def test_a_job_completes(client: Client, namespace: str) -> None:
    """The pod of a Job succeeds, and the Job is complete."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    client.create(path, _job())
    eventually(lambda: client.get(f"{path}/it"), lambda job: _job_ends_with("Complete", job))


def test_a_job_fails_on_request(client: Client, namespace: str) -> None:
    """The annotation `fail: Error` lets the pod of a Job end with exit code 1, and the Job fail."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    client.create(path, _job({_FAIL: "Error"}))
    eventually(lambda: client.get(f"{path}/it"), lambda job: _job_ends_with("Failed", job))


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff"])
def test_containers_wait_on_request(client: Client, namespace: str, reason: str) -> None:
    """The annotation `fail` with a waiting reason keeps the containers from starting, for that reason."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    client.create(path, _template() | _named({_FAIL: reason}))
    pod = eventually(
        lambda: client.get(f"{path}/it"), lambda answer: "containerStatuses" in answer["status"]
    )
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason


def test_a_pod_is_never_ready_on_request(client: Client, namespace: str) -> None:
    """The annotation `fail: NotReady` lets a pod run without ever becoming ready."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    client.create(path, _template() | _named({_FAIL: "NotReady"}))
    pod = eventually(
        lambda: client.get(f"{path}/it"), lambda answer: answer["status"]["phase"] == "Running"
    )
    ready = next(entry for entry in pod["status"]["conditions"] if entry["type"] == "Ready")
    assert ready["status"] == "False"
    assert ready["reason"] == "ContainersNotReady"


def test_a_start_is_delayed_on_request(client: Client, namespace: str) -> None:
    """The annotation `delay` leaves a pod pending for that long, and no longer."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    client.create(path, _template() | _named({_DELAY: "1500ms"}))
    scheduled = eventually(lambda: client.get(f"{path}/it"), lambda pod: "nodeName" in pod["spec"])
    assert scheduled["status"]["phase"] == "Pending"
    eventually(lambda: client.get(f"{path}/it"), lambda pod: pod["status"]["phase"] == "Running")


def test_a_deleted_pod_goes_away(client: Client, namespace: str) -> None:
    """Deleting a running pod removes it although no kubelet confirms it."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    client.create(path, _template() | _named({}))
    eventually(lambda: client.get(f"{path}/it"), lambda pod: pod["status"]["phase"] == "Running")
    client.request("DELETE", f"{path}/it")
    eventually(
        lambda: client.request("GET", f"{path}/it")[1], lambda answer: answer.get("code") == 404
    )


def test_a_service_account_token_is_accepted(client: Client, namespace: str) -> None:
    """Tokens of service accounts are signed with a key that the API server itself accepts."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    token = client.create(path, {"spec": {}})["status"]["token"]
    account = Client(address=client.address, authority=client.authority, token=token)
    code, answer = account.request("GET", f"/api/v1/namespaces/{namespace}/pods")
    assert code == 403
    assert f"system:serviceaccount:{namespace}:default" in answer["message"]


def test_the_viewer_is_forbidden_everything(sandbox: Sandbox) -> None:
    """The second kubeconfig belongs to a known user without any right."""
    viewer = client_of(sandbox.viewer_kubeconfig)
    code, answer = viewer.request("GET", "/api/v1/namespaces/default/configmaps")
    assert code == 403
    assert 'User "viewer" cannot list resource "configmaps"' in answer["message"]


def test_a_stranger_is_not_let_in(client: Client) -> None:
    """A wrong token is answered with 401, as expired credentials are."""
    stranger = Client(address=client.address, authority=client.authority, token="wrong")
    assert stranger.request("GET", "/api")[0] == 401


def _named(annotations: dict[str, str]) -> Json:
    return {"metadata": {"name": "it", "annotations": annotations}}
