"""Ledgers outside of Git: kept, moved, looked through and repaired by the command line, as people do it."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.commands import Ended
from tests.end_to_end.stacks import ECHO, config_map, deployment, secret
from tests.end_to_end.state_server import serving_states
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_remote

pytestmark = pytest.mark.integration


def declare(world: World, *, module: bool = False, **ledger: str) -> None:
    """Commit a manifest set, with a module or without, and with a ledger of one's choice."""
    world.write("modules/base/main.tf", ECHO)
    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": "hello"}}} if module else {},
        {"shop": {"path": "shop", "namespace": world.name}},
        **({"ledger": ledger} if ledger else {}),
    )
    world.manifests("shop/texts.yaml", config_map("greeting"))
    world.commit()


def verified(world: World, code: int = 0) -> dict[str, object]:
    """Return what `ledger verify` says, which ends with that code."""
    ended = world.run("ledger", "verify", world.name, "--output", "json")
    assert ended.code == code, ended.said
    told: dict[str, object] = ended.json
    return told


def history(world: World) -> list[str]:
    """Return the ids of the entries, newest first."""
    entries = world.run("history", world.name, "--output", "json").json["entries"]
    return [entry["entry"] for entry in entries]


def test_a_ledger_in_the_cluster_is_nobodys_object(world: World) -> None:
    """A stack that keeps its ledger among its own objects neither adopts nor prunes it, and moves on to Git."""
    declare(world, store="cluster", namespace=world.name)
    world.apply()
    assert world.ledger() == []
    assert verified(world)["entries"] == 2
    assert world.live().keys() == {"greeting"}

    exported = world.run("ledger", "export", world.name, "../all.ledger")
    assert exported.code == 0, exported.said
    before = history(world)
    declare(world)
    refused = world.run("plan", world.name)
    assert refused.code == 1
    assert f"is not in refs/orchestrator/{world.name}/default of this clone" in refused.stderr
    assert "| orchestrator ledger import -; or name that place" in refused.stderr
    shown = world.run("ledger", "repair", world.name)
    assert "  hint    move it: orchestrator ledger export" in shown.stdout
    imported = world.run("ledger", "import", "../all.ledger")
    assert imported.code == 0, imported.said
    assert history(world)[2:] == before
    assert verified(world)["entries"] == 4
    assert "Nothing to do" in world.apply().stdout
    again = world.run("ledger", "import", "../all.ledger")
    assert again.code == 1
    assert "is not empty: nothing was imported" in again.stderr

    declare(world, store="cluster", namespace=world.name)
    destroy = ("destroy", world.name, "--yes", "--acknowledge", "destroy:manifests.shop")
    refused = world.run(*destroy)
    assert refused.code == 1
    assert "nothing is recorded here any more" in refused.stderr
    assert world.live().keys() == {"greeting"}
    for words in (("export", "../back.ledger"), ("import", "../back.ledger")):
        moved = world.run("ledger", *words)
        assert moved.code == 0, moved.said
    ended = world.run(*destroy)
    assert ended.code == 0, ended.said
    assert world.live() == {}
    assert verified(world)["entries"] == 9


def test_a_ledger_that_is_gone_is_rebuilt_from_what_exists(world: World, tmp_path: Path) -> None:
    """Without a single entry, objects are known by their labels and modules by their states; nothing is made twice."""
    (tmp_path / "ledgers").mkdir()
    declare(world, module=True, store="directory", path=str(tmp_path / "ledgers"))
    world.apply()
    kept = tmp_path / "ledgers" / world.name
    assert {path.stat().st_mode & 0o077 for path in (kept, *kept.rglob("*"))} == {0}
    made = world.resources("base")
    shutil.rmtree(kept)

    refused = world.run("plan", world.name)
    assert refused.code == 1
    assert "is gone: this clone saw 3 entries there, and now there is none" in refused.stderr
    assert verified(world, 1)["entries"] == 0
    shown = world.run("ledger", "repair", world.name)
    assert shown.code == 64
    assert "ConfigMap" in shown.stdout
    assert "modules.base" in shown.stdout
    assert not kept.exists()

    ended = world.run("ledger", "repair", world.name, "--yes")
    assert ended.code == 0, ended.said
    assert verified(world)["entries"] == 1
    planned = " ".join(world.plan().stdout.split())
    assert planned.count(" UTC: nobody knows which revision it is at") == 2
    assert "was interrupted" not in planned
    world.manifests("shop/texts.yaml", config_map("other"))
    world.commit()
    world.apply()
    assert world.live().keys() == {"other"}
    assert world.resources("base") == made


def test_a_clone_that_saw_nothing_begins_no_ledger_over_a_lost_head(
    world: World, tmp_path: Path
) -> None:
    """Nor does a run that takes the lock before it looks; the repair has every entry, as it said that it would."""
    (tmp_path / "ledgers").mkdir()
    declare(world, store="directory", path=str(tmp_path / "ledgers"))
    world.apply()
    (tmp_path / "ledgers" / world.name / "default" / "head.json").unlink()
    shutil.rmtree(world.root / ".orchestrator" / "ledgers")

    refused = world.run("apply", world.name, "--yes", "--lock-timeout", "1s")
    assert refused.code == 1
    assert "head.json is missing or empty" in " ".join(refused.stderr.split())
    ended = world.run("ledger", "repair", world.name, "--yes")
    assert ended.code == 0, ended.said
    assert "only what is certain" not in ended.stdout
    assert verified(world)["entries"] == 3


def test_a_failure_that_a_directory_could_not_take_is_not_forgotten(
    world: World, tmp_path: Path
) -> None:
    """It is kept in the clone, which says so; the next run records it first, and tries that revision no second time."""
    ledgers, tries = tmp_path / "ledgers", tmp_path / "tries"
    ledgers.mkdir()
    declare(world, module=True, store="directory", path=str(ledgers))
    fails = f"echo tried >> {tries}; mv {ledgers} {ledgers}.gone; exit 1"
    world.write(
        "modules/base/bad.tf",
        f'resource "terraform_data" "bad" {{\n  provisioner "local-exec" {{\n    command = "{fails}"\n  }}\n}}\n',
    )
    world.commit()
    lost = world.run("apply", world.name, "--yes", ORCHESTRATOR_LEASE="10s")
    assert lost.code == 1
    told = "is not there; what was done is kept in this clone, apart from the ledger"
    assert told in " ".join(lost.stdout.split())
    ledgers.with_name("ledgers.gone").rename(ledgers)
    assert "has outcomes that could not be recorded" in world.run("status", world.name).stderr

    again = world.run("apply", world.name, "--yes")

    assert again.code == 1
    assert "recorded what could not be when it was done: apply" in again.stderr
    assert "it is not applied again unless you say so" in _flat(again)
    assert tries.read_text() == "tried\n"
    assert verified(world)["entries"] == 2


def test_nothing_is_applied_that_git_could_not_record(world: World) -> None:
    """A lock file that a crash left is named before the first effect, and in the way no more when it is gone."""
    declare(world)
    stale = world.root / ".git" / "refs" / "orchestrator" / world.name / "default.lock"
    stale.parent.mkdir(parents=True)
    stale.touch()
    refused = world.run("apply", world.name, "--yes")
    assert refused.code == 1
    assert f"the lock file {stale} is in the way" in refused.stderr
    assert f"rm {stale}" in refused.stderr
    assert world.live() == {}
    stale.unlink()
    world.apply()


def test_a_ledger_without_a_remote_that_was_deleted_comes_back(world: World) -> None:
    """Nothing is begun in its place; a repair goes on from the last entry, which a second ref has kept."""
    declare(world)
    world.apply()
    before = history(world)
    git(world.root, "update-ref", "-d", f"refs/orchestrator/{world.name}/default")

    for verb in (("apply", "--yes"), ("status",)):
        refused = world.run(verb[0], world.name, *verb[1:])
        assert refused.code == 1
        assert "in this clone is gone: the last entry that this clone saw was" in refused.stderr
    assert world.run("ledger", "repair", world.name, "--yes").code == 0
    assert history(world)[1:] == before
    assert "Nothing to do" in world.apply().stdout


def test_a_remote_that_lost_its_ledger_gets_it_back(world: World, tmp_path: Path) -> None:
    """A deleted ref is not an empty ledger, and the clone that knows it puts it back."""
    declare(world)
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    world.apply()
    ref = f"refs/orchestrator/{world.name}/default"
    git(remote, "update-ref", "-d", ref)

    refused = world.run("apply", world.name, "--yes")
    assert refused.code == 1
    assert "on origin is gone: the last entry that this clone saw was" in refused.stderr
    assert f"orchestrator ledger repair {world.name} --env default" in refused.stderr
    repaired = world.run("ledger", "repair", world.name, "--yes")
    assert repaired.code == 0, repaired.said
    assert "only what is certain" not in repaired.stdout
    other = make_clone(remote, tmp_path / "clone")
    told = json.loads(world.run("history", world.name, "--output", "json", directory=other).stdout)
    assert len(told["entries"]) == 3
    assert "Nothing to do" in world.apply().stdout


def test_a_repair_orphans_nothing_of_the_ledger_that_it_sets_aside(
    world: World, tmp_path: Path
) -> None:
    """Others went on in a new one, and Git forgot since what they made: it goes, from the source that made it.

    What failed there is bad, and who suspended it there keeps agents off, as before.
    """
    declare(world)
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    world.apply()
    git(remote, "update-ref", "-d", f"refs/orchestrator/{world.name}/default")
    other = dataclasses.replace(world, root=make_clone(remote, tmp_path / "other"))
    declare(other, module=True)
    git(other.root, "push", "--quiet", "origin", "main")
    other.apply("--acknowledge", "unknown-objects")
    broken = {"sandbox.orchestrator/fail": "ImagePullBackOff"}
    other.manifests("shop/web.yaml", deployment("web", annotations=broken))
    bad = other.commit("Add what never runs")
    assert other.run("apply", world.name, "--yes").code == 1
    assert other.run("agent", "suspend", world.name, "--why", "to see").code == 0
    git(other.root, "revert", "--no-edit", "HEAD")
    git(other.root, "push", "--quiet", "origin", "main")
    git(world.root, "pull", "--quiet", "origin", "main")
    state = Path(".orchestrator/state")
    shutil.copytree(other.root / state, world.root / state, dirs_exist_ok=True)
    git(world.root, "rm", "--quiet", "-r", f"stacks/{world.name}/modules")
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.commit("Drop the module")

    repaired = world.run("ledger", "repair", world.name, "--yes")

    assert repaired.code == 0, repaired.said
    assert "set aside the other ledger" in repaired.stdout
    assert "modules.base" in repaired.stdout
    assert "    suspension  by " in repaired.stdout
    status = world.run("status", world.name, "--output", "json").json
    assert status["suspended"]["why"] == "to see"
    assert [each["revision"]["commit"] for each in status["bad"]] == [bad]
    world.apply()
    assert world.resources("base") == {}
    assert world.live("Deployment") == {}


def test_a_repair_keeps_what_the_ledger_protects_that_it_sets_aside(
    world: World, tmp_path: Path
) -> None:
    """And the objects of a set that Git forgot since, also where the older ledger and Git know of no set at all."""
    world.write("modules/base/main.tf", ECHO)
    base = {"source": "./modules/base", "inputs": {"text": "hello"}}
    world.declare({"base": base}, {})
    world.commit()
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    world.apply()
    git(remote, "update-ref", "-d", f"refs/orchestrator/{world.name}/default")
    other = dataclasses.replace(world, root=make_clone(remote, tmp_path / "other"))
    state = Path(".orchestrator/state")
    shutil.copytree(world.root / state, other.root / state)
    other.declare(
        {"base": {**base, "protect": True}}, {"shop": {"path": "shop", "namespace": world.name}}
    )
    other.manifests("shop/texts.yaml", config_map("greeting"))
    other.commit()
    git(other.root, "push", "--quiet", "origin", "main")
    other.apply("--acknowledge", "unknown-states")
    git(world.root, "pull", "--quiet", "origin", "main")
    shutil.copytree(other.root / state, world.root / state, dirs_exist_ok=True)
    git(world.root, "rm", "--quiet", "-r", f"stacks/{world.name}/modules")
    world.declare({}, {})
    world.commit("Drop all of it")

    repaired = world.run("ledger", "repair", world.name, "--yes")
    refused = world.run("apply", world.name, "--yes")

    assert repaired.code == 0, repaired.said
    assert f"ConfigMap {world.name}/greeting" in repaired.stdout
    assert refused.code == 1
    assert "destroy:modules.base" in refused.stderr
    assert world.live().keys() == {"greeting"}
    world.apply("--acknowledge", "destroy:modules.base", "--acknowledge", "empty")
    assert world.live() == {}
    assert world.resources("base") == {}


def test_a_fresh_clone_notices_that_the_ledger_lost_entries(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It remembers nothing, but the objects say who applied them; a repair takes them in, and none is orphaned."""
    remote = _applied_greeting(world, sandbox, tmp_path)
    ref = f"refs/orchestrator/{world.name}/default"
    before = git(remote, "rev-parse", ref)
    world.manifests(
        "shop/texts.yaml", config_map("greeting"), config_map("more"), secret("last", {})
    )
    world.commit("Add objects")
    world.apply()
    world.manifests("shop/texts.yaml", config_map("greeting"))
    world.commit("Drop them again")
    git(world.root, "push", "--quiet", "origin", "main")

    git(remote, "update-ref", ref, before)
    short = dataclasses.replace(world, root=make_clone(remote, tmp_path / "short"))
    refused = short.run("apply", world.name, "--yes")
    assert refused.code == 1
    assert "does not know 1 object that was applied by a stack of this name" in _flat(refused)
    assert f"manifests.shop/ConfigMap {world.name}/more" in refused.stderr
    refused = short.run("destroy", world.name, "--yes")  # of a kind that nobody names any more, too
    assert refused.code == 1
    assert f"manifests.shop/Secret {world.name}/last" in refused.stderr
    assert short.live().keys() == {"greeting", "more"}
    assert short.run("ledger", "repair", world.name, "--yes").code == 0
    short.apply()
    assert short.live().keys() == {"greeting"}
    assert short.live("Secret") == {}
    assert "There is nothing to repair" in short.run("ledger", "repair", world.name).stdout

    git(remote, "update-ref", "-d", ref)
    fresh = dataclasses.replace(world, root=make_clone(remote, tmp_path / "fresh"))
    for verb in (("plan",), ("destroy", "--yes")):
        refused = fresh.run(*verb, world.name)
        assert refused.code == 1
        assert "has no ledger, but there is 1 object that was applied by a stack" in _flat(refused)
    fresh.apply("--acknowledge", "unknown-objects")


def test_a_fresh_clone_notices_a_state_that_no_ledger_knows(world: World, tmp_path: Path) -> None:
    """Its plan says so, and whoever applies it says that it is right to begin a ledger there; or repairs it."""
    with serving_states() as states:
        world.write("modules/base/main.tf", ECHO)
        base = {"source": "./modules/base", "inputs": {"text": "hello"}}
        world.declare({"base": base}, {}, state=states.settings)
        world.commit()
        remote = make_remote(tmp_path / "remote.git", of=world.root)
        world.apply()
        git(remote, "update-ref", "-d", f"refs/orchestrator/{world.name}/default")
        fresh = dataclasses.replace(world, root=make_clone(remote, tmp_path / "fresh"))

        planned = " ".join(fresh.plan().stdout.split())
        assert f"has a Terraform state, and {world.name}/default has no ledger: if" in planned
        for verb in ("apply", "destroy"):
            refused = fresh.run(verb, world.name, "--yes")
            assert refused.code == 1
            assert "has no ledger, but modules.base has a Terraform state" in _flat(refused)
        for words in (("suspend", world.name, "--why", "to look"), ("resume", world.name)):
            assert fresh.run("agent", *words).code == 0
        refused = fresh.run("apply", world.name, "--yes")  # a note is no run
        assert refused.code == 1
        assert "has no run, but modules.base has a Terraform state" in _flat(refused)
        fresh.apply("--acknowledge", "unknown-states")
        assert "has a Terraform state" not in fresh.plan().stdout


def test_a_destroy_looks_also_where_the_ledger_knows_of_no_object(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """One that was cut back to where the stack had none any more is like any other, and orphans nothing."""
    remote = _applied_greeting(world, sandbox, tmp_path)
    assert world.run("destroy", world.name, "--yes").code == 0
    ref = f"refs/orchestrator/{world.name}/default"
    before = git(remote, "rev-parse", ref)
    world.apply()
    git(remote, "update-ref", ref, before)

    fresh = dataclasses.replace(world, root=make_clone(remote, tmp_path / "fresh"))
    refused = fresh.run("destroy", world.name, "--yes")
    assert refused.code == 1
    assert f"manifests.shop/ConfigMap {world.name}/greeting" in refused.stderr
    assert world.live().keys() == {"greeting"}


def test_a_destroy_tells_which_kinds_it_may_not_look_through(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Where the ledger has no run, such an account cannot tell that nothing is left; neither can a dead cluster."""
    narrow = _narrow(world, sandbox, tmp_path / "narrow.json")

    def declared(**cluster: str) -> None:
        world.declare({}, {"shop": {"path": "shop"}}, cluster=cluster)
        world.manifests("shop/texts.yaml", config_map("greeting", namespace=world.name))
        world.commit()

    declared(kubeconfig=str(narrow))
    refused = world.run("destroy", world.name, "--yes")
    assert refused.code == 1
    assert "has no ledger, and what the stack has in its cluster cannot be told" in _flat(refused)
    assert "we may not list " in _flat(refused)
    declared(kubeconfig=str(sandbox.kubeconfig))
    world.apply()
    assert world.run("destroy", world.name, "--yes").code == 0

    declared(kubeconfig=str(narrow))
    assert "we may not list " in " ".join(world.plan("--destroy").stdout.split())
    declared(server="https://127.0.0.1:1", token="nobody")
    refused = world.run("plan", world.name, "--destroy")
    assert refused.code == 1
    assert "or, where nothing of this stack is in it, pass --acknowledge unkn" in _flat(refused)
    world.plan("--destroy", "--acknowledge", "unknown-objects")


def _narrow(world: World, sandbox: Sandbox, path: Path) -> Path:
    """Write a kubeconfig of an account that may list nothing."""
    accounts = f"/api/v1/namespaces/{world.name}/serviceaccounts"
    world.cluster.create(accounts, {"metadata": {"name": "narrow"}})
    token = world.cluster.create(f"{accounts}/narrow/token", {"spec": {}})["status"]["token"]
    found = json.loads(sandbox.kubeconfig.read_text())
    path.write_text(
        json.dumps({**found, "users": [{**found["users"][0], "user": {"token": token}}]})
    )
    return path


def _flat(ended: Ended) -> str:
    return " ".join(ended.stderr.split())


def _applied_greeting(world: World, sandbox: Sandbox, folder: Path) -> Path:
    """Apply one object to a cluster of people; return the remote that keeps the ledger."""
    sets = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare({}, sets, cluster={"kubeconfig": str(sandbox.kubeconfig)})
    world.manifests("shop/texts.yaml", config_map("greeting"))
    world.commit()
    remote = make_remote(folder / "remote.git", of=world.root)
    world.apply()
    return remote
