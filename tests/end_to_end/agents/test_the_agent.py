"""The agent on the real thing: commits are applied, reverts are rolled back, drift is healed, without a hand."""

import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
from dataclasses import replace
from typing import Any

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import config_map, deployment, documents, stack_file
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_FULL = """
resource "terraform_data" "full" {
  provisioner "local-exec" {
    command = "echo the disk of the database is full >&2; exit 3"
  }
}
"""
NEVER_READY = {"sandbox.orchestrator/fail": "NotReady"}


def _text(world: World) -> str:
    return world.data("greeting")["text"] if world.exists("ConfigMap", "greeting") else ""


def _say(world: World, text: str) -> None:
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": text}))


def test_once_does_what_is_due_and_says_how_it_went(keeper: Keeper, world: World) -> None:
    """A schedule of CI does what is due; nothing is begun for the rest, and what failed before is not passed over."""
    first = keeper.once()
    assert first.code == 0, first.said
    assert _text(world) == "hello"
    (ended,) = told(first, "task ended")
    assert (ended["end"], ended["task"]) == ("applied", "reconcile")
    entries = keeper.ledger()
    again = keeper.once()
    assert (again.code, told(again, "task started")) == (0, [])
    assert keeper.ledger() == entries
    _say(world, "${{ vars.nobody }}")
    keeper.push("Say what nobody knows")
    failed = keeper.once()
    assert failed.code == 1
    assert "/shop/texts.yaml:" in told(failed, "task ended")[0]["why"]
    keeper.tell(retry={"first": "1h", "most": "1h"})
    assert keeper.once().code == 1
    later = keeper.once()
    assert (later.code, told(later, "task started")) == (1, [])


def test_a_name_that_git_does_not_have_is_told(keeper: Keeper, world: World) -> None:
    """Nobody would keep what it means, and all would be green."""
    named = {world.name: {"environments": ["defualt"]}, f"{world.name}-x": {}}
    lost = {"ssh_key_file": "lost", "known_hosts_file": "agent.yaml"}
    keeper.tell(repository={"stacks": named, "credentials": lost})
    ended = keeper.once()
    assert [each["file"] for each in told(ended, "file cannot be read")] == [
        str(keeper.home / "lost")
    ]
    found = {each["stack"]: each["hint"] for each in told(ended, "stack is not declared")}
    assert found[f"{world.name}-x"] == f"did you mean '{world.name}'?"
    assert found[world.name] == "did you mean 'default'?"
    assert (ended.code, keeper.once().code, keeper.ledger()) == (3, 3, [])


def test_a_failure_is_told_with_its_reason(keeper: Keeper, world: World) -> None:
    """What a program of a module said is not left to whoever can run it again by hand."""
    world.write("modules/full/main.tf", _FULL)
    world.declare({"full": {"source": "./modules/full"}}, None)
    keeper.push("Fill the disk")
    ended = keeper.once()
    assert ended.code == 1, ended.said
    (task,) = told(ended, "task ended")
    assert "the disk of the database is full" in task["detail"]


def test_a_commit_is_applied_and_a_revert_rolled_back(keeper: Keeper, world: World) -> None:
    """Nobody does anything but push: the agent brings each revision about, and its end is asked for.

    It goes by the file that it began with.
    """
    running = keeper.start()
    eventually(lambda: _text(world) == "hello", "the first commit")
    signed = {"signed": {"ssh": "signers"}, "allow": {"clusters": []}}
    keeper.tell(repository=signed)
    _say(world, "welcome")
    changed = keeper.push("Welcome people")
    eventually(lambda: _text(world) == "welcome", "the second commit")
    git(world.root, "revert", "--no-edit", changed)
    reverted = keeper.push("Say hello again")
    eventually(lambda: _text(world) == "hello", "the revert")
    eventually(lambda: keeper.applied(reverted), "the ledger to say so")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert len(told(ended, "file changed")) == 1
    assert "restores" in keeper.ledger()[0]


def test_what_others_change_is_brought_back(keeper: Keeper, world: World) -> None:
    """Drift is looked for without a commit, and healed."""
    keeper.tell(defaults={"drift": {"workloads": "200ms"}})
    keeper.start()
    eventually(lambda: len(keeper.ledger()) == 2, "the first commit")
    world.patch("ConfigMap", "greeting", {"data": {"text": "overwritten"}})
    eventually(lambda: _text(world) == "hello", "the drift to be healed")


def test_drift_that_is_only_reported_stays(keeper: Keeper, world: World) -> None:
    """With `policy: report` the agent says what differs, and leaves it."""
    keeper.tell(defaults={"drift": {"workloads": "200ms", "policy": "report"}})
    running = keeper.start()
    eventually(lambda: len(keeper.ledger()) == 2, "the first commit")
    world.patch("ConfigMap", "greeting", {"data": {"text": "overwritten"}})
    seen = running.await_line('"drifted"')
    assert '"task": "workloads"' in seen
    assert _text(world) == "overwritten"


def test_drift_is_left_also_by_an_agent_that_remembers_nothing(
    keeper: Keeper, world: World
) -> None:
    """A new Pod, or a replica that takes a stack over, plans all of it, and brings back no more than a look."""

    def end(policy: str) -> str:
        keeper.tell(defaults={"drift": {"policy": policy}})
        shutil.rmtree(keeper.home / "agent", ignore_errors=True)
        (task,) = told(keeper.once(), "task ended")
        assert task["task"] == "reconcile"
        return str(task["end"])

    assert end("report") == "applied"
    world.patch("ConfigMap", "greeting", {"data": {"text": "overwritten"}})
    assert end("report") == "drifted"
    (world.root / "README.md").write_text("not of the stack")
    keeper.push("Say more of it")
    assert (end("report"), end("ignore")) == ("drifted", "unchanged")
    assert _text(world) == "overwritten"
    assert end("heal") == "applied"
    assert _text(world) == "hello"


def test_a_new_revision_goes_ahead_of_a_stuck_rollout(keeper: Keeper, world: World) -> None:
    """Whoever pushes the mend need not wait for what it mends to give up."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    keeper.push("Break the web")
    keeper.start()
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    world.manifests("shop/web.yaml", deployment("web"))
    mended = keeper.push("Mend the web")
    eventually(lambda: keeper.applied(mended), "the mend")
    assert "interrupted by a newer revision" in "\n".join(keeper.ledger())


def test_what_left_git_and_is_kept_has_one_run_at_a_time(keeper: Keeper, world: World) -> None:
    """Its rollout is waited for no more, what runs of it is left, and it is brought about once it is back."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    keeper.push("Break the web")
    running = keeper.start()
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    git(world.root, "rm", "--quiet", f"stacks/{world.name}/stack.yaml")
    keeper.push("Close the shop")
    eventually(lambda: "interrupted" in keeper.ledger()[0], "the wait to end")
    assert world.exists("Deployment", "web")
    git(world.root, "revert", "--no-edit", "HEAD")
    world.manifests("shop/web.yaml", deployment("web"))
    mended = keeper.push("Open it again, mended")
    eventually(lambda: keeper.applied(mended), "the mend")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert [each["end"] for each in told(ended, "task ended")] == ["overtaken", "applied"]


def test_a_stop_leaves_nothing_locked(keeper: Keeper, world: World) -> None:
    """On SIGTERM what is at work ends, records that, and gives its lock back."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    broken = keeper.push("Break the web")
    running = keeper.start()
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert keeper.ledger()[0].endswith("interrupted")
    assert broken[:10] in keeper.ledger()[0]
    assert not keeper.locks()


def test_nothing_outlives_an_agent_that_is_killed(keeper: Keeper, world: World) -> None:
    """A child whose agent is gone ends what it is at, records that and gives its lock back; the next agent goes on."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    keeper.push("Break the web")
    running = keeper.start()
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    running.signal(signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL
    eventually(lambda: keeper.ledger()[0].endswith("interrupted"), "the child to end")
    eventually(lambda: not keeper.locks(), "the lock to be given back")
    world.manifests("shop/web.yaml", deployment("web"))
    keeper.push("Mend the web")
    ended = keeper.once()
    assert ended.code == 0, ended.said


def test_a_suspended_stack_is_left_alone(keeper: Keeper, world: World) -> None:
    """The ledger says who suspended it and why; people see it, and the agent goes on once it is resumed."""
    said = world.run("agent", "suspend", world.name, "--why", "the pumps are being changed")
    assert said.code == 0, said.said
    ended = keeper.once()
    assert ended.code == 0
    assert _text(world) == ""
    (task,) = told(ended, "task ended")
    assert (task["end"], "the pumps are being changed" in task["why"]) == ("suspended", True)
    status = world.run("status", world.name)
    assert "Suspended for agents by Grace Hopper" in status.stdout
    assert world.run("agent", "resume", world.name).code == 0
    assert keeper.once().code == 0
    assert _text(world) == "hello"


def test_a_stack_that_is_suspended_while_the_agent_waits_in_line(
    keeper: Keeper, world: World
) -> None:
    """Whoever suspends was before the agent in line: what the agent plans once it has its turn is not applied."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    keeper.push("Break the web")
    applying = world.start("apply", world.name, "--yes", ORCHESTRATOR_LEASE="10s")
    eventually(lambda: world.exists("Deployment", "web"), "the rollout")
    why = ("--why", "hands off", "--lock-timeout", "1m")
    suspending = world.start("agent", "suspend", world.name, *why, ORCHESTRATOR_LEASE="10s")
    suspending.await_line("number 1 in line")
    _say(world, "welcome")
    world.manifests("shop/web.yaml", deployment("web"))
    keeper.push("Mend the web")
    ended = keeper.once(ORCHESTRATOR_LEASE="10s")
    assert "suspended" in suspending.end().stdout
    assert applying.end().code != 0, "a newer revision had it end"
    (task,) = told(ended, "task ended")
    assert (task["end"], ended.code) == ("suspended", 0), ended.said
    assert "hands off" in task["why"]
    assert _text(world) == "hello"


def test_what_would_lose_data_is_told_and_not_done(keeper: Keeper, world: World) -> None:
    """A claim that leaves Git stays: a run that ends by itself says that somebody has to look."""
    claim: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": world.name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    path = world.write("shop/claim.yaml", json.dumps(claim))
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name, "wait": False}})
    keeper.push("Keep data")
    assert keeper.once().code == 0
    path.unlink()
    keeper.push("Drop the data")
    ended = keeper.once()
    assert ended.code == 3, ended.said
    (task,) = told(ended, "task ended")
    assert (task["end"], "data" in task["why"]) == ("held", True)
    claims = f"/api/v1/namespaces/{world.name}/persistentvolumeclaims/data"
    assert world.cluster.request("GET", claims)[0] == 200


def test_only_an_approved_plan_is_applied(keeper: Keeper, world: World) -> None:
    """Where the agent is told that it takes approval, it tells the plan, and applies it once somebody else approved."""
    keeper.tell(defaults={"approval": True})
    asked = keeper.once()
    assert asked.code == 3, asked.said
    (task,) = told(asked, "task ended")
    assert (task["end"], task["waits"]) == ("held", "approval")
    assert _text(world) == ""
    ada = {"GIT_AUTHOR_NAME": "Ada Lovelace", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    author = replace(world, variables={**world.variables, **ada})
    own = author.run("approve", task["digest"], world.name)
    assert "asks for approval does not count Ada Lovelace, who wrote" in own.stdout
    again = told(keeper.once(), "task ended")[0]
    assert (again["end"], "not counted: Ada Lovelace" in again["why"]) == ("held", True)
    approved = world.run("approve", task["digest"], world.name)
    assert approved.code == 0, approved.said
    assert "does not count" not in approved.stdout
    applied = keeper.once()
    assert applied.code == 0, applied.said
    assert _text(world) == "hello"


def test_an_approval_is_seen_that_came_while_git_was_away(keeper: Keeper, world: World) -> None:
    """What stood in the ledgers before is known still, and how long it took is told."""
    keeper.tell(defaults={"approval": True}, retry={"first": "200ms", "most": "1h"})
    running = keeper.start()
    held = json.loads(running.await_line('"waits": "approval"'))
    assert 0 < held["seconds"] < 60
    away = keeper.remote.rename(keeper.remote.with_name("away.git"))
    git(world.root, "remote", "set-url", "origin", away.as_uri())
    running.await_line('"repository does not answer"')
    approved = world.run("approve", held["digest"], world.name)
    assert approved.code == 0, approved.said
    away.rename(keeper.remote)
    eventually(lambda: _text(world) == "hello", "the approved plan to be applied")


def test_only_what_is_below_the_path_is_kept(keeper: Keeper, world: World) -> None:
    """Of two teams in one repository, what is in the folder of the other is neither applied nor taken away."""
    ours = world.root / "stacks" / f"{world.name}-ours"
    ours.mkdir()
    sets = {"texts": {"path": "texts.yaml", "namespace": world.name}}
    (ours / "stack.yaml").write_text(stack_file(ours.name, manifests=sets))
    (ours / "texts.yaml").write_text(documents(config_map("ours", {"text": "ours"})))
    keeper.push("Add a stack of ours")
    keeper.tell(repository={"path": f"stacks/{ours.name}"}, defaults={"vanished": "destroy"})
    assert keeper.once().code == 0
    assert (world.data("ours")["text"], _text(world)) == ("ours", "")
    keeper.tell()
    assert keeper.once().code == 0
    assert _text(world) == "hello"
    shutil.rmtree(world.root / "stacks" / world.name)
    keeper.push("Drop what is theirs")
    keeper.tell(repository={"path": f"stacks/{ours.name}"}, defaults={"vanished": "destroy"})
    assert keeper.once().code == 0
    assert _text(world) == "hello"
    keeper.tell(defaults={"vanished": "destroy"})
    assert keeper.once().code == 0
    assert _text(world) == ""
    assert world.data("ours")["text"] == "ours"


def test_what_left_git_is_kept_or_taken_away(keeper: Keeper, world: World) -> None:
    """A stack that Git declares no more stays and is told, or goes when the agent is told so."""
    assert keeper.once().code == 0
    (world.root / "stacks" / world.name / "stack.yaml").unlink()
    keeper.push("Close the shop")
    kept = keeper.once()
    assert told(kept, "stack is no longer declared")
    assert _text(world) == "hello"
    keeper.tell(defaults={"vanished": "destroy", "drift": {"workloads": "100ms"}})
    gone = keeper.once()
    assert gone.code == 0, gone.said
    assert [task["end"] for task in told(gone, "task ended")] == ["destroyed"]
    assert not world.exists("ConfigMap", "greeting")
    assert not told(keeper.once(), "task ended")


def test_what_left_git_is_taken_away_once_somebody_agrees(keeper: Keeper, world: World) -> None:
    """An approval is given in a checkout of the branch, which has no such stack any more, and the agent goes on."""
    assert keeper.once().code == 0
    (world.root / "stacks" / world.name / "stack.yaml").unlink()
    keeper.push("Close the shop")
    keeper.tell(defaults={"vanished": "destroy", "approval": True})
    running = keeper.start()
    held = json.loads(running.await_line('"waits": "approval"'))
    assert held["task"] == "destroy"
    approved = world.run("approve", held["digest"], world.name, "--env", "default", "--destroy")
    assert approved.code == 0, approved.said
    eventually(lambda: not world.exists("ConfigMap", "greeting"), "the stack to go")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert {task["task"] for task in told(ended, "task ended")} == {"destroy"}


def test_what_left_git_is_taken_away_whatever_stood_there_last(
    keeper: Keeper, world: World
) -> None:
    """Its file says where its ledger is also with a mistake elsewhere; a file that might declare it says nothing."""
    where = {"store": "directory", "path": str(keeper.home / "ledgers")}
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    (keeper.home / "ledgers").mkdir()
    world.declare(None, shop, ledger=where)
    file = world.root / "stacks" / world.name / "stack.yaml"
    keeper.push("Keep the ledger elsewhere")
    keeper.tell(defaults={"vanished": "destroy"})
    assert keeper.once().code == 0
    file.write_text(f"{file.read_text()}\nmodulez: {{}}\n")
    keeper.push("Make a mistake")
    assert keeper.once().code == 1
    file.unlink()
    other = world.root / "stacks" / "other" / "stack.yaml"
    other.parent.mkdir()
    other.write_text("version: [\n")
    keeper.push("Close the shop, and make a mistake elsewhere")
    held = keeper.once()
    (task,) = told(held, "task ended")
    assert (held.code, task["end"]) == (1, "held"), held.said
    assert "stacks/other/stack.yaml cannot be read: it may be declared there" in task["why"]
    shutil.rmtree(other.parent)
    keeper.push("Mend it")
    gone = keeper.once()
    assert [task["end"] for task in told(gone, "task ended")] == ["destroyed"], gone.said
    assert not world.exists("ConfigMap", "greeting")


@pytest.mark.parametrize("poll", ["200ms", "1h"])
def test_once_takes_away_what_left_git_though_that_goes_on(
    keeper: Keeper, world: World, poll: str
) -> None:
    """Whether the next commit is read before the run that it overtakes ended, or after: it has a turn of its own."""
    where = {"store": "directory", "path": str(keeper.home / "ledgers")}
    (keeper.home / "ledgers").mkdir()
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name}}, ledger=where)
    keeper.tell(defaults={"vanished": "destroy"}, repository={"poll": poll})
    keeper.push("Keep the ledger where reading it can be held up")
    assert keeper.once().code == 0
    (head,) = (keeper.home / "ledgers").rglob("head.json")
    kept = head.rename(head.with_name("kept"))
    os.mkfifo(head)
    git(world.root, "rm", "--quiet", f"stacks/{world.name}/stack.yaml")
    keeper.push("Close the shop")
    running = keeper.world.start("agent", "--once", directory=keeper.home)
    with head.open("wb") as pipe:  # once somebody reads it
        world.write("elsewhere", "more")
        newer = keeper.push("Change something else")
        if poll == "200ms":
            running.await_line(f'"revision": "{newer[:10]}", "subject": ')
        pipe.write(kept.read_bytes())
        kept.replace(head)
    ended = running.end()
    assert ended.code == 0, ended.said
    ends = [each["end"] for each in told(ended, "task ended")]
    assert ends == ["overtaken", "destroyed"]
    assert not world.exists("ConfigMap", "greeting")


def test_a_mistake_takes_nothing_away(keeper: Keeper, world: World) -> None:
    """A file with mistakes may declare what it seems not to: another environment, or another name."""
    keeper.tell(defaults={"vanished": "destroy"})
    folder = (world.root / "stacks" / world.name).rename(world.root / "stacks" / "elsewhere")
    file, name, environment = folder / "stack.yaml", f"name: {world.name}\n", "{production: {}}"
    right = f"{file.read_text()}\nenvironments: {environment}\n"
    file.write_text(right)
    keeper.push("Name the environment")
    assert keeper.once().code == 0
    held = set[str]()
    for text in (right.replace(environment, "[production]"), right.replace(name, f"nam{name[4:]}")):
        file.write_text(text)
        keeper.push("Make a mistake")
        mistaken = keeper.once()
        assert mistaken.code == 1, mistaken.said
        assert _text(world) == "hello"
        held = {each["why"] for each in told(mistaken, "task ended") if each["task"] == "destroy"}
        assert all("elsewhere/stack.yaml has mistakes: it may be" in each for each in held)
    assert any(f"{world.name}/production is to be taken away" in each for each in held)
    file.unlink()
    keeper.push("Close the shop")
    gone = keeper.once()
    assert not world.exists("ConfigMap", "greeting"), gone.said


def test_a_mistake_hides_no_environment(keeper: Keeper, world: World) -> None:
    """Whoever keeps one environment alone is told the mistake, and not that Git declares that one no more."""
    keeper.tell(defaults={"environments": ["production"]})
    file = world.root / "stacks" / world.name / "stack.yaml"
    right = f"{file.read_text()}\nenvironments: {{production: {{}}}}\n"
    file.write_text(right)
    keeper.push("Name the environment")
    assert keeper.once().code == 0
    file.write_text(right.replace("{production: {}}", "[production]"))
    keeper.push("Make a mistake")
    mistaken = keeper.once()
    (unreadable,) = told(mistaken, "stack cannot be read")
    assert f"stacks/{world.name}/stack.yaml:" in unreadable["why"], mistaken.said
    for phrase in ("stack is no longer declared", "stack is not declared"):
        assert told(mistaken, phrase) == []
    assert mistaken.code == 1
    folder = file.parent.rename(file.parent.with_name("elsewhere"))
    (folder / "stack.yaml").write_text(right.replace("name:", "nam:"))
    keeper.push("Make another mistake")
    (gone,) = told(keeper.once(), "stack is no longer declared")
    assert "one of them may declare it" in gone["hint"]
    (folder / "stack.yaml").write_text(right)
    keeper.push("Mend it")
    assert keeper.once().code == 0


def test_what_is_declared_again_is_taken_away_no_further(keeper: Keeper, world: World) -> None:
    """A deletion that takes its time is not waited for, and all else that was to follow is left as it is."""
    slow = config_map("last", {"text": "slow"})
    slow["metadata"]["finalizers"] = ["orchestrator/test"]
    world.manifests("later/texts.yaml", slow)
    sets = {name: {"path": name, "namespace": world.name} for name in ("shop", "later")}
    world.declare(None, {**sets, "later": {**sets["later"], "needs": ["shop"]}})
    keeper.push("Add what is slow to go")
    keeper.tell(defaults={"vanished": "destroy"})
    running = keeper.start()
    eventually(lambda: world.exists("ConfigMap", "last"), "the stack to be there")
    git(world.root, "rm", "--quiet", f"stacks/{world.name}/stack.yaml")
    keeper.push("Close the shop")
    eventually(
        lambda: "deletionTimestamp" in world.object("ConfigMap", "last")["metadata"], "it to go"
    )
    git(world.root, "revert", "--no-edit", "HEAD")
    keeper.push("Open it again")
    ended = running.await_line('"task": "destroy", "end": ')  # by what it heard first of the two
    assert '"end": "overtaken"' in ended or '"end": "interrupted"' in ended
    assert _text(world) == "hello"
    world.patch("ConfigMap", "last", {"metadata": {"finalizers": None}})
    running.await_line('"end": "applied"')
    running.signal(signal.SIGTERM)
    assert running.end().code == 0
    assert _text(world) == "hello"


@pytest.mark.parametrize("store", ["git", "directory"])
def test_what_is_applied_from_another_branch_has_not_left_git(
    keeper: Keeper, world: World, store: str
) -> None:
    """Whoever looks at one branch takes nothing away that somebody keeps on another, known to him before or not.

    A ledger that is not in Git brings no commit of the other branch along.
    """
    if store == "directory":
        (keeper.home / "ledgers").mkdir()
        where = {"store": "directory", "path": str(keeper.home / "ledgers")}
        world.declare(None, {"shop": {"path": "shop", "namespace": world.name}}, ledger=where)
        keeper.push("Keep the ledger elsewhere")
    keeper.tell(defaults={"vanished": "destroy"})
    assert keeper.once().code == 0
    git(world.root, "switch", "--quiet", "--create", "production")
    _say(world, "live")
    world.commit("Say that it is live")
    assert world.run("apply", world.name, "--yes").code == 0
    git(world.root, "switch", "--quiet", "main")
    (world.root / "stacks" / world.name / "stack.yaml").unlink()
    keeper.push("Leave the shop to production")
    left = keeper.once()
    (ended,) = told(left, "task ended")
    assert (left.code, ended["task"], ended["end"]) == (0, "destroy", "unchanged"), left.said
    assert "which is not in the history of" in ended["why"]
    assert "only if no other branch does" in ended["hint"]
    (keeper.home / "agent" / "agenda.json").unlink()
    forgetful = keeper.once()
    assert forgetful.code == 0, forgetful.said
    assert not told(forgetful, "stack is no longer declared")
    assert _text(world) == "live"


def test_a_repository_reaches_nobody_elses_namespace(keeper: Keeper, world: World) -> None:
    """What its stacks may use stands in the agent's own file, and is held against each before anything is done."""
    keeper.tell(repository={"allow": {"namespaces": ["other-*"], "clusters": ["sandbox"]}})
    refused = keeper.once()
    assert refused.code == 3, refused.said
    (task,) = told(refused, "task ended")
    assert f"is in {world.name}, which is not one of its namespaces" in task["why"]
    where = {"shop": {"path": "shop", "namespace": "${{ vars.where }}"}}
    world.declare(None, where, vars={"where": world.name})
    keeper.push("Say elsewhere where")
    (task,) = told(keeper.once(), "task ended")
    assert f"ConfigMap {world.name}/greeting is not in one of its namespaces" in task["why"]
    keeper.tell(repository={"allow": {"namespaces": [world.name], "clusters": ["production"]}})
    (task,) = told(keeper.once(), "task ended")
    assert "the cluster sandbox is not one of its clusters" in task["why"]
    assert _text(world) == ""
    keeper.tell(repository={"allow": {"ledgers": ["cluster:shop"]}})
    (task,) = told(keeper.once(), "task ended")
    assert "the ledger git is not one of its ledgers" in task["why"]
    keeper.tell(repository={"allow": {"namespaces": [world.name], "ledgers": ["git"]}})
    assert keeper.once().code == 0
    assert _text(world) == "hello"
    foreign = {"base": {"source": "git::https://elsewhere.example.org/base.git"}}
    world.declare(foreign, where, vars={"where": world.name})
    keeper.push("Take a module from elsewhere")
    keeper.tell(repository={"allow": {"sources": ["git::https://git.example.org/*"]}})
    (task,) = told(keeper.once(), "task ended")
    assert (
        f"the source {foreign['base']['source']} of modules.base is not one of its" in task["why"]
    )


def test_a_webhook_makes_it_look_and_git_may_be_away(keeper: Keeper, world: World) -> None:
    """Told by a webhook it does not wait for its poll; it is ready only while Git answers, and goes on by itself."""
    (keeper.home / "secret").write_text("whisper\n", encoding="utf-8")
    hook = {"kind": "github", "secret_file": "secret"}
    keeper.tell(listen="127.0.0.1:0", repository={"poll": "1h", "webhook": hook})
    running = keeper.start()
    port = json.loads(running.await_line('"agent listens"'))["port"]
    eventually(lambda: _ask(port, "/readyz") == 200, "Git to answer")
    eventually(lambda: len(keeper.ledger()) == 2, "the first commit")
    _say(world, "welcome")
    keeper.push("Welcome people")
    assert tell(port, "wrong", "refs/heads/main") == 401
    assert tell(port, "whisper", "refs/heads/main") == 202
    assert tell(port, "whisper", "refs/heads/main") == 409
    eventually(lambda: _text(world) == "welcome", "the second commit")
    away = keeper.remote.with_name("away")
    keeper.remote.rename(away)
    assert tell(port, "whisper", "refs/heads/main", attempt=2) == 202
    eventually(lambda: _ask(port, "/readyz") == 503, "Git to be missed")
    assert _ask(port, "/healthz") == 200
    away.rename(keeper.remote)
    eventually(lambda: _ask(port, "/readyz") == 200, "Git to answer again")
    _say(world, "hello again")
    keeper.push("Say hello again")
    assert tell(port, "whisper", "refs/heads/main", attempt=3) == 202
    eventually(lambda: _text(world) == "hello again", "the third commit")


def _ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def tell(port: int, secret: str, ref: str, *, attempt: int = 1) -> int:
    """Tell an agent of a push as GitHub does; return the status of its answer."""
    body = json.dumps({"ref": ref, "attempt": attempt}).encode()
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Event": "push"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/hooks/shop", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status
