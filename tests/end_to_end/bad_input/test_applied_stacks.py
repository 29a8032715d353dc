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
