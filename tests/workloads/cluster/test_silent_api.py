"""An aggregated API whose server is down: nothing is concluded about its objects, and the others go on.

While one is down, no namespace of its cluster goes away: the real one has a control plane of its own here.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ClusterUnreachable
from orchestrator.plans.change import Action
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.sandbox import down, up
from orchestrator.settings import Settings
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster import Target, connect
from orchestrator.workloads.rediscovery import look_around
from tests.sandbox.client import client_of, eventually
from tests.workloads.builders import CONFIG, ref
from tests.workloads.ground import Ground, told
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, serving
from tests.workloads.servers.pretended import CORE, connected, groups, kind

READING = """
apiVersion: metrics.example/v1
kind: Reading
metadata: {name: first}
"""
READING_REF = ref("Reading", group="metrics.example", name="first")
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
SERVICE = {
    "metadata": {"name": "v1.metrics.example"},
    "spec": {
        "group": "metrics.example",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 10,
        "insecureSkipTLSVerify": True,
        "service": {"name": "nowhere", "namespace": "default"},
    },
}
SILENT = r"the API metrics\.example/v1 of .* does not answer: its server is down"


def _ignore(_: str) -> None:
    pass


@contextmanager
def control_plane(directory: Path) -> Iterator[Ground]:
    """Return a place in a control plane that nobody else uses."""
    settings = replace(Settings.read(), cache=directory / "cache")
    place = directory / "sandbox"
    try:
        sandbox = up(place, Settings.read(), on_progress=_ignore, stop=Stop())
        target = Target(kubeconfig=sandbox.kubeconfig)
        with connect(target, settings, secrets=Secrets(), stop=Stop()) as cluster:
            others = client_of(sandbox.kubeconfig)
            yield Ground(cluster=cluster, others=others, directory=directory)
    finally:
        down(place, on_progress=_ignore, stop=Stop())


def await_stale(ground: Ground, *, stale: bool) -> None:
    """Wait until discovery tells, or tells no longer, that the API does not answer."""
    eventually(
        lambda: {"stale": sorted(ground.cluster.kinds(refresh=True).stale)},
        lambda found: bool(found["stale"]) is stale,
    )


@pytest.mark.integration
@pytest.mark.usefixtures("sandbox_programs")
def test_objects_of_an_api_that_is_down_are_not_gone(tmp_path: Path) -> None:
    """While an API is down, planning and pruning its objects is an error; other stacks notice nothing."""
    with control_plane(tmp_path) as ground:
        ground.make_namespace()
        where = replace(READING_REF, namespace=ground.namespace)
        lost = OwnedObject(ref=where, unit=UnitId("manifests.shop"), uid="1")
        applied = ground.apply(CONFIG)
        ground.others.create(SERVICES, SERVICE)
        await_stale(ground, stale=True)

        with pytest.raises(ClusterUnreachable, match=SILENT) as raised:
            ground.plan(ground.rendered(CONFIG), inventory=(*applied, lost))
        assert "kubectl get apiservices" in raised.value.hint
        assert "v1.metrics.example" in raised.value.hint
        with pytest.raises(ClusterUnreachable, match=SILENT):
            ground.plan(ground.rendered(READING))
        unnamed = READING.replace("first", '"${{ modules.database.host }}"')
        with pytest.raises(ClusterUnreachable, match=SILENT):
            ground.plan(ground.rendered(unnamed))
        with pytest.raises(ClusterUnreachable, match=SILENT):
            ground.prune((lost,))
        with pytest.raises(ClusterUnreachable, match=SILENT):
            ground.cluster.get_many([where])
        assert look_around(ground.cluster, ground.owner, ()).silent == ("metrics.example/v1",)
        assert set(told(ground.plan(ground.rendered(CONFIG), inventory=applied)[0]).values()) == {
            Action.NO_OP
        }
        ground.prune(applied)

        ground.others.request("DELETE", f"{SERVICES}/v1.metrics.example")
        await_stale(ground, stale=False)
        (plan,) = ground.plan(inventory=(lost,))
        assert set(told(plan).values()) == {Action.FORGET}


def aggregated(*versions: dict[str, Any]) -> dict[str, Any]:
    """Return what discovery tells of the aggregated API."""
    return groups({"metadata": {"name": "metrics.example"}, "versions": list(versions)})


CURRENT = {
    "version": "v1",
    "freshness": "Current",
    "resources": [kind("Reading", "readings")],
}
STALE = {**copy.deepcopy(CURRENT), "freshness": "Stale"}


def test_a_stale_answer_is_never_kept(tmp_path: Path) -> None:
    """A server that is down when discovery is read does not stay down for the next command; the tag does."""
    answers = iter([("one", CURRENT), ("two", STALE), ("one", CURRENT)])
    tags: list[str] = []

    def script(asked: Asked) -> Say:
        if asked.path == "/api":
            return Say(body=CORE)
        tags.append(asked.headers.get("If-None-Match", ""))
        tag, version = next(answers)
        if tag == tags[-1]:
            return Say(status=304)
        return Say(body=aggregated(version), headers={"ETag": tag})

    found = []
    with serving(script) as server:
        for _ in range(3):
            with connected(server.address, tmp_path) as cluster:
                found.append(cluster.kinds().unanswered("metrics.example", "Reading"))
    assert found == [(), ("metrics.example/v1",), ()]
    assert tags == ["", "one", "one"]


def test_an_api_that_is_back_is_asked(tmp_path: Path) -> None:
    """Before an API is told to be down, discovery is read once more; its objects are then looked for."""
    answers = iter([STALE, CURRENT])

    def script(asked: Asked) -> Say:
        match asked.path:
            case "/api":
                return Say(body=CORE)
            case "/apis":
                return Say(body=aggregated(next(answers)))
            case _:
                return Say(body={"kind": "Reading", "metadata": {"name": "first"}})

    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        assert cluster.kinds().stale
        assert cluster.get_many([READING_REF])[READING_REF]


def test_a_version_that_answers_is_enough(tmp_path: Path) -> None:
    """An object can be reached in a version that is served, whatever becomes of the others."""
    other = {**copy.deepcopy(CURRENT), "version": "v2"}

    def script(asked: Asked) -> Say:
        match asked.path:
            case "/api":
                return Say(body=CORE)
            case "/apis":
                return Say(body=aggregated(STALE, other))
            case _:
                return Say(body={"kind": "Reading", "metadata": {"name": "first"}})

    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        assert cluster.get_many([READING_REF])[READING_REF]
        assert server.asked[-1].path.startswith("/apis/metrics.example/v2/")
