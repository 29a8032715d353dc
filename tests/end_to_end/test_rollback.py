"""`rollback` prepares one commit that goes back: what is in it, where it goes, and all that it leaves alone."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.stacks import ECHO, config_map, stack_file
from tests.end_to_end.world import World
from tests.git import git, make_remote

pytestmark = pytest.mark.integration


@pytest.fixture
def shop(world: World) -> World:
    """Return a stack of one set that was applied in two steps, with a commit of something else between them."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    _step(world, "one")
    world.apply()
    (world.root / "README.md").write_text("A shop\n")
    world.commit("Say what it is")
    world.manifests("shop/more.yaml", config_map("more"))
    _step(world, "two")
    world.apply()
    return world


def _step(world: World, text: str) -> str:
    world.manifests("shop/texts.yaml", config_map("texts", {"step": text}))
    return world.commit(f"Step {text}")


def _log(world: World, *more: str) -> list[str]:
    return git(world.root, "log", "--format=%s", *more).splitlines()


def test_it_is_one_commit_more_and_overwrites_nothing(shop: World) -> None:
    """The last revision that went well and differs comes back; other commits stay, and so does what is edited.

    Edits in the way are named and nothing moves, while a branch of its own leaves the checkout alone.
    """
    shop.write("shop/texts.yaml", "being: edited\n")
    before = git(shop.root, "rev-parse", "HEAD")

    refused = shop.run("rollback", shop.name)
    made = shop.run("rollback", shop.name, "--branch", "back", "--output", "json")

    assert refused.code == 1
    assert f"stacks/{shop.name}/shop/texts.yaml" in refused.stderr
    assert git(shop.root, "rev-parse", "HEAD") == before
    assert made.code == 0, made.said
    told = made.json["rollback"]
    assert (told["branch"], told["here"]) == ("back", False)
    assert git(shop.root, "rev-parse", "back") == told["revision"]["commit"]
    assert git(shop.root, "rev-parse", "back~") == before
    names = [file["path"].rpartition("/")[2] for file in told["files"]]
    assert names == ["more.yaml", "texts.yaml"]
    assert made.json["plan"]["restores"]["revision"]["commit"] == told["target"]["commit"]
    assert shop.run("rollback", shop.name, "--branch", "back").code == 64

    git(shop.root, "checkout", "--quiet", "--", "stacks")
    (first,) = git(shop.root, "log", "--format=%H", "--grep=Step one").splitlines()
    (shop.root / "README.md").write_text("Being edited\n")

    ended = shop.run("rollback", shop.name)

    assert ended.code == 0, ended.said
    subject = f"Roll {shop.name}/default back to {first[:10]}"
    assert _log(shop) == [subject, "Step two", "Say what it is", "Step one"]
    assert git(shop.root, "diff", "--name-only", first, "HEAD") == "README.md"
    assert git(shop.root, "status", "--porcelain") == " M README.md"
    message = git(shop.root, "log", "-1", "--format=%B")
    assert "(Step one), applied 20" in " ".join(message.split())
    assert message.splitlines()[-1].endswith(" Step two")
    assert f"Restores {shop.name}/default to {first[:10]}" in ended.stdout
    assert f"- ConfigMap {shop.name}/more" in ended.stdout
    assert "2 files as before" in ended.stdout
    assert ended.stdout.endswith(
        f"Nothing is applied or pushed yet. Next:\n  orchestrator apply {shop.name} --env default\n"
    )
    assert shop.data("texts") == {"step": "two"}

    git(shop.root, "checkout", "--quiet", "--", "README.md")
    shop.apply()
    assert shop.data("texts") == {"step": "one"}
    again = shop.run("rollback", shop.name, "--last-healthy")
    assert again.stdout.startswith("Nothing to roll back")
    assert "(restores" in shop.ledger()[0]


def test_a_unit_alone_comes_back_and_who_shares_its_files_is_told(world: World) -> None:
    """Its files and its entry in the stack file, from the revision that an entry of the ledger applied."""
    world.write("modules/base/main.tf", ECHO)
    modules: dict[str, Any] = {
        name: {"source": "./modules/base", "inputs": {"text": "${{ vars.text }}"}} for name in "ab"
    }
    environments = {"default": {"vars": {"text": "one"}}, "other": {"vars": {"text": "two"}}}
    world.declare(modules, {}, environments=environments)
    world.commit("Begin")
    world.apply("--env", "default")
    entry = world.run("history", world.name, "--env", "default", "-ojson").json["entries"][0][
        "entry"
    ]
    world.write("modules/base/main.tf", f'{ECHO}\noutput "more" {{\n  value = 1\n}}\n')
    for module in modules.values():
        module["inputs"] = {"text": "literal"}
    environments["default"]["vars"]["text"] = "three"
    world.declare(modules, {}, environments=environments)
    world.commit("Change all of it")

    ended = world.run("rollback", world.name, "--env", "default", "--to", entry[:12], "--unit", "a")

    assert ended.code == 0, ended.said
    declared = yaml.safe_load((world.root / f"stacks/{world.name}/stack.yaml").read_text())
    assert declared["modules"]["a"]["inputs"] == {"text": "${{ vars.text }}"}
    assert declared["modules"]["b"]["inputs"] == {"text": "literal"}
    assert declared["environments"]["default"]["vars"]["text"] == "three"
    assert (world.root / f"stacks/{world.name}/modules/base/main.tf").read_text() == ECHO
    said = " ".join(ended.stdout.split())
    assert f"Note: {world.name}/other is made of that too" in said
    assert "Note: modules.b is made of that too: " in said
    assert "modules.a is not all as it was: vars.text changed since" in said
    assert _log(world)[0].startswith(f"Roll modules.a of {world.name}/default back to ")
    again = world.run("rollback", world.name, "--env", "default", "--to", entry, "--unit", "a")
    assert again.code == 64
    assert "modules.a cannot be brought back alone: vars.text changed since" in again.stderr


def test_a_unit_that_reads_what_is_gone_does_not_come_back_alone(world: World) -> None:
    """What would be wrong is told as that of the rollback, and nothing is committed."""
    world.write("modules/base/main.tf", ECHO)
    modules = {"base": {"source": "./modules/base", "inputs": {"text": "one"}}}
    sets = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare(modules, sets)
    world.manifests("shop/texts.yaml", config_map("texts", {"text": "${{ modules.base.kept }}"}))
    first = world.commit("Read it")
    world.apply()
    world.declare({}, sets)
    world.manifests("shop/texts.yaml", config_map("texts", {"text": "one"}))
    last = world.commit("Read it no more")

    refused = world.run("rollback", world.name, "--to", first, "--unit", "shop")

    assert refused.code == 64, refused.said
    assert "manifests.shop cannot be brought back alone: the stack would have" in refused.stderr
    assert "there is no module 'base'" in refused.stderr
    assert "nothing is committed; roll the whole stack back, without --unit" in refused.stderr
    assert git(world.root, "rev-parse", "HEAD") == last


def test_without_a_cluster_it_says_how_to_go_back(shop: World) -> None:
    """There is no plan then: nothing is committed, and the way to a commit without one is told."""
    nowhere = "/dev/null/nowhere"

    refused = shop.run("rollback", shop.name, ORCHESTRATOR_SANDBOX=nowhere)

    assert refused.code == 1
    assert "nothing is committed yet; --no-plan commits it without a plan" in refused.stderr
    assert _log(shop)[0] == "Step two"
    made = shop.run("rollback", shop.name, "--no-plan", ORCHESTRATOR_SANDBOX=nowhere)
    assert made.code == 0, made.said
    assert _log(shop)[0].startswith(f"Roll {shop.name}/default back to ")


def test_a_broken_stack_and_one_that_is_gone_come_back(shop: World) -> None:
    """When the stack file cannot be read any more, the ledger and Git still know what it was."""
    shop.write("stack.yaml", stack_file(shop.name, manifests={"shop": {"path": "nowhere"}}))
    shop.commit("Break it")
    assert shop.run("plan", shop.name).code == 1

    mended = shop.run("rollback", shop.name)

    assert mended.code == 0, mended.said
    assert "Nothing to do" in shop.plan().stdout
    good = git(shop.root, "rev-parse", "HEAD")
    git(shop.root, "rm", "--quiet", "-r", f"stacks/{shop.name}")
    shop.commit("Remove it")

    refused = shop.run("rollback", shop.name, "--to", "0123456789")
    assert refused.code == 64
    back = shop.run("rollback", shop.name, "--to", good)

    assert back.code == 0, back.said
    assert git(shop.root, "diff", good, "HEAD") == ""


def test_it_is_pushed_and_a_request_asked_for_without_force(shop: World, tmp_path: Path) -> None:
    """In place the branch that is followed, for a request a branch of its own; where that is opened is not guessed."""
    remote = make_remote(tmp_path / "remote.git", of=shop.root)

    asked = shop.run("rollback", shop.name, "--open-request")

    assert asked.code == 0, asked.said
    (branch,) = git(
        remote, "branch", "--list", "rollback/*", "--format=%(refname:short)"
    ).splitlines()
    assert f"open one for {branch} there" in " ".join(asked.stdout.split())
    assert _log(shop)[0] == "Step two"

    hook = remote / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = shop.run("rollback", shop.name, "--push", "--no-plan")
    hook.unlink()

    assert refused.code == 1
    assert "hint: where branches are protected, open a request" in refused.stderr
    assert _log(shop)[0] == "Step two"

    git(shop.root, "checkout", "--quiet", "--detach")
    nowhere = shop.run("rollback", shop.name)
    git(shop.root, "checkout", "--quiet", "main")

    assert nowhere.code == 64
    assert "no branch is checked out" in nowhere.stderr

    pushed = shop.run("rollback", shop.name, "--push", "--no-plan")

    assert pushed.code == 0, pushed.said
    assert git(remote, "rev-parse", "main") == git(shop.root, "rev-parse", "HEAD")
    assert git(remote, "rev-parse", "main^{tree}") == git(remote, "rev-parse", f"{branch}^{{tree}}")
    wrong = shop.run("rollback", shop.name, "--to", "HEAD~1", "--last-healthy")
    assert wrong.code == 64
