"""What a user without all rights is told, and can do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import AccessDenied, ClusterError, ClusterUnreachable
from orchestrator.plans.change import Action
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox
from orchestrator.settings import Settings
from orchestrator.stack.model import Wait
from orchestrator.workloads.cluster import Cluster, Target, connect
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, told

pytestmark = pytest.mark.integration


@contextmanager
def reaching(target: Target) -> Iterator[Cluster]:
    """Return a connection to a target."""
    with connect(target, Settings.read(), secrets=Secrets(), stop=Stop()) as found:
        yield found


def allowed(ground: Ground, rules: list[dict[str, Any]]) -> Target:
    """Return the target as a service account sees it that may do just this in the namespace."""
    access = "apis/rbac.authorization.k8s.io/v1"
    ground.others.create(ground.path("serviceaccounts"), {"metadata": {"name": "ci"}})
    ground.others.create(
        ground.path("roles", group=access), {"metadata": {"name": "ci"}, "rules": rules}
    )
    subjects = [{"kind": "ServiceAccount", "name": "ci", "namespace": ground.namespace}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ci"}
    binding = {"metadata": {"name": "ci"}, "roleRef": role, "subjects": subjects}
    ground.others.create(ground.path("rolebindings", group=access), binding)
    token = ground.others.create(ground.path("serviceaccounts", "ci/token"), {"spec": {}})[
        "status"
    ]["token"]
    limited = replace(ground.others, token=token)
    checks = [
        {
            "verb": verb,
            "group": each["apiGroups"][0],
            "resource": resource,
            "namespace": ground.namespace,
        }
        for each in rules
        for verb in each["verbs"]
        for resource in each["resources"]
    ]
    for attributes in checks:  # the server learns of a new role a moment later
        review = {"spec": {"resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        eventually(
            lambda: limited.create(path, review)["status"],  # noqa: B023 - used within its turn
            lambda status: bool(status["allowed"]),
        )
    return Target(
        server=f"https://{ground.others.address}",
        certificate_authority=ground.others.authority,
        token=token,
    )


def rule(
    *resources: str, group: str = "", verbs: str = "get list watch create patch delete"
) -> dict[str, Any]:
    """Return one rule of a role."""
    return {"apiGroups": [group], "resources": list(resources), "verbs": verbs.split()}


def test_a_user_without_rights_is_told_the_verb_and_the_resource(
    ground: Ground, sandbox: Sandbox
) -> None:
    """A plan without rights says which verb on which resource is missing, and nothing is changed."""
    wanted = ground.rendered(CONFIG)
    with reaching(Target(kubeconfig=sandbox.viewer_kubeconfig)) as cluster:
        powerless = replace(ground, cluster=cluster)
        with pytest.raises(AccessDenied) as raised:
            powerless.plan(wanted)
    assert raised.value.message == (
        f"the user 'viewer' is not allowed to list configmaps in namespace {ground.namespace}"
    )
    assert "kubectl auth can-i list configmaps" in raised.value.hint


def test_rights_in_one_namespace_are_enough(ground: Ground) -> None:
    """Planning, applying, waiting and pruning need no rights outside of the namespace."""
    rules = [rule("configmaps"), rule("deployments", group="apps")]
    with reaching(allowed(ground, rules)) as cluster:
        limited = replace(ground, cluster=cluster)
        text = f"{CONFIG}---{DEPLOYMENT}"
        inventory = limited.apply(text)
        (again,) = limited.plan(limited.rendered(text), inventory=inventory)
        assert set(told(again).values()) == {Action.NO_OP}
        assert len(limited.prune(inventory)) == 2


def test_reading_is_enough_to_be_refused_the_rest(ground: Ground) -> None:
    """A user who may only read is told that patching is missing, for every object at once."""
    with reaching(allowed(ground, [rule("configmaps", verbs="get list")])) as cluster:
        limited = replace(ground, cluster=cluster)
        text = f"{CONFIG}---{CONFIG.replace('settings', 'more')}"
        with pytest.raises(AccessDenied) as raised:
            limited.plan(limited.rendered(text))
    account = f"system:serviceaccount:{ground.namespace}:ci"
    assert raised.value.message == (
        f"the user {account!r} is not allowed to patch configmaps in namespace {ground.namespace}"
        ", and 1 more refusal"
    )


def test_a_replacement_for_which_quotas_cannot_be_seen_is_refused(ground: Ground) -> None:
    """The server names one that has no room beside the old object; who may not list them knows of no other.

    Where none refuses that, all have room, seen or not.
    """
    text = "{{apiVersion: v1, kind: Secret, metadata: {{name: it}}, immutable: true, stringData: {{a: '{}'}}}}"
    inventory = ground.apply(text.format(1))
    wanted = ground.rendered(text.format(2), replace=True)
    full = {"metadata": {"name": "full"}, "spec": {"hard": {"count/secrets": "1"}}}
    counted = ground.path("resourcequotas", "full")
    with reaching(allowed(ground, [rule("secrets")])) as cluster:
        limited = replace(ground, cluster=cluster)
        (plan,) = limited.plan(wanted, inventory=inventory)
        assert set(told(plan).values()) == {Action.REPLACE}
        ground.others.create(ground.path("resourcequotas"), full)
        eventually(
            lambda: ground.others.get(counted), lambda live: bool(live["status"].get("used"))
        )
        with pytest.raises(ClusterError, match="without the right to list resourcequotas in name"):
            limited.plan(wanted, inventory=inventory)
    (plan,) = ground.plan(wanted, inventory=inventory)
    assert set(told(plan).values()) == {Action.REPLACE}


def test_a_right_that_is_missing_for_deletion_is_told(ground: Ground) -> None:
    """Pruning without the right to delete says so, and leaves everything."""
    inventory = ground.apply(CONFIG)
    with reaching(allowed(ground, [rule("configmaps", verbs="get list watch")])) as cluster:
        limited = replace(ground, cluster=cluster)
        with pytest.raises(AccessDenied, match="is not allowed to delete configmaps"):
            limited.prune(inventory)
    assert ground.others.get(ground.path("configmaps", "settings"))


def test_a_watch_that_is_missing_is_told(ground: Ground) -> None:
    """Waiting for health needs to watch; without the right an apply says so instead of being late."""
    rules = [rule("deployments", group="apps", verbs="get list create patch")]
    with reaching(allowed(ground, rules)) as cluster:
        limited = replace(ground, cluster=cluster)
        with pytest.raises(AccessDenied, match=r"is not allowed to watch deployments\.apps"):
            limited.apply(DEPLOYMENT, wait=Wait(timeout=20))


def test_a_token_that_is_not_accepted_is_told(ground: Ground) -> None:
    """Expired credentials name the cluster and what to do."""
    target = Target(
        server=f"https://{ground.others.address}",
        certificate_authority=ground.others.authority,
        token="no-such-token",
    )
    with reaching(target) as cluster, pytest.raises(AccessDenied) as raised:
        cluster.kinds()
    assert ground.others.address in raised.value.message
    assert "missing, wrong or expired" in raised.value.message


def test_a_server_of_another_authority_is_not_trusted(ground: Ground, tmp_path: Path) -> None:
    """A certificate that the authority did not sign ends the connection before anything is sent."""
    assert tmp_path.is_dir()
    target = Target(server=f"https://{ground.others.address}", token="never-sent")
    with (
        reaching(target) as cluster,
        pytest.raises(ClusterUnreachable, match="its certificate is not trusted"),
    ):
        cluster.kinds()


def test_a_name_that_does_not_exist_is_told() -> None:
    """An address that cannot be resolved is told as such."""
    with (
        reaching(Target(server="https://cluster.invalid")) as cluster,
        pytest.raises(ClusterUnreachable, match=r"the name cluster\.invalid cannot be resolved"),
    ):
        cluster.kinds()


def test_an_address_without_a_server_is_told() -> None:
    """A closed port is a cluster that cannot be reached, and never an empty one."""
    told_so = pytest.raises(ClusterUnreachable, match=r"https://127\.0\.0\.1:1 cannot be reached")
    with reaching(Target(server="https://127.0.0.1:1")) as cluster, told_so:
        cluster.kinds()
