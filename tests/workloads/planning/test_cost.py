import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from orchestrator.plans.change import Action
from orchestrator.plans.redaction import Secrets
from orchestrator.stack.model import Drift, Wait
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.manifests.wanted import RenderedSet
from orchestrator.workloads.planning.sets import plan_sets
from tests.sandbox.client import Client
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, Inventory, told
from tests.workloads.planning.unchanged.custom import definitions
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, Script, serving
from tests.workloads.servers.pretended import connected

pytestmark = pytest.mark.integration

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
"""
WIDGET = """
apiVersion: GROUP/v1
kind: Widget
metadata: {name: widget}
spec: {steps: [one, two], endpoints: [{port: 80}]}
"""


_ADMITTING = (
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
)


def manifests(ground: Ground, each: int) -> str:
    """Return as many objects of each kind, one of which is a custom one with lists of every sort."""
    group = f"{ground.namespace}.example.com"
    kinds = (CONFIG, SERVICE, SECRET, DEPLOYMENT.replace("replicas: 1", "replicas: 0"), WIDGET)
    names = ("settings", "web", "login", "web", "widget")
    return "---".join(
        text.replace("GROUP", group).replace(f"name: {name}}}", f"name: {name}-{index}}}", 1)
        for text, name in zip(kinds, names, strict=True)
        for index in range(each)
    )


def forwarding(server: Client) -> Script:
    """Pass on what reads to the real server, and nothing that changes, not even dry."""
    context = ssl.create_default_context(cadata=server.authority)

    def script(asked: Asked) -> Say:
        if asked.method != "GET":
            return Say(status=403, body={"message": f"{asked.method} is not passed on"})
        headers = {"Authorization": f"Bearer {server.token}", "Accept": asked.headers["Accept"]}
        connection = HTTPSConnection(server.address, timeout=30, context=context)
        connection.request("GET", f"{asked.path}?{urlencode(asked.query)}", headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return Say(status=answer.status, body=body)

    return script


@contextmanager
def watched(ground: Ground, directory: Path) -> Iterator[tuple[Cluster, list[Asked]]]:
    """Return a connection through which only reading is possible, and what is read."""
    with (
        serving(forwarding(ground.others)) as proxy,
        connected(proxy.address, directory, token="any") as cluster,
    ):
        yield cluster, proxy.asked


def planned(
    ground: Ground, wanted: RenderedSet, inventory: Inventory, directory: Path
) -> list[str]:
    """Return what is requested for a plan, which has to find nothing to do."""
    with watched(ground, directory) as (cluster, asked):
        (plan,) = plan_sets(
            cluster, (wanted,), inventory, owner=ground.owner, secrets=Secrets()
        ).plans
    assert set(told(plan).values()) == {Action.NO_OP}
    return sorted(item.path for item in asked)


def test_a_plan_with_nothing_to_do_costs_by_the_kind(ground: Ground, tmp_path: Path) -> None:
    """Discovery, a list for each kind, a custom kind's definition, what admits: as many for 8 as for 200."""
    group = f"{ground.namespace}.example.com"
    (definition, _) = definitions(group)
    ground.others.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    ground.cluster.await_kinds({(group, "v1", "Widget")}, timeout=30, stop=ground.stop)
    few, many = (ground.rendered(manifests(ground, each)) for each in (2, 40))
    reporting = tuple(replace(item, drift=Drift.REPORT) for item in many.objects)
    inventory = ground.apply(replace(many, objects=reporting), wait=Wait(enabled=False))
    kept = {item.ref for item in few.objects}
    # What was noted of Secrets for the sake of drift is no reason to ask, also when it is healed again.
    some = planned(ground, few, tuple(item for item in inventory if item.ref in kept), tmp_path)
    left = replace(many, objects=reporting)
    assert planned(ground, left, inventory, tmp_path / "other") == some
    assert some == sorted(
        [
            "/api",
            "/apis",
            "/api/v1/configmaps",
            "/api/v1/secrets",
            "/api/v1/services",
            "/apis/apps/v1/deployments",
            f"/apis/{group}/v1/widgets",
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}",
            *(f"/apis/admissionregistration.k8s.io/v1/{kind}" for kind in _ADMITTING),
        ]
    )
