"""What a run sent before it failed or was killed is its own doing: nobody else is blamed, nothing is left so."""

import json
import signal
from typing import Any

import pytest

from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import Document, config_map, deployment, job
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_FAIL = "sandbox.orchestrator/fail"
_BROKEN = {_FAIL: "ImagePullBackOff"}
_NEVER_READY = {_FAIL: "NotReady"}
_LEFT = {"report": "1 drifted object left as it is", "ignore": "1 field left to others"}
_ALL = {"colour": "red", "size": "large", "taken": "ours"}


def _commit(world: World, drift: str, objects: list[Document], **more: Any) -> None:
    sets = {name: {"path": name, "namespace": world.name} for name in ("shop", "other")}
    world.declare(None, {name: {**each, "drift": drift} for name, each in sets.items()}, **more)
    world.manifests("shop/all.yaml", *objects)
    world.manifests("other/all.yaml", config_map("other"))
    world.commit()


def _good(*, size: bool = True) -> list[Document]:
    data = {key: text for key, text in _ALL.items() if size or key != "size"}
    return [config_map("settings", data), deployment("web")]


def _bad(pods: dict[str, str]) -> list[Document]:
    return [*_good(size=False)[:1], deployment("web", annotations=pods)]


def _healthy(world: World, drift: str, **more: Any) -> None:
    """Apply what is well, of which somebody else has a field by then."""
    _commit(world, drift, _good(), **more)
    world.apply()
    world.patch("ConfigMap", "settings", {"data": {"taken": "theirs"}}, manager="robot")


def _fail(world: World, drift: str) -> None:
    _commit(world, drift, _bad(_BROKEN))
    failed = world.run("apply", world.name, "--yes")
    assert failed.code == 1, failed.said


def _be_killed(world: World, drift: str) -> None:
    pods = _NEVER_READY
    _commit(world, drift, _bad(pods))
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: _pods(world) == pods, "all that the bad revision changes")
    running.signal(signal.SIGKILL)
    running.end()


def _pods(world: World) -> Document:
    """Return the annotations of the pods; a set's ConfigMaps are applied before what runs them."""
    template = world.object("Deployment", "web")["spec"]["template"]
    found: Document = template["metadata"].get("annotations", {})
    return found


def _be_abandoned(world: World, drift: str) -> None:
    _be_killed(world, drift)
    state = git(world.root, "show", f"refs/orchestrator/{world.name}/default:state.json")
    entry = json.loads(state)["open"]["id"]
    abandoned = world.run("abandon", entry, world.name, "--why", "nobody goes on")
    assert abandoned.code == 0, abandoned.said


def _be_killed_and_passed_over(world: World, drift: str) -> None:
    _be_killed(world, drift)
    world.apply("--only", "manifests.other")


@pytest.mark.parametrize(
    ("ending", "drift"),
    [
        (_fail, "report"),
        (_be_killed, "ignore"),
        pytest.param(_fail, "ignore", marks=pytest.mark.soak),
        pytest.param(_be_killed, "report", marks=pytest.mark.soak),
        pytest.param(_be_abandoned, "report", marks=pytest.mark.soak),
        pytest.param(_be_killed_and_passed_over, "report", marks=pytest.mark.soak),
    ],
)
def test_a_revert_brings_back_what_a_run_took_out(world: World, ending: Any, drift: str) -> None:
    """Also where a set leaves alone what others do, whose doings it goes on to leave alone."""
    _healthy(world, drift)
    ending(world, drift)
    assert "size" not in world.data("settings")
    _commit(world, drift, _good())
    shown = world.plan().stdout
    assert f"Plan: 2 to update, {_LEFT[drift]}." in shown
    world.apply()
    assert world.data("settings") == {**_ALL, "taken": "theirs"}
    world.patch("ConfigMap", "settings", {"data": {"size": None}}, manager="robot")
    world.apply()
    assert "size" not in world.data("settings")


@pytest.mark.soak
def test_what_is_brought_back_after_a_failure_is_whole(world: World) -> None:
    """The workloads of the last healthy revision come back with all that the failed one took out."""
    _healthy(world, "report", on_failure="restore-workloads")
    _commit(world, "report", _bad(_BROKEN), on_failure="restore-workloads")
    failed = world.run("apply", world.name, "--yes")
    assert failed.code == 1, failed.said
    assert world.data("settings") == {**_ALL, "taken": "theirs"}


def test_a_job_that_ran_in_a_run_that_did_not_succeed_does_not_run_again(world: World) -> None:
    """The cluster removed it when its time was up, and it is known how it ended: one that failed does run again."""

    def commit(pods: dict[str, str]) -> None:
        failing = deployment("web", annotations=pods)
        world.declare(
            None, {name: {"path": name, "namespace": world.name} for name in ("shop", "mail")}
        )
        world.manifests("shop/all.yaml", _passing("migrate", {}), failing)
        world.manifests("mail/all.yaml", _passing("import", {_FAIL: "Error"}))
        world.commit()

    commit(_NEVER_READY)
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: len(_jobs_that_ended(world)) == 2, "the end of both Jobs")
    eventually(lambda: not world.live("Job"), "the end of the Jobs' time")
    running.signal(signal.SIGINT)
    assert running.end().code != 0
    commit({})
    shown = world.plan().stdout
    assert f"+ Job {world.name}/import" in shown
    assert f"Job {world.name}/migrate" not in shown


@pytest.mark.soak
def test_a_job_runs_once_in_all_attempts_of_a_run(world: World) -> None:
    """Another attempt at a set knows what became of it in the one before."""
    settings: dict[str, Any] = {"path": "shop", "namespace": world.name, "wait": {"timeout": "6s"}}
    world.declare(None, {"shop": settings}, on_failure={"attempts": 2, "backoff": "3s"})
    failing = deployment("web", annotations=_NEVER_READY)
    world.manifests("shop/all.yaml", _passing("migrate", {}), failing)
    world.commit()
    failed = world.run("apply", world.name, "--yes")
    assert failed.code == 1, failed.said
    assert "attempt 1 of 2 failed" in failed.stderr
    events = world.cluster.get(f"/api/v1/namespaces/{world.name}/events")["items"]
    made = [each for each in events if each["reason"] == "SuccessfulCreate"]
    jobs = [each for each in made if each["involvedObject"]["kind"] == "Job"]
    assert sum(each.get("count", 1) for each in jobs) == 1


def _passing(name: str, pods: dict[str, str]) -> Document:
    """Return a Job that the cluster removes a second after its end."""
    found = job(name, image="shop/job:1")
    found["spec"] |= {"ttlSecondsAfterFinished": 1, "backoffLimit": 0}
    found["spec"]["template"]["metadata"] = {"annotations": pods}
    return found


def _jobs_that_ended(world: World) -> set[str]:
    events = world.cluster.get(f"/api/v1/namespaces/{world.name}/events")["items"]
    ended = (each for each in events if each["reason"] in {"Completed", "BackoffLimitExceeded"})
    return {each["involvedObject"]["name"] for each in ended}
