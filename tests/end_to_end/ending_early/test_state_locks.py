"""Terraform's own lock, which a run that died left on a state: released together with the proof of its death."""

import json
import signal
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.commands import held
from tests.end_to_end.ending_early.points import end_all
from tests.end_to_end.stacks import Document, config_map, holding
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def locked(world: World, folder: Path, sandbox: Sandbox) -> World:
    """Return a stack whose apply died with all that it had started, in the middle of Terraform's work.

    Its states are kept in the cluster, where a lock stays until somebody releases it.
    """
    config = {
        "config_path": str(sandbox.kubeconfig),
        "namespace": world.name,
        "secret_suffix": "${{ unit }}",
    }
    world.write("modules/held/main.tf", holding(str(folder)))
    shop = {"path": "shop.yaml", "namespace": world.name}
    state = {"backend": "kubernetes", "config": config}
    world.declare({"held": {"source": "./modules/held"}}, {"shop": shop}, state=state)
    world.manifests("shop.yaml", config_map("shop"))
    world.commit()
    running = world.start("apply", world.name, "--yes")
    held(folder)
    running.signal(signal.SIGKILL)
    running.end()
    end_all(world)
    (folder / "go").touch()
    assert _lock(world)
    return world


def test_the_next_run_releases_what_the_dead_one_locked(locked: World) -> None:
    """It says so, and goes on as if there had been no lock."""
    applied = locked.apply()

    assert "took the lock over" in applied.stderr
    assert "modules.held: its state is locked by" in applied.stderr
    assert "; released it" in applied.stderr
    assert _lock(locked) == ""
    assert locked.live().keys() == {"shop"}


def test_a_state_that_git_forgot_meanwhile_is_released(locked: World) -> None:
    """What the dead run was at is destroyed from the revision that had it, by whoever comes next."""
    locked.declare({}, {"shop": {"path": "shop.yaml", "namespace": locked.name}})
    locked.commit("Go without the module")

    applied = locked.apply()

    assert "modules.held: its state is locked by" in applied.stderr
    assert "; released it" in applied.stderr
    assert _lock(locked) == ""
    assert locked.live().keys() == {"shop"}


def test_unlock_releases_it_too(locked: World) -> None:
    """The proof that frees the stack frees its states; nothing else happens."""
    unlocked = locked.run("unlock", locked.name)

    assert unlocked.code == 0, unlocked.said
    assert "whose process has ended" in unlocked.stdout
    assert "; released it" in unlocked.stdout
    assert _lock(locked) == ""
    assert locked.live() == {}


def test_what_was_locked_by_somebody_else_stays_so(locked: World) -> None:
    """A person at work on the state by hand is told, with the way out; their lock is not touched."""
    lease = _lease(locked)
    about = json.loads(lease["metadata"]["annotations"]["app.terraform.io/lock-info"])
    theirs = json.dumps({**about, "Who": "somebody@elsewhere"})
    change = {"metadata": {"annotations": {"app.terraform.io/lock-info": theirs}}}
    path = f"{_leases(locked)}/{lease['metadata']['name']}"
    patched = "application/merge-patch+json"
    assert locked.cluster.request("PATCH", path, change, content_type=patched)[0] == 200
    before = _lock(locked)

    unlocked = locked.run("unlock", locked.name)

    assert unlocked.code == 0, unlocked.said
    assert "its state is locked by somebody@elsewhere" in unlocked.stdout
    assert "not known to be the dead run's" in unlocked.stdout
    assert _lock(locked) == before


def _lock(world: World) -> str:
    """Return the id of the lock on the state, empty when there is none."""
    holder: str | None = _lease(world)["spec"].get("holderIdentity")
    return holder or ""


def _lease(world: World) -> Document:
    (lease,) = world.cluster.get(_leases(world))["items"]
    found: Document = lease
    return found


def _leases(world: World) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{world.name}/leases"
