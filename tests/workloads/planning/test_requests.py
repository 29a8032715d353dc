"""How many requests a plan sends: what is sent through a server between us and the real one is counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.plans.change import Action
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground, Inventory, told
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Loopback, Say, serving
from tests.workloads.servers.pretended import connected

pytestmark = pytest.mark.integration

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: settings}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
"""


def many(documents: Sequence[str], count: int) -> str:
    """Return each document so many times, under other names."""
    texts = (text.replace("settings", f"s-{n}") for text in documents for n in range(count))
    return "---".join(texts)


@contextmanager
def counted(ground: Ground) -> Iterator[tuple[Ground, Loopback]]:
    """Return the same place behind a server that hands reads on, and refuses all else."""

    def hand_on(asked: Asked) -> Say:
        if asked.method != "GET":
            return Say(status=403, body={"kind": "Status", "message": "only reads are handed on"})
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        status, body = ground.others.request("GET", f"{asked.path}{query}")
        return Say(status=status, body=body)

    with (
        serving(hand_on) as between,
        connected(between.address, ground.directory) as cluster,
    ):
        cluster.kinds()
        between.asked.clear()  # discovery is asked once, whatever the plan is about
        yield replace(ground, cluster=cluster), between


def requests(ground: Ground, text: str, inventory: Inventory) -> list[str]:
    """Plan what is applied already, and return the addresses that were asked."""
    with counted(ground) as (behind, between):
        (plan,) = behind.plan(behind.rendered(text), inventory=inventory)
        assert set(told(plan).values()) == {Action.NO_OP}
        return sorted(asked.path for asked in between.asked)


def test_a_plan_without_changes_grows_with_kinds(ground: Ground) -> None:
    """Ten times the objects are the same requests: one list for each kind, and for each kind of admission."""
    few, more = many((CONFIG, SERVICE), 2), many((CONFIG, SERVICE), 20)
    asked_for_few = requests(ground, few, ground.apply(few))
    asked_for_more = requests(ground, more, ground.apply(more))

    of_admission = [path for path in asked_for_few if "/admissionregistration." in path]
    rest = [path for path in asked_for_few if path not in of_admission]
    assert asked_for_few == asked_for_more
    assert rest == ["/api/v1/configmaps", "/api/v1/services"]
    assert len(of_admission) <= len(("webhooks", "policies", "bindings"))


def test_objects_of_a_new_namespace_are_asked_about_elsewhere(ground: Ground) -> None:
    """Their namespace is not there: of those that differ in name alone, one is asked about in another one."""
    name = f"{ground.namespace}-new"
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n---"
    text = space + many((CONFIG,), 10).replace("metadata: {", f"metadata: {{namespace: {name}, ")
    with counted(ground) as (behind, between):
        (plan,) = ground.plan(ground.rendered(text))
        assert set(told(plan).values()) == {Action.CREATE}
        with pytest.raises(OrchestratorError, match="only reads are handed on"):
            behind.plan(behind.rendered(text))

    sent = [asked.path for asked in between.asked if asked.method == "PATCH"]
    assert sent == ["/api/v1/namespaces/default/configmaps/s-0", f"/api/v1/namespaces/{name}"]
    assert not any(f"/{name}/" in asked.path for asked in between.asked)
