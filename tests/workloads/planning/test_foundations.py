"""Namespaces and definitions on a real API server: they do not take with them what is to stay."""

import json
from typing import Any

import pytest

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.plans.change import Action
from orchestrator.stack.model import Wait
from orchestrator.workloads.manifests.wanted import RenderedSet
from orchestrator.workloads.planning.sets import plan_sets
from tests.workloads.custom import definition, thing
from tests.workloads.ground import Ground, Inventory, told

pytestmark = pytest.mark.integration

_OFF = Wait(enabled=False)


def namespace(ground: Ground) -> dict[str, Any]:
    """Return a namespace that only this test has."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{ground.namespace}-x"}}


def config(ground: Ground, name: str = "keepme") -> dict[str, Any]:
    """Return a ConfigMap in that namespace."""
    metadata = {"name": name, "namespace": f"{ground.namespace}-x"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def made(ground: Ground, name: str, *objects: dict[str, Any], **rights: Any) -> RenderedSet:
    """Return the set of these objects."""
    text = "---\n".join(f"{json.dumps(one)}\n" for one in objects)
    return ground.rendered(text, name=name, **rights)


def refused(ground: Ground, *sets: RenderedSet, inventory: Inventory) -> Mistake:
    """Return the one mistake for which a plan is refused."""
    with pytest.raises(InvalidStack) as raised:
        ground.plan(*sets, inventory=inventory)
    (mistake,) = raised.value.mistakes
    return mistake


def test_a_namespace_does_not_go_while_something_is_declared_in_it(ground: Ground) -> None:
    """A plan that would delete it is refused, names both, and goes when the objects leave Git too."""
    space = f"{ground.namespace}-x"
    app = made(ground, "app", config(ground))
    inventory = ground.apply(made(ground, "platform", namespace(ground))) + ground.apply(app)
    mistake = refused(ground, app, inventory=inventory)
    assert mistake.message == (
        f"Namespace {space} would be deleted, since manifests.platform does not declare it, and with it"
        f" ConfigMap {space}/keepme, which manifests.app declares"
    )
    assert str(mistake.place) == "app.yaml:1:64"
    assert mistake.hint == (
        f"declare Namespace {space} again, or annotate it in the cluster with orchestrator/prune: disabled,"
        " or remove it too"
    )
    for plan in ground.plan(inventory=inventory):
        assert set(told(plan).values()) == {Action.DELETE}
    ground.prune(inventory)


def test_sets_that_are_not_planned_count_too(ground: Ground) -> None:
    """What another set declares is not lost because this plan leaves that set out."""
    app = made(ground, "app", config(ground))
    inventory = ground.apply(made(ground, "platform", namespace(ground)))
    with pytest.raises(InvalidStack) as raised:
        plan_sets(
            ground.cluster,
            (),
            inventory,
            owner=ground.owner,
            secrets=ground.secrets,
            beside=(app,),
        )
    assert "/keepme, which manifests.app declares" in raised.value.mistakes[0].message
    ground.prune(inventory)


def test_a_namespace_that_asks_to_stay_is_forgotten_with_what_is_in_it(ground: Ground) -> None:
    """The annotation that the hint names is a way out: nothing is deleted then."""
    keeps = namespace(ground)
    keeps["metadata"]["annotations"] = {"orchestrator/prune": "disabled"}
    app = made(ground, "app", config(ground))
    inventory = ground.apply(made(ground, "platform", keeps)) + ground.apply(app)
    plans = ground.plan(app, inventory=inventory)
    assert [set(told(plan).values()) for plan in plans] == [{Action.NO_OP}, {Action.FORGET}]
    assert [plan.prune for plan in plans] == [(), ()]


def test_what_asks_to_stay_keeps_its_namespace(ground: Ground) -> None:
    """An object that must not be pruned is not lost with its namespace either."""
    space = f"{ground.namespace}-x"
    keeps = config(ground)
    keeps["metadata"]["annotations"] = {"orchestrator/prune": "disabled"}
    inventory = ground.apply(made(ground, "platform", namespace(ground), keeps))
    mistake = refused(ground, inventory=inventory)
    assert mistake.message == (
        f"Namespace {space} would be deleted, since manifests.platform does not declare it, and with it"
        f" ConfigMap {space}/keepme, which stays, since it is annotated orchestrator/prune: disabled"
    )


def test_a_definition_does_not_go_while_objects_of_it_are_declared(ground: Ground) -> None:
    """Neither deleting nor replacing a definition takes objects with it that Git wants."""
    group = f"{ground.namespace}.example.com"
    crd = definition(group)
    inventory = ground.apply(made(ground, "platform", crd))
    ground.cluster.kinds(refresh=True)
    things = made(ground, "things", *(thing(group, {}, name=f"t{index}") for index in range(4)))
    inventory += ground.apply(things, wait=_OFF)
    mistake = refused(ground, things, inventory=inventory)
    names = ", ".join(f"Widget.{group} {ground.namespace}/t{index}" for index in range(3))
    assert mistake.message == (
        f"CustomResourceDefinition widgets.{group} would be deleted, since manifests.platform does not"
        f" declare it, and with it {names} and 1 more, which manifests.things declares"
    )

    crd["spec"]["scope"] = "Cluster"
    other = made(ground, "platform", crd, replace=True)
    mistake = refused(ground, other, things, inventory=inventory)
    assert mistake.message.startswith(
        f"CustomResourceDefinition widgets.{group} would be deleted and made anew, and with it {names}"
    )
    assert (mistake.place and mistake.place.file, mistake.related and mistake.related.file) == (
        "things.yaml",
        "platform.yaml",
    )
    assert mistake.hint == ("take them out of Git and apply that first, then declare them again")
    (replacing, pruning) = ground.plan(other, inventory=inventory)
    assert set(told(replacing).values()) == {Action.REPLACE}
    assert set(told(pruning).values()) == {Action.DELETE}
    ground.prune(inventory)
