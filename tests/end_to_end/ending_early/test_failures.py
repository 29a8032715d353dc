"""What fails is told with its reason, what depends on it is left alone, and the mended commit goes through."""

import pytest

from tests.end_to_end.stacks import ECHO, config_map, deployment
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_FAILS = """
variable "text" {
  type = string
}

resource "terraform_data" "program" {
  triggers_replace = var.text

  provisioner "local-exec" {
    command = "echo the disk of ${var.text} is missing >&2; exit %d"
  }
}

output "id" {
  value = terraform_data.program.id
}
"""


def test_a_rollout_that_fails_says_why_and_is_mended_by_the_next_commit(world: World) -> None:
    """The reason is the pod's own; nothing that needs the set is applied, nothing is pruned."""
    _declare_rollout(world, fail="")
    world.manifests("web/old.yaml", config_map("old"))
    world.commit()
    world.apply()
    git(world.root, "rm", "--quiet", f"stacks/{world.name}/web/old.yaml")
    _declare_rollout(world, fail="ImagePullBackOff", text="changed")
    broken = world.commit("Break the image")

    failed = world.run("apply", world.name, "--yes")

    assert failed.code == 1
    assert f"Deployment {world.name}/web" in failed.stdout
    assert "ImagePullBackOff" in failed.stdout
    assert world.data("after") == {"text": "first"}
    assert world.exists("ConfigMap", "old")
    assert ": 1 updated, failed at manifests.web" in world.ledger()[0]
    assert not world.locks()
    assert _status(world) == {"manifests.web": "failed", "manifests.after": "applied"}
    assert "failed" in world.run("status", world.name).stdout
    newest = world.run("history", world.name, "--output", "json").json["entries"][0]
    assert newest["outcome"] == "failed"
    assert newest["revision"]["commit"] == broken

    _declare_rollout(world, fail="", text="changed")
    world.apply()

    assert world.object("Deployment", "web")["status"]["readyReplicas"] == 1
    assert world.data("after") == {"text": "changed"}
    assert not world.exists("ConfigMap", "old")
    assert set(_status(world).values()) == {"applied"}


def test_a_module_that_fails_keeps_the_workloads_from_changing(world: World) -> None:
    """Its diagnostic is told with its place in Git, its neighbour is applied, its dependant and the sets are not."""
    _declare_modules(world, code=1)

    failed = world.run("apply", world.name, "--yes")

    assert failed.code == 1
    assert "the disk of hello is missing" in failed.stdout
    assert ": 1 created, 1 may be done, failed at modules.fails" in " ".join(failed.stdout.split())
    assert f"stacks/{world.name}/modules/fails/main.tf:9" in failed.stdout
    assert world.resources("neighbour")
    assert world.resources("dependant") == {}
    assert world.live() == {}
    status = _status(world)
    assert status["modules.fails"] == "failed"
    assert status["modules.neighbour"] == "applied"
    assert status["modules.dependant"] is status["manifests.shop"] is None
    assert "skipped: since modules.fails did not succeed" in failed.stderr

    _declare_modules(world, code=0)
    world.apply()

    assert world.resources("dependant")
    assert world.live().keys() == {"shop"}
    assert set(_status(world).values()) == {"applied", "unchanged"}


def test_a_wait_that_is_too_short_names_what_it_waited_for(world: World) -> None:
    """After its time limit a set has failed; what runs is left as it is, for the next apply to find healthy."""
    slow = deployment("web", annotations={"sandbox.orchestrator/delay": "6s"})
    world.declare(
        {}, {"web": {"path": "web.yaml", "namespace": world.name, "wait": {"timeout": "1s"}}}
    )
    world.manifests("web.yaml", slow)
    world.commit()

    failed = world.run("apply", world.name, "--yes")

    assert failed.code == 1
    assert f"Deployment {world.name}/web" in failed.stdout
    assert "0 of 1" in failed.stdout

    world.declare({}, {"web": {"path": "web.yaml", "namespace": world.name}})
    world.commit()
    world.apply()

    assert world.object("Deployment", "web")["status"]["readyReplicas"] == 1


def _declare_rollout(world: World, *, fail: str, text: str = "first") -> None:
    namespace = world.name
    wait = {"wait": {"timeout": "8s"}} if fail else {}
    world.declare(
        {},
        {
            "web": {"path": "web", "namespace": namespace, **wait},
            "after": {"path": "after.yaml", "namespace": namespace, "needs": ["web"]},
        },
    )
    annotations = {"sandbox.orchestrator/fail": fail} if fail else {}
    world.manifests("web/web.yaml", deployment("web", image=text, annotations=annotations))
    world.manifests("after.yaml", config_map("after", {"text": text}))
    world.commit()


def _declare_modules(world: World, *, code: int) -> None:
    world.write("modules/fails/main.tf", _FAILS.replace("%d", str(code)))
    world.write("modules/echo/main.tf", ECHO)
    world.declare(
        {
            "fails": {"source": "./modules/fails", "inputs": {"text": "hello"}},
            "neighbour": {"source": "./modules/echo", "inputs": {"text": "beside"}},
            "dependant": {
                "source": "./modules/echo",
                "inputs": {"text": "${{ modules.fails.id }}"},
            },
        },
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
    )
    world.manifests("shop.yaml", config_map("shop"))
    world.commit()


def _status(world: World) -> dict[str, str | None]:
    units = world.run("status", world.name, "--output", "json").json["units"]
    return {unit["unit"]: unit["outcome"] for unit in units}
