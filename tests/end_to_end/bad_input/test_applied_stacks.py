"""What cannot be done to a stack that runs: its objects stay as they are, and so does its ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.bad_input.shop import SETTINGS, STACK, Shop
from tests.sandbox.client import Client, client_of

pytestmark = pytest.mark.integration


@pytest.fixture
def applied(shop: Shop, sandbox: Sandbox) -> Iterator[Shop]:
    """Return the shop, applied, under a name that no other test has, with an object that cannot be changed."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    shop.edit(STACK, "name: shop", f"name: {name}")
    shop.edit(SETTINGS, "name: settings", f"name: {name}")
    shop.edit(SETTINGS, "\ndata:", "\nimmutable: true\ndata:")
    shop.without_modules()
    variables = {"ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    applied = replace(shop, variables=variables, names={name: "shop"})
    ended = applied.run("apply", "--yes")
    assert ended.code == 0, ended.stderr
    yield applied
    applied.run("destroy", "--yes", "--allow-dirty")


@pytest.fixture
def cluster(sandbox: Sandbox) -> Client:
    """Return a look at the cluster that owes nothing to our code."""
    return client_of(sandbox.kubeconfig)


def _settings(cluster: Client, shop: Shop) -> dict[str, Any]:
    name = next(iter(shop.names))
    return cluster.get(f"/api/v1/namespaces/default/configmaps/{name}")


def test_a_field_that_cannot_be_changed(applied: Shop, cluster: Client) -> None:
    """The object and the field are named, and the ways out."""
    before = _settings(cluster, applied)
    applied.edit(STACK, "replicas: 2", "replicas: 3")
    applied.commit()

    applied.refused("applied/immutable field", "apply", "--yes")

    assert _settings(cluster, applied) == before


def test_a_replacement_that_would_be_refused(applied: Shop) -> None:
    """The old object is not deleted for one that the server would not create."""
    applied.edit(STACK, "    path: web\n", "    path: web\n    replace: true\n")
    applied.write("stacks/shop/web/port.yaml", _service(applied, port=80))
    applied.commit()
    assert applied.run("apply", "--yes").code == 0
    applied.write("stacks/shop/web/port.yaml", _service(applied, port=80000, address="None"))
    applied.commit()

    applied.refused("applied/replacement refused", "apply", "--yes")


def test_a_protected_replacement(applied: Shop) -> None:
    """A replacement deletes: what is protected needs its name for it."""
    applied.edit(STACK, "    path: web\n", "    path: web\n    replace: true\n    protect: true\n")
    applied.edit(STACK, "replicas: 2", "replicas: 3")
    applied.commit()

    applied.refused("applied/protected replacement", "apply", "--yes")

    applied.edit(STACK, "    protect: true\n", "")
    applied.commit()
    done = applied.run("apply", "--yes", "--acknowledge", "destroy:manifests.web")
    assert done.code == 0, done.stderr


def test_a_replacement_that_loses_data(applied: Shop) -> None:
    """Making a StatefulSet anew needs its name, like deleting a claim."""
    applied.edit(STACK, "    path: web\n", "    path: web\n    replace: true\n")
    applied.write("stacks/shop/web/base.yaml", _stateful(applied, "1Gi"))
    applied.commit()
    assert applied.run("apply", "--yes").code == 0
    applied.write("stacks/shop/web/base.yaml", _stateful(applied, "2Gi"))
    applied.commit()

    applied.refused("applied/replacement that loses data", "apply", "--yes")

    name = f"StatefulSet default/{next(iter(applied.names))}"
    done = applied.run("apply", "--yes", "--acknowledge", name)
    assert done.code == 0, done.stderr


def test_a_field_of_a_controller(applied: Shop, cluster: Client) -> None:
    """Who set it and when, and each way out."""
    applied.write("stacks/shop/web/port.yaml", _service(applied, port=80))
    applied.commit()
    assert applied.run("apply", "--yes").code == 0
    name = next(iter(applied.names))
    path = f"/api/v1/namespaces/default/services/{name}"
    change = {"spec": {"sessionAffinity": "None", "selector": {"app": "theirs"}}}
    code, live = cluster.request(
        "PATCH",
        f"{path}?fieldManager=balancer",
        change,
        content_type="application/merge-patch+json",
    )
    assert code == 200
    (time,) = {
        entry["time"]
        for entry in live["metadata"]["managedFields"]
        if entry["manager"] == "balancer"
    }
    applied.names[f"{time[:10]} {time[11:16]}"] = "2026-01-31 12:30"

    applied.refused("applied/field of a controller", "apply", "--yes")


def test_an_object_of_a_release(applied: Shop, cluster: Client) -> None:
    """Whose it is, what to do there, and how to allow it; the object stays as it is."""
    name = next(iter(applied.names))
    metadata = {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": "web",
            "meta.helm.sh/release-namespace": "default",
        },
    }
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    theirs = cluster.create(
        "/api/v1/namespaces/default/services", {**body, "spec": {"ports": [{"port": 80}]}}
    )
    try:
        applied.write("stacks/shop/web/port.yaml", _service(applied, port=80))
        applied.commit()

        applied.refused("applied/object of a release", "apply", "--yes")

        path = f"/api/v1/namespaces/default/services/{name}"
        assert cluster.get(path) == theirs
    finally:
        cluster.request("DELETE", f"/api/v1/namespaces/default/services/{name}")


def test_guards_that_hold_a_plan_up(applied: Shop, cluster: Client) -> None:
    """Each says what it holds up and the one name that lets it pass."""
    before = _settings(cluster, applied)
    applied.edit(
        SETTINGS, f"name: {next(iter(applied.names))}", f"name: {next(iter(applied.names))}-b"
    )
    freeze = "windows: {zone: Europe/Berlin, freeze: [{cron: '* * * * *', for: 1h}]}"
    guards = {"frozen": freeze, "not approved": "approvals: 2", "too much": "destroys: 0"}
    written = "version: 1\n"
    for message, guard in guards.items():
        applied.edit(STACK, written, f"version: 1\nguards: {{{guard}}}\n")
        written = f"version: 1\nguards: {{{guard}}}\n"
        applied.commit()

        applied.refused(f"applied/guards/{message}", "apply", "--yes")

    applied.edit(STACK, written, "version: 1\n")
    applied.edit(STACK, "manifests:\n  web:\n    path: web\n", "")
    applied.commit()
    applied.refused("applied/guards/nothing left", "apply", "--yes")
    assert _settings(cluster, applied) == before


def _service(shop: Shop, *, port: int, address: str = "") -> str:
    name = next(iter(shop.names))
    fixed = f", clusterIP: {address}" if address else ""
    spec = f"{{ports: [{{port: {port}}}], selector: {{app: ours}}{fixed}}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _stateful(shop: Shop, size: str) -> str:
    name = next(iter(shop.names))
    return f"""\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  replicas: 0
  serviceName: base
  selector: {{matchLabels: {{app: base}}}}
  template:
    metadata: {{labels: {{app: base}}}}
    spec: {{containers: [{{name: base, image: example/base}}]}}
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {size}}}}}}}
"""


def test_an_object_of_another_stack(applied: Shop, cluster: Client) -> None:
    """Two stacks never take an object from each other."""
    before = _settings(cluster, applied)
    name = next(iter(applied.names))
    applied.edit(STACK, f"name: {name}", f"name: {name}-copy")
    applied.commit()

    applied.refused("applied/object of another stack", "apply", "--yes")

    assert _settings(cluster, applied) == before
    applied.edit(STACK, f"name: {name}-copy", f"name: {name}")
    applied.commit()


def test_a_protected_unit(applied: Shop, cluster: Client) -> None:
    """The refusal spells out the flag that allows it."""
    applied.edit(STACK, "    path: web\n", "    path: web\n    protect: true\n")
    applied.commit()
    before = _settings(cluster, applied)

    applied.refused("applied/protected unit", "destroy", "--yes")

    assert _settings(cluster, applied) == before
    applied.edit(STACK, "    protect: true\n", "")
    applied.commit()
    applied.run("apply", "--yes", "--acknowledge", "destroy:manifests.web")
