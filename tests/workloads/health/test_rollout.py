"""Applying to a server that shows what a real one does only now and then."""

import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeDone, Event, UnitProgress
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId, Wait
from orchestrator.workloads.applying.execution import apply_set, pause_between_tries
from orchestrator.workloads.health.rollout import pause_between_looks
from orchestrator.workloads.ownership import marked
from orchestrator.workloads.planning.steps import ObjectStep, SetPlan
from tests.workloads.builders import DEPLOYMENT, OWNER, ref
from tests.workloads.ground import Ground
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, Script, in_turn, serving
from tests.workloads.servers.pretended import (
    BUSY,
    CORE,
    config,
    connected,
    discovery,
    event,
    groups,
    kind,
    listing,
)

pytestmark = pytest.mark.integration

UNIT = UnitId("manifests.shop")


def job(condition: str = "", uid: str = "1", **metadata: str) -> dict[str, Any]:
    """Return a Job as the server shows it."""
    conditions = [{"type": condition, "status": "True", "message": "it ended"}] if condition else []
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "once",
            "namespace": "shop",
            "uid": uid,
            "resourceVersion": "5",
            **metadata,
        },
        "status": {"conditions": conditions},
    }


def server(*events: dict[str, Any], before: Say | None = None) -> Script:
    """Return a server that accepts a Job and then tells these events of it; ``before`` is its first list."""
    watches = in_turn(Say(lines=events), BUSY)

    def script(asked: Asked) -> Say:
        if asked.path in {"/api", "/apis"}:
            return discovery(asked)
        if asked.method == "PATCH":
            return Say(status=201, body=job())
        if "watch" in asked.query:
            return watches(asked)
        return before or listing()

    return script


def apply_job(script: Script, directory: Path) -> None:
    """Apply a Job to the server and wait for it."""
    manifest = marked(job(), owner=OWNER, unit=UNIT)
    step = ObjectStep(ref=ref("Job", name="once"), action=Action.CREATE, manifest=manifest)
    plan = SetPlan(unit=UNIT, steps=(step,))
    with serving(script) as found, connected(found.address, directory) as cluster:
        apply_set(cluster, plan, wait=Wait(timeout=10), on_event=lambda _: None, stop=Stop())


WEB = {"apiVersion": "apps/v1", "kind": "Deployment"}
APPS = groups(
    {
        "metadata": {"name": "apps"},
        "versions": [{"version": "v1", "resources": [kind("Deployment", "deployments")]}],
    }
)
DELETED_AT = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def test_a_job_that_is_gone_counts_as_it_ended(tmp_path: Path) -> None:
    """Of a Job that its time to live removed before anybody looked, the last state decides."""
    apply_job(server(event("DELETED", job("Complete", **DELETED_AT))), tmp_path)
    with pytest.raises(ClusterError, match="once failed: it ended"):
        apply_job(server(event("DELETED", job("Failed", **DELETED_AT))), tmp_path)


def test_a_job_that_is_gone_without_an_end_failed(tmp_path: Path) -> None:
    """A Job that was deleted while it ran is not done."""
    with pytest.raises(ClusterError, match="was deleted while it was waited for"):
        apply_job(server(event("DELETED", job(**DELETED_AT))), tmp_path)


def test_what_loses_our_labels_is_waited_for(ground: Ground) -> None:
    """Something that somebody took our labels off is there, and becomes healthy: it was not deleted."""
    labels = "labels: {app: web}, annotations: {sandbox.orchestrator/delay: 1s}}"
    text = DEPLOYMENT.replace("labels: {app: web}}", labels)
    path = ground.path("deployments", "web", group="apis/apps/v1")

    def strip(event: object) -> None:
        if isinstance(event, ChangeDone) and event.waiting:
            ground.patch(path, {"metadata": {"labels": None}}, manager="cleaner")

    (plan,) = ground.plan(ground.rendered(text))
    apply_set(ground.cluster, plan, wait=Wait(timeout=60), on_event=strip, stop=Stop())
    found = ground.others.get(path)
    assert found["status"]["readyReplicas"] == 1
    assert "labels" not in found["metadata"]


def test_a_predecessor_of_the_same_name_does_not_count(tmp_path: Path) -> None:
    """What is told of an object that had the name before says nothing about the new one."""
    earlier = job("Failed", uid="0")
    events = (event("DELETED", earlier), event("ADDED", job()), event("MODIFIED", job("Complete")))
    apply_job(server(*events, before=listing(earlier)), tmp_path)


_REFUSED = {"type": "ReplicaFailure", "status": "True"}
_NO_QUOTA = {**_REFUSED, "message": "no quota", "lastTransitionTime": "2026-01-01T00:00:00Z"}
_GONE = "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1"
_LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ([_NO_QUOTA], "no quota"),
        ([_LATE, {**_REFUSED, "message": _GONE}], "ResourceQuota shop/few has room"),
    ],
)
def test_a_refusal_of_an_earlier_apply_is_no_failure_yet(
    tmp_path: Path, shown: list[dict[str, Any]], told: str
) -> None:
    """What is long ago lasts since waiting began; what a quota refused that is gone is tried again some time."""
    names: dict[str, Any] = {"name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "5"}
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")

    def web(*conditions: dict[str, Any], count: int = 0) -> dict[str, Any]:
        status = {"observedGeneration": 1, "conditions": conditions, **dict.fromkeys(counts, count)}
        return {**WEB, "metadata": {**names, "generation": 1}, "status": status}

    done = event("MODIFIED", web({"type": "Available", "status": "True"}, count=1))
    watches, waited_for = in_turn(Say(lines=(done,)), BUSY), threading.Event()

    def heard(news: Event) -> None:
        if isinstance(news, UnitProgress) and told in news.text:
            waited_for.set()

    def script(asked: Asked) -> Say:
        if asked.path in {"/api", "/apis"}:
            return Say(body=CORE if asked.path == "/api" else APPS)
        if asked.method == "PATCH":
            return Say(body=web(*shown))
        if "watch" in asked.query and waited_for.wait(5):
            return watches(asked)
        return listing()

    manifest = marked({**WEB, "metadata": names}, owner=OWNER, unit=UNIT)
    step = ObjectStep(ref=ref("Deployment", name="web"), action=Action.CREATE, manifest=manifest)
    plan = SetPlan(unit=UNIT, steps=(step,))
    with serving(script) as found, connected(found.address, tmp_path) as cluster:
        apply_set(cluster, plan, wait=Wait(timeout=10), on_event=heard, stop=Stop())


def test_what_comes_a_moment_later_is_waited_for(tmp_path: Path) -> None:
    """A refusal for an account that is to come, by a quota or a definition that changes, is tried again; no other."""
    missing = 'pods "a" is forbidden: error looking up service account: serviceaccount "default" not found'
    early, full = (
        Say(status=403, body={"message": text}) for text in (missing, "exceeded quota: few")
    )
    unknown = Say(status=500, body={"message": ".spec.a: field not declared in schema"})
    made = Say(status=201, body=config("a"))
    applied = in_turn(early, early, made, full, made, full, unknown, made, unknown)

    def script(asked: Asked) -> Say:
        if asked.method == "PATCH":
            return applied(asked)
        return discovery(asked)

    manifest = marked(config("a"), owner=OWNER, unit=UnitId("manifests.shop"))
    step = ObjectStep(ref=ref(name="a"), action=Action.CREATE, manifest=manifest)
    plan = SetPlan(unit=UnitId("manifests.shop"), steps=(step,))
    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        few, defined = (
            ref("ResourceQuota", name="few"),
            ref("CustomResourceDefinition", group="apiextensions.k8s.io", name="configmaps"),
        )
        for count, changed, refused in (
            (3, (), ""),
            (5, (few,), ""),
            (6, (defined,), "exceeded quota"),
            (8, (defined,), ""),
            (9, (few,), "fields that its kind does not know"),
        ):
            told_so = pytest.raises(ClusterError, match=refused) if refused else nullcontext()
            with told_so:
                apply_set(
                    cluster,
                    replace(plan, changed=frozenset(changed)),
                    wait=Wait(enabled=False),
                    on_event=lambda _: None,
                    stop=Stop(),
                )
            assert sum(asked.method == "PATCH" for asked in server.asked) == count


def test_what_is_too_early_for_long_is_not_tried_all_the_time() -> None:
    """Most of it is over at once; the rest is a request, and news of a change that began, for each try."""
    waited, tries = 0.0, 0
    while waited < 15:
        waited, tries = waited + pause_between_tries(waited), tries + 1
    assert pause_between_tries(0.0) == 0.1
    assert tries < 25


def test_looking_at_thousands_takes_a_twentieth_of_the_time_at_most() -> None:
    """While all goes on, each look at all finds as much as the one before: it must not grow with the square."""
    assert pause_between_looks(0.001) == 1.0
    assert pause_between_looks(0.2) == pytest.approx(4.0)
