"""What a stack's guards refuse, each with nothing changed, and each overridden by its own name alone."""

import dataclasses
import json
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.commands import Ended
from tests.end_to_end.stacks import Json, config_map, deployment
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_ALWAYS = [{"cron": "* * * * *", "for": "1h"}]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _declare(world: World, *names: str, text: str = "red", **guards: object) -> None:
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}}, guards=guards)
    world.manifests("shop/texts.yaml", *(config_map(name, {"text": text}) for name in names))
    world.commit()


def _refused(world: World, *arguments: str) -> Ended:
    """Apply, which has to be refused without any effect."""
    before = world.snapshot()
    ended = world.run("apply", world.name, "--yes", *arguments)
    assert ended.code == 1, ended.said
    assert world.snapshot() == before
    return ended


def _as(world: World, name: str) -> World:
    """Return the world of somebody else; commits are Ada Lovelace's, and Grace Hopper applies them."""
    mail = f"{name.partition(' ')[0].lower()}@example.org"
    person = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail}
    return dataclasses.replace(world, variables={**world.variables, **person})


def _approve(world: World, digest: str, *arguments: str) -> Ended:
    """Approve a plan as somebody who has no other part in it."""
    ended = _as(world, "Katherine Johnson").run("approve", digest, world.name, *arguments)
    assert ended.code == 0, ended.said
    return ended


def _digest(world: World, *arguments: str) -> str:
    return str(world.plan("--output", "json", *arguments).json["digest"])


def test_more_is_destroyed_than_the_stack_allows(world: World) -> None:
    """The number is told, and an acknowledgement of that number lets the plan pass and is recorded."""
    _declare(world, "a", "b", "c", destroys=1, prune="100%")
    world.apply()
    _declare(world, "a", destroys=1, prune="100%")

    refused = _refused(world)

    assert "deletes or replaces 2 things, more than the 1 that" in _flat(refused.stderr)
    world.apply("--acknowledge", "destroys:2")
    assert list(world.live()) == ["a"]
    assert any("acknowledged: destroys:2" in subject for subject in world.ledger())


def test_a_commit_that_leaves_no_unit(world: World) -> None:
    """A file that lost its units would delete all there is."""
    _declare(world, "a")
    world.apply()
    world.declare({}, {})
    world.commit("Lose the lower half of the file")

    refused = _refused(world)

    assert "declares no unit any more" in _flat(refused.stderr)
    world.apply("--acknowledge", "empty")
    assert world.live() == {}


def test_a_frozen_stack(world: World) -> None:
    """Nothing is changed while it is frozen; a plan can be looked at, and one without effect is no change."""
    _declare(world, "a")
    world.apply()
    _declare(world, "a", windows={"zone": "Europe/Berlin", "freeze": _ALWAYS})
    world.apply()
    _declare(world, "a", "b", windows={"zone": "Europe/Berlin", "freeze": _ALWAYS})
    world.plan()

    refused = _refused(world, "--acknowledge", "empty")

    assert "may not be changed now: it is frozen by `guards.windows`" in _flat(refused.stderr)
    world.apply("--acknowledge", "window")
    assert set(world.live()) == {"a", "b"}


def test_all_that_is_in_the_way_is_told_at_once(world: World) -> None:
    """Whoever is in a hurry learns in one run what to pass, and passes it in the next."""
    frozen = {"zone": "Europe/Berlin", "freeze": _ALWAYS}
    _declare(world, "a", "b", "c", destroys=1, prune="100%", windows=frozen)
    world.apply("--acknowledge", "window")
    _declare(world, "a", text="blue", destroys=1, prune="100%", windows=frozen)

    told = _flat(_refused(world).stderr)

    assert "deletes or replaces 2 things" in told
    assert ", and 1 more refusal" in told
    assert "--acknowledge destroys:2" in told
    assert "may not be changed now: it is frozen" in told
    assert "pass --acknowledge window" in told
    world.apply("--acknowledge", "destroys:2", "--acknowledge", "window")
    assert list(world.live()) == ["a"]


def test_a_plan_is_applied_once_enough_people_approved_it(world: World) -> None:
    """Each approval is an entry of the ledger; until there are enough the apply says whose are there."""
    _declare(world, "a", approvals=2)
    digest = _digest(world)
    refused = _refused(world)
    assert f"the plan {digest[:16]} of {world.name}/default is approved by 0 of 2" in _flat(
        refused.stderr
    )

    first = _approve(world, digest[:16], "--why", "Looks right")
    assert "by Katherine Johnson; 1 more needed" in first.stdout
    refused = _refused(world)
    told = "this plan is approved by 1 of 2 people (Katherine Johnson)"
    assert f"Note: {told}" in _flat(refused.stdout)
    assert "is approved by 1 of 2 people (Katherine Johnson)" in _flat(refused.stderr)
    second = _as(world, "Dorothy Vaughan").run("approve", digest, world.name, "--output", "json")

    assert second.code == 0, second.said
    assert [who.partition(" <")[0] for who in second.json["approved_by"]] == [
        "Katherine Johnson",
        "Dorothy Vaughan",
    ]
    assert f"approve {world.name}/default at " in world.ledger()[0]
    assert any("(Looks right)" in subject for subject in world.ledger())
    world.apply()
    assert list(world.live()) == ["a"]


def test_approvals_are_those_of_others(world: World) -> None:
    """Who applies a plan, or wrote what it brings, approves nothing, unless guards that were applied let them."""
    _declare(world, "a", approvals=1)
    world.write("README.md", "About the shop\n")
    world.commit("Tell of it")
    git(world.root, "commit", "--quiet", "--amend", "--no-edit", "--author=Mary <mary@example.org>")
    digest = _digest(world)

    written = _as(world, "Ada Lovelace").run("approve", digest, world.name)
    assert world.run("approve", digest, world.name).code == 0
    applied = _refused(world)

    assert written.code == 1
    assert "Ada Lovelace, who wrote " in _flat(written.stderr)
    assert "approved by 0 of 1 person; not counted: Grace Hopper, who applies it" in _flat(
        applied.stderr
    )
    told = "somebody else than Grace Hopper and Mary and Ada Lovelace approves it"
    assert told in _flat(applied.stderr)
    assert _as(world, "Katherine Johnson").run("apply", world.name, "--yes").code == 0
    _declare(world, "a", "b", approvals=1, own_approvals=True)
    digest = _digest(world)
    assert world.run("approve", digest, world.name).code == 0
    assert "these guards hold since before this commit" in _flat(_refused(world).stderr)
    _approve(world, digest)
    world.apply()
    _declare(world, "a", approvals=1, own_approvals=True, prune="100%")
    assert world.run("approve", _digest(world), world.name).code == 0
    world.apply("--acknowledge", "guards")


def test_who_puts_more_into_a_merge_than_its_sides_does_not_approve_it(world: World) -> None:
    """Nobody else wrote it; a merge that Git makes alone leaves nobody out."""
    _declare(world, "a", approvals=1)
    git(world.root, "switch", "--quiet", "--create", "side")
    world.write("README.md", "About the shop\n")
    world.commit("Tell of it")
    git(world.root, "switch", "--quiet", "main")
    world.manifests("shop/texts.yaml", config_map("a", {"text": "blue"}))
    world.commit()
    merge = ("merge", "--quiet", "--no-ff", "--no-edit", "side")
    git(world.root, *merge)
    author = "--author=Katherine Johnson <katherine@example.org>"
    amend = ("commit", "--quiet", "--all", "--amend", "--no-edit", author)
    git(world.root, *amend)
    _approve(world, _digest(world))
    world.manifests("shop/texts.yaml", config_map("a", {"text": "evil"}))
    git(world.root, *amend)

    refused = _as(world, "Katherine Johnson").run("approve", _digest(world), world.name)

    merged = git(world.root, "rev-parse", "HEAD")[:10]
    assert f"Katherine Johnson, who wrote {merged}, cannot approve" in _flat(refused.stderr)


def test_a_commit_does_not_take_away_the_guard_that_would_stop_it(world: World) -> None:
    """What was applied holds for it, as the plan says; that alone is applied first, or named, and is in the ledger."""
    _declare(world, "a", "b", "c", destroys=0, prune="100%")
    world.apply()
    _declare(world, "a", destroys=9, prune="100%")
    planned = world.plan()
    assert "guards.destroys: 0 → 9" in _flat(planned.stdout)

    refused = _refused(world)

    assert "more than the 0 that `guards.destroys` allows" in _flat(refused.stderr)
    assert "these guards hold since before this commit" in _flat(refused.stderr)
    _declare(world, "a", "b", "c", destroys=1, prune="100%")
    alone = world.apply()
    assert "guard loosened: destroys" in _flat(alone.stdout)
    assert world.ledger()[0].endswith("guard loosened: destroys")
    _declare(world, "b", "c", destroys=1, prune="100%")
    world.apply()
    _declare(world, "d", destroys=9, prune="100%")
    assert "more than the 1 that" in _flat(_refused(world).stderr)
    world.apply("--acknowledge", "guards")
    assert list(world.live()) == ["d"]


def test_guards_hold_from_the_first_run_that_began_with_them(world: World) -> None:
    """Also when none succeeded yet: the commit after it takes away neither its guards nor what they keep."""
    broken = {"sandbox.orchestrator/fail": "ImagePullBackOff"}
    world.manifests("shop/web.yaml", deployment("web", annotations=broken))
    _declare(world, "a", destroys=0, prune="100%")
    assert world.run("apply", world.name, "--yes").code == 1
    world.manifests("shop/web.yaml")
    _declare(world, "b", prune="100%")

    refused = _refused(world)

    assert "deletes or replaces 2 things, more than the 0 that" in _flat(refused.stderr)
    assert "these guards hold since before this commit" in _flat(refused.stderr)


def test_a_saved_plan_is_approved_and_applied(world: World, tmp_path: Path) -> None:
    """What was saved is what was approved: an approval, or a word to agents, makes it not stale; an apply does."""
    file = str(tmp_path / "shop.plan")
    _declare(world, "a", approvals=1)
    digest = world.plan("--out", file, "--output", "json").json["digest"]
    assert "is approved by 0 of 1" in _flat(world.run("apply", file, "--yes").stderr)
    _approve(world, digest)
    assert world.run("agent", "suspend", world.name, "--why", "to look").code == 0

    applied = world.run("apply", file, "--yes")

    assert applied.code == 0, applied.said
    assert list(world.live()) == ["a"]
    again = world.run("apply", file, "--yes")
    assert again.code == 1
    assert "was applied since this plan was made" in _flat(again.stderr)


def test_another_plan_than_the_approved_one_is_refused_with_the_difference(world: World) -> None:
    """The digest is what was approved: a commit that came in between is shown against it, line by line."""
    _declare(world, "a", "b", approvals=0)
    world.apply()
    _declare(world, "a", "b", text="blue", approvals=1)
    digest = _digest(world)
    _approve(world, digest)
    _declare(world, "a", "c", text="green", approvals=1)

    refused = _refused(world)
    late = _as(world, "Katherine Johnson").run("approve", digest, world.name)

    assert f"Katherine Johnson approved another plan, {digest[:16]}, at " in refused.stderr
    for line in (
        f"otherwise: update ConfigMap {world.name}/a",
        'now data.text: "red" → "green"',
        'approved data.text: "red" → "blue"',
        f"otherwise: delete ConfigMap {world.name}/b, approved was to update it",
        f"now also: create ConfigMap {world.name}/c",
    ):
        assert line in _flat(refused.stderr), refused.stderr
    assert late.code == 1
    assert "by now, not " in _flat(late.stderr)
    short = _as(world, "Katherine Johnson").run("approve", _digest(world)[:15], world.name)
    assert (short.code, "is not the digest of a plan" in short.stderr) == (64, True), short.said
    world.apply("--acknowledge", "unapproved")
    assert any("acknowledged: unapproved" in subject for subject in world.ledger())


def test_what_was_approved_holds_for_the_commit_that_merges_it(world: World) -> None:
    """A digest is over effects: another commit with the same ones needs no second approval, but a later plan does."""
    _declare(world, "a", approvals=1)
    _approve(world, _digest(world))
    world.commit("Merge it")

    world.apply()
    _declare(world, "a", "b", approvals=1)

    assert "approved by 0 of 1" in _flat(_refused(world).stderr)
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 1
    digest = _digest(world, "--destroy")
    _approve(world, digest, "--destroy")
    assert world.run("destroy", world.name, "--yes").code == 0


def test_what_no_change_shows_is_approved_too(world: World) -> None:
    """The command of a provisioner is in no plan: another one than was approved is another plan all the same."""
    world.declare({"job": {"source": "./job"}}, {}, guards={"approvals": 1})
    _migration(world, "echo careful")
    _approve(world, _digest(world))
    _migration(world, "echo careless")

    refused = _refused(world)

    assert "but not to the same values, by other code or elsewhere" in _flat(refused.stderr)
    _migration(world, "echo careful")
    world.apply()


def test_what_was_approved_holds_for_its_place_alone(world: World, sandbox: Sandbox) -> None:
    """The same changes in another cluster, or with another region, are another plan, though nothing of it is shown."""
    config = json.loads(sandbox.kubeconfig.read_text())
    config["contexts"] += [{**config["contexts"][0], "name": each} for each in ("staging", "prod")]
    named = world.root.with_name("clusters.json")
    named.write_text(json.dumps(config))
    there = dataclasses.replace(world, variables={**world.variables, "KUBECONFIG": str(named)})

    def digest(context: str, region: str) -> str:
        module: Json = {"source": "./base", "inputs": {"region": "${{ vars.region }}"}}
        sets: Json = {"a": {"path": "a.yaml", "namespace": world.name}}
        more: Json = {"cluster": {"context": context}, "vars": {"region": region}}
        there.declare({"base": module}, sets, guards={"approvals": 1}, **more)
        there.commit()
        return _digest(there)

    world.write("base/main.tf", 'variable "region" {}\nresource "terraform_data" "a" {}\n')
    world.manifests("a.yaml", config_map("a"))
    told = {digest("staging", "eu"), digest("prod", "eu"), digest("prod", "us")}

    assert len(told) == 3
    _approve(there, digest("prod", "eu"))
    digest("staging", "eu")
    assert "approved by 0 of 1" in _flat(_refused(there).stderr)


def _migration(world: World, command: str) -> None:
    provisioner = f'provisioner "local-exec" {{\n    command = "{command}"\n  }}'
    world.write("job/main.tf", f'resource "terraform_data" "migration" {{\n  {provisioner}\n}}\n')
    world.commit()
