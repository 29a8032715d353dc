"""What no server can be asked about as it is, and what looks like a mistake: refused before anything happens."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.bad_input.shop import STACK, Shop
from tests.workloads.custom import definition, thing

pytestmark = pytest.mark.integration

_OBJECTS = "stacks/shop/web/objects.yaml"
_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}-{number}}}\n"


@pytest.fixture
def named(shop: Shop, sandbox: Sandbox) -> Iterator[Shop]:
    """Return the shop without modules, under a name that no other test has."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    shop.edit(STACK, "name: shop", f"name: {name}")
    shop.edit("stacks/shop/web/settings.yaml", "name: settings", f"name: {name}")
    shop.without_modules()
    variables = {"ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    named = replace(shop, variables=variables, names={name: "shop"})
    yield named
    named.run("destroy", "--yes", "--allow-dirty")


def _name(shop: Shop) -> str:
    return next(iter(shop.names))


def test_an_object_that_breaks_a_definition_of_the_same_plan(named: Shop) -> None:
    """Each mistake has its place, what it has to be, and where the definition stands."""
    group = f"{_name(named)}.example.com"
    wrong = json.dumps(thing(group, {"size": "big", "color": "red"}), indent=2)
    named.write(_OBJECTS, f"{wrong}\n---\n{json.dumps(definition(group), indent=2)}\n")
    named.commit()

    named.refused("planned/broken custom resource", "apply", "--yes")


def test_an_object_of_a_new_namespace_that_is_not_valid(named: Shop) -> None:
    """The server's words about it, with the object's own namespace and place."""
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {_name(named)}}}\n"
    service = (
        "apiVersion: v1\nkind: Service\n"
        f"metadata: {{name: web, namespace: {_name(named)}}}\n"
        "spec: {ports: [{port: 80000}], slector: {app: web}}\n"
    )
    named.write(_OBJECTS, f"{space}---\n{service}")
    named.commit()

    named.refused("planned/mistake in a new namespace", "apply", "--yes")


def test_a_plan_that_deletes_most_of_what_there_is(named: Shop) -> None:
    """What would go is listed, with what allows it."""
    objects = [_CONFIG.format(name=_name(named), number=number) for number in range(12)]
    named.write(_OBJECTS, "---\n".join(objects))
    named.commit()
    assert named.run("apply", "--yes").code == 0
    named.write(_OBJECTS, objects[0])
    named.commit()

    named.refused("planned/most of it deleted", "apply", "--yes")
