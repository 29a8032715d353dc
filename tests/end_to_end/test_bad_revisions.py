"""A revision that failed: it is not applied again by itself, and what else follows is the stack's policy."""

import pytest

from tests.end_to_end.commands import Running, eventually
from tests.end_to_end.stacks import ECHO, config_map, deployment, job
from tests.end_to_end.test_on_a_terminal import on_terminal
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_BROKEN = {"sandbox.orchestrator/fail": "ImagePullBackOff"}
_NEVER_READY = {"sandbox.orchestrator/fail": "NotReady"}


def _flat(text: str) -> str:
    return " ".join(text.split())


def _shop(
    world: World, pods: dict[str, str], *, image: str = "shop/web:1", **settings: object
) -> str:
    """Commit a Deployment whose pods are steered by annotations; return the commit."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}}, **settings)
    world.manifests("shop/web.yaml", deployment("web", image=image, annotations=pods))
    return world.commit(f"Run {image}")


def test_a_revision_that_failed_is_applied_again_when_that_is_said(world: World) -> None:
    """In a pipeline by a flag, on a terminal by the answer to a question that says so; a new commit needs neither."""
    commit = _shop(world, _BROKEN, on_failure="restore-workloads")
    failed = world.run("apply", world.name, "--yes")
    assert failed.code == 1, failed.said
    assert "no revision of this stack was healthy as a whole before" in _flat(failed.stdout)
    before = world.snapshot()

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert f"{commit[:10]} failed when Grace Hopper applied it at " in _flat(refused.stderr)
    assert f"Deployment {world.name}/web failed: " in _flat(refused.stderr)
    assert "--retry" in refused.stderr
    assert "applying it again needs --retry" in _flat(refused.stdout)
    assert world.snapshot() == before

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("although it failed before? Only 'yes' goes ahead")
        terminal.type("yes\n")
        assert terminal.end() == 1
    assert "2 times by now" in _flat(world.run("plan", world.name).stdout)

    _shop(world, {}, image="shop/web:2")
    world.apply()
    assert world.run("status", world.name).stdout.count("was healthy") == 1
    back = world.run("rollback", world.name, "--to", commit, "--branch", "back")
    assert back.code == 0, back.said
    assert f"Note: {commit[:10]} failed when Grace Hopper applied it at " in _flat(back.stdout)


def test_a_unit_is_tried_again_with_a_backoff(world: World) -> None:
    """A module and a set that fail at first succeed in the same run, which says that it tries again."""
    mark = world.root.with_name("mark")
    flaky = f"test -e {mark} || {{ touch {mark}; exit 1; }}"
    world.write(
        "modules/base/main.tf",
        f'resource "terraform_data" "flaky" {{\n  provisioner "local-exec" {{\n    command = "{flaky}"\n  }}\n}}\n',
    )
    rule = {"kind": "ConfigMap", "healthy": "data.colour == 'red'"}
    rule["failed"] = "!has(metadata.annotations) || !('ready' in metadata.annotations)"
    world.declare(
        {"base": {"source": "./modules/base"}},
        {"shop": {"path": "shop", "namespace": world.name, "wait": {"health": [rule]}}},
        on_failure={"attempts": 9, "backoff": "300ms"},
    )
    world.manifests("shop/text.yaml", config_map("text"))
    world.commit()

    running = world.start("apply", world.name, "--yes")
    assert "the next in 0.3s" in running.await_line("modules.base: attempt 1 of 9 failed: ")
    running.await_line("manifests.shop: attempt 1 of 9 failed: ")
    world.patch("ConfigMap", "text", {"metadata": {"annotations": {"ready": "yes"}}}, "robot")
    ended = running.end()

    assert ended.code == 0, ended.said
    assert "terraform_data.flaky" in world.resources("base")
    assert world.ledger()[0].endswith(": 1 created, 1 replaced")


def test_workloads_of_the_last_healthy_revision_come_back(world: World) -> None:
    """The infrastructure stays at the failed revision, as the report and the ledger say; nothing is deleted."""
    world.write("modules/base/main.tf", ECHO)

    def declare(text: str, *objects: dict[str, object]) -> str:
        world.declare(
            {"base": {"source": "./modules/base", "inputs": {"text": text}}},
            {"shop": {"path": "shop", "namespace": world.name}},
            on_failure="restore-workloads",
        )
        kept = config_map("kept", {"text": "${{ modules.base.kept }}"})
        world.manifests("shop/web.yaml", kept, *objects)
        return world.commit(f"Say {text}")

    healthy = declare("one", deployment("web"))
    world.apply()
    bad = declare(
        "two", deployment("web", image="shop/web:2", annotations=_BROKEN), config_map("new")
    )

    ended = world.run("apply", world.name, "--yes")

    assert ended.code == 1, ended.said
    said = _flat(ended.stdout)
    assert f"Failed: {world.name}/default at {bad[:10]}" in said
    assert (
        f"Brought back the workloads of {healthy[:10]}, the last healthy revision: 1 updated."
        in said
    )
    assert f"The infrastructure stays at {bad[:10]}" in said
    web = world.object("Deployment", "web")
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:1"
    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "two"
    assert world.data("kept") == {"text": "two"}
    assert world.exists("ConfigMap", "new")
    assert world.ledger()[0].startswith(
        f"restore {world.name}/default at {healthy[:10]}: 1 updated"
    )
    assert any(f"apply {world.name}/default at {bad[:10]}: " in line for line in world.ledger())

    explained = _flat(world.run("explain", "shop", world.name).stdout)
    assert f"manifests.shop was brought back to {healthy[:10]}: applied, healthy" in explained
    assert f"since this did not succeed: manifests.shop failed at {bad[:10]}" in explained
    assert "ImagePullBackOff" in explained

    again = world.run("apply", world.name, "--yes")
    assert again.code == 1
    assert "it is not applied again unless you say so" in _flat(again.stderr)
    git(world.root, "revert", "--no-edit", "HEAD")
    world.apply()
    assert world.data("kept") == {"text": "one"}
    assert not world.exists("ConfigMap", "new")


def test_what_nobody_agreed_to_is_left_when_workloads_come_back(world: World) -> None:
    """What would run once more, or be made anew, stays as the failed revision has it, and is told.

    Whoever agrees gets it back, as far as that destroys no more, with what the failed run did, than the stack allows.
    """

    def declare(image: str, pods: dict[str, str], **fixed: object) -> None:
        manifests = {"shop": {"path": "shop", "namespace": world.name}}
        world.declare({}, manifests, on_failure="restore-workloads", guards={"destroys": 1})
        text = config_map("text", annotations={"orchestrator/replace": "enabled"})
        web = deployment("web", image=image, annotations=pods)
        world.manifests("shop/web.yaml", web, job("migrate", image=image), {**text, **fixed})
        world.commit(f"Run {image}")

    declare("shop/web:1", {})
    world.apply()
    declare("shop/web:2", _BROKEN, immutable=True)

    ended = world.run("apply", world.name, "--yes")

    assert ended.code == 1, ended.said
    said = _flat(ended.stdout)
    assert "the last healthy revision: 1 updated." in said
    assert f"Job {world.name}/migrate would run once more" in said
    assert f"ConfigMap {world.name}/text would be deleted and made anew" in said
    assert _image(world, "Deployment", "web") == "shop/web:1"
    assert _image(world, "Job", "migrate") == "shop/web:2"
    assert world.ledger()[0].endswith(": 1 updated; 2 left as the failed revision has it")

    agreed = ("apply", world.name, "--yes", "--retry", "--allow-deferred")
    refused = _flat(world.run(*agreed).stdout)
    assert "this plan deletes or replaces 2 things, more than the 1 that" in refused
    again = world.run(*agreed, "--acknowledge", "destroys:2", "--output", "json")
    assert again.json["fallback"]["left"] == []
    assert _image(world, "Job", "migrate") == "shop/web:1"
    assert "immutable" not in world.object("ConfigMap", "text")


def _image(world: World, kind: str, name: str) -> str:
    image: str = world.object(kind, name)["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_a_newer_commit_ends_the_waiting_for_a_rollout(world: World) -> None:
    """What hangs is not waited for once a newer commit is in line, which then does its own; that is no failure."""
    stuck = _shop(world, _NEVER_READY)
    first = _started(world)
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    newer = _shop(world, {}, image="shop/web:2")

    second = _started(world, "--lock-timeout", "55s").end()
    ended = first.end()

    assert ended.code == 130, ended.said
    told = f"since a newer revision waits for its turn: {newer[:10]} of Grace Hopper"
    assert told in _flat(ended.stdout)
    assert second.code == 0, second.said
    by = (
        f"at {stuck[:10]}: 1 created, interrupted by a newer revision, {newer[:10]} of Grace Hopper"
    )
    assert any(by in subject for subject in world.ledger()), world.ledger()
    assert "it failed before" not in second.said
    assert world.locks() == ""


@pytest.mark.soak
def test_an_older_commit_ends_nothing(world: World) -> None:
    """Somebody with a checkout of yesterday who waits in line has to wait."""
    old = _shop(world, {})
    _shop(world, {"sandbox.orchestrator/delay": "4s"}, image="shop/web:2")
    first = _started(world)
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    git(world.root, "checkout", "--quiet", old)

    second = _started(world, "--lock-timeout", "55s").end()

    assert first.end().code == 0
    assert second.code == 0, second.said
    assert not any("newer revision" in subject for subject in world.ledger())


def _started(world: World, *arguments: str) -> Running:
    """Start an apply that looks at the queue every now and then, rather than every ten seconds."""
    return world.start("apply", world.name, "--yes", *arguments, ORCHESTRATOR_LEASE="10s")
