import json
import threading
from pathlib import Path

import pytest

from orchestrator.errors import ClusterError, Interrupted
from orchestrator.plans.events import ChangeDone, UnitProgress
from orchestrator.plans.objects import OwnedObject
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId
from orchestrator.workloads.applying.pruning import prune
from orchestrator.workloads.cluster.answers import Superseded
from orchestrator.workloads.ownership import marked
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT, OWNER, ref
from tests.workloads.custom import definition, thing
from tests.workloads.ground import Ground
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, in_turn, serving
from tests.workloads.servers.pretended import BUSY, config, connected, discovery, event, listing

pytestmark = pytest.mark.integration


def hold(ground: Ground, *, held: bool) -> None:
    """Put a finalizer on the ConfigMap, or take it away."""
    finalizers = {"metadata": {"finalizers": ["example.com/hold"] if held else None}}
    ground.patch(ground.path("configmaps", "settings"), finalizers, manager="robot")


def test_objects_are_gone_when_pruning_returns(ground: Ground) -> None:
    """Deletion is confirmed, in reverse order, with everything that a workload runs."""
    inventory = ground.apply(f"{CONFIG}---{DEPLOYMENT}")
    ground.events.clear()
    assert ground.prune(inventory) == tuple(sorted(item.ref for item in inventory))
    confirmed = [
        event.name.partition(" ")[0]
        for event in ground.events
        if isinstance(event, ChangeDone) and not event.waiting
    ]
    assert confirmed == ["Deployment", "ConfigMap"]
    assert ground.others.request("GET", ground.path("configmaps", "settings"))[0] == 404
    assert ground.others.get(ground.path("pods"))["items"] == []


def test_what_is_gone_already_is_confirmed(ground: Ground) -> None:
    """An object that somebody else deleted needs nothing more."""
    inventory = ground.apply(CONFIG)
    ground.others.request("DELETE", ground.path("configmaps", "settings"))
    assert ground.prune(inventory) == (inventory[0].ref,)


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ({"labels": {"orchestrator/environment": "other"}}, "belongs to {}/other"),
        ({"labels": {"orchestrator/stack": None}}, "lost our labels"),
        (
            {"annotations": {"orchestrator/prune": "disabled"}},
            "stays, since it is annotated orchestrator/prune: disabled",
        ),
    ],
)
def test_what_is_not_as_it_was_planned_is_left(
    ground: Ground, metadata: dict[str, dict[str, str | None]], what: str
) -> None:
    """An object that another one owns since the plan, or that asks to stay, is left, and that is said."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    (plan,) = ground.plan(inventory=inventory)
    ground.patch(path, {"metadata": metadata}, manager="kubectl-edit")
    with pytest.raises(Superseded) as raised:
        ground.prune(plan.prune)
    assert raised.value.message == (
        f"ConfigMap {ground.namespace}/settings changed since the plan was made, and is left: it "
        + what.format(ground.owner.stack)
    )
    assert ground.others.get(path)
    (again,) = ground.plan(inventory=inventory)
    assert (again.prune, again.forgotten) == ((), (inventory[0].ref,))


def test_what_is_there_again_is_not_deleted_when_it_was_to_be_forgotten(ground: Ground) -> None:
    """What a plan finds gone is forgotten, also when there is one with our labels by the time of the prune."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    restored = ground.others.get(path)
    ground.others.request("DELETE", path)
    (plan,) = ground.plan(inventory=inventory)
    restored["metadata"] = {key: restored["metadata"][key] for key in ("name", "labels")}
    ground.others.create(ground.path("configmaps"), restored)
    assert (plan.prune, plan.forgotten) == ((), (inventory[0].ref,))
    assert ground.prune(plan.prune) == ()
    assert ground.others.get(path)
    with pytest.raises(Superseded, match="was replaced by another one since the plan was made"):
        ground.prune(inventory)
    assert ground.others.get(path)


def test_a_finalizer_that_hangs_is_named(ground: Ground) -> None:
    """When an object does not go, the message names the finalizer; the next run goes on from there."""
    inventory = ground.apply(CONFIG)
    hold(ground, held=True)
    with pytest.raises(ClusterError) as raised:
        ground.prune(inventory, timeout=0.5)
    assert raised.value.message == (
        f"ConfigMap {ground.namespace}/settings is not gone after 0.5 s: it waits for the finalizer"
        f" example.com/hold (set by robot at {_since(ground)})"
    )
    assert "controller" in raised.value.hint
    assert "an apply of the same commit needs --retry" in raised.value.hint
    assert raised.value.detail == (
        "no Deployment, StatefulSet or DaemonSet of this cluster is named like robot"
    )
    hold(ground, held=False)
    assert ground.prune(inventory) == (inventory[0].ref,)


def _since(ground: Ground) -> str:
    """Return when the robot set its finalizer."""
    entries = ground.others.get(ground.path("configmaps", "settings"))["metadata"]["managedFields"]
    return str(next(entry["time"] for entry in entries if entry["manager"] == "robot"))


def test_a_controller_that_may_be_to_blame_is_named(ground: Ground) -> None:
    """A workload that is named like who set the finalizer is told with how many Pods it has ready."""
    text = DEPLOYMENT.replace("name: web}", f"name: {ground.namespace}-keeper}}").replace(
        "replicas: 1", "replicas: 0"
    )
    inventory = ground.apply(f"{CONFIG}---{text}")
    config = tuple(item for item in inventory if item.ref.kind == "ConfigMap")
    path = ground.path("configmaps", "settings")
    finalizers = {"metadata": {"finalizers": ["example.com/hold"]}}
    ground.patch(path, finalizers, manager=f"{ground.namespace}-keeper")
    with pytest.raises(ClusterError) as raised:
        ground.prune(config, timeout=0.5)
    name = f"{ground.namespace}-keeper"
    assert raised.value.detail == (
        f"{ground.namespace}/{name}, which is named like {name}, has 0 Pods ready"
    )
    hold(ground, held=False)


def test_a_definition_that_waits_for_its_objects(ground: Ground) -> None:
    """Objects of others keep a definition: they are named, with the finalizers that hold them."""
    group = f"{ground.namespace}.example.com"
    inventory = ground.apply(json.dumps(definition(group)))
    other = thing(group, {}, name="theirs")
    other["metadata"]["finalizers"] = ["example.com/hold"]
    collection = ground.path("things", group=f"apis/{group}/v1").replace("things", "widgets")
    ground.others.create(collection, other)
    with pytest.raises(ClusterError) as raised:
        ground.prune(inventory, timeout=2.0)
    assert "customresourcecleanup.apiextensions.k8s.io" in raised.value.message
    assert "objects of its kind are still there" in raised.value.message
    assert f"Widget {ground.namespace}/theirs waits for example.com/hold" in raised.value.detail
    free = {"metadata": {"finalizers": None}}
    ground.patch(f"{collection}/theirs", free, manager="robot")
    assert ground.prune(inventory) == (inventory[0].ref,)


def test_a_namespace_that_is_not_empty(ground: Ground) -> None:
    """What is left in a namespace is what it says itself: how many of what, and their finalizers."""
    name = f"{ground.namespace}-full"
    inventory = ground.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
    held = {"metadata": {"name": "kept", "finalizers": ["example.com/hold"]}}
    ground.others.create(f"/api/v1/namespaces/{name}/configmaps", held)
    with pytest.raises(ClusterError) as raised:
        ground.prune(inventory, timeout=10.0)
    assert f"Namespace {name} is not gone after 10 s" in raised.value.message
    assert "example.com/hold in 1 resource instances" in raised.value.message
    free = {"metadata": {"finalizers": None}}
    ground.patch(f"/api/v1/namespaces/{name}/configmaps/kept", free, manager="robot")
    assert ground.prune(inventory) == (inventory[0].ref,)


def test_a_late_finalizer_is_waited_for(ground: Ground) -> None:
    """An object whose controller needs a while is waited for."""
    inventory = ground.apply(CONFIG)
    hold(ground, held=True)
    path = ground.path("configmaps", "settings")

    def release() -> None:
        eventually(
            lambda: ground.others.get(path), lambda found: "deletionTimestamp" in found["metadata"]
        )
        hold(ground, held=False)

    thread = threading.Thread(target=release)
    thread.start()
    assert ground.prune(inventory) == (inventory[0].ref,)
    thread.join()


def test_what_loses_our_labels_on_its_way_out_is_not_gone(ground: Ground) -> None:
    """The watch says that it ended, as of what is gone; the server is asked before that is believed."""
    inventory = ground.apply(CONFIG)
    hold(ground, held=True)
    path = ground.path("configmaps", "settings")

    def strip(event: object) -> None:
        if isinstance(event, ChangeDone) and event.waiting:
            ground.patch(path, {"metadata": {"labels": None}}, manager="cleaner")

    with pytest.raises(ClusterError, match="settings is not gone after 1 s: it waits for the fin"):
        prune(
            ground.cluster,
            inventory,
            owner=ground.owner,
            on_event=strip,
            stop=ground.stop,
            timeout=1.0,
        )
    hold(ground, held=False)


def test_what_the_watch_tells_of_no_more_is_asked_for_until_it_is_gone(tmp_path: Path) -> None:
    """What lost our labels goes later, and nobody announces that."""
    value = {**config("a"), "metadata": {**config("a")["metadata"], "uid": "1"}}
    there = marked(value, owner=OWNER, unit=UnitId("manifests.shop"))
    seen = in_turn(*[Say(body=there)] * 4, Say(status=404, body={}))
    watches = in_turn(Say(lines=[event("DELETED", there)]), BUSY)

    def script(asked: Asked) -> Say:
        if asked.path in {"/api", "/apis"}:
            return discovery(asked)
        if asked.path.endswith("/a"):
            return Say(body={}) if asked.method == "DELETE" else seen(asked)
        return watches(asked) if "watch" in asked.query else listing(there)

    owned = OwnedObject(ref=ref(name="a"), unit=UnitId("manifests.shop"), uid="1")
    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        found = prune(cluster, [owned], owner=OWNER, on_event=lambda _: None, stop=Stop())
        assert found == (owned.ref,)
        asked = [each for each in server.asked if each.method == "GET" and each.path.endswith("/a")]
    assert len(asked) == 5


def test_a_successor_of_the_same_name_is_left_alone(ground: Ground) -> None:
    """What was made anew under the same name, by somebody else, is not deleted."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    ground.others.request("DELETE", path)
    ground.others.create(
        ground.path("configmaps"), {"metadata": {"name": "settings"}, "data": {"new": "1"}}
    )
    with pytest.raises(Superseded, match="was replaced by another one since the plan was made"):
        ground.prune(inventory)
    assert ground.others.get(path)["data"] == {"new": "1"}


def test_a_deletion_is_bound_to_what_was_seen(ground: Ground) -> None:
    """An object that was replaced between looking and deleting is not deleted."""
    (owned,) = ground.apply(CONFIG)
    (refusal,) = ground.cluster.delete_many({owned.ref: "00000000-0000-0000-0000-000000000000"})
    assert isinstance(refusal, Superseded)
    assert ground.others.get(ground.path("configmaps", "settings"))


def test_an_interrupt_ends_the_wait(ground: Ground) -> None:
    """A request to stop is noticed while a deletion hangs."""
    inventory = ground.apply(CONFIG)
    hold(ground, held=True)

    def stop(event: object) -> None:
        if isinstance(event, ChangeDone) and event.waiting:
            ground.stop.request()

    with pytest.raises(Interrupted):
        prune(ground.cluster, inventory, owner=ground.owner, on_event=stop, stop=ground.stop)
    hold(ground, held=False)


def test_a_long_wait_says_what_it_waits_for(ground: Ground) -> None:
    """After a few seconds progress names what is still there and why."""
    inventory: tuple[OwnedObject, ...] = ground.apply(CONFIG)
    hold(ground, held=True)
    ground.events.clear()
    with pytest.raises(ClusterError):
        ground.prune(inventory, timeout=6.0)
    reasons = [event.text for event in ground.events if isinstance(event, UnitProgress)]
    told = (
        f"ConfigMap {ground.namespace}/settings: still being deleted: it waits for the finalizer"
        f" example.com/hold (set by robot at {_since(ground)})"
    )
    assert reasons == [told]
    hold(ground, held=False)
