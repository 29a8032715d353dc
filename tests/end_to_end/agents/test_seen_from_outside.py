"""What others see of an agent: its metrics, and what it tells them."""

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.sandbox import kubeconfig_path
from tests.agent.sinks import Hooks, hooks
from tests.agent.test_serving import ask
from tests.end_to_end.agents.keeper import Keeper
from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World
from tests.forges.served import REPOSITORY, TOKEN, serving
from tests.forges.small_forges import FORGES
from tests.git import git

pytestmark = pytest.mark.integration

_SECRET = "whisper-hunter2"
_PASSWORD = """
resource "terraform_data" "password" {
  input = sensitive("pass/word+${uuid()}")

  lifecycle {
    ignore_changes = [input]
  }
}

output "password" {
  value     = terraform_data.password.output
  sensitive = true
}
"""


def test_a_failure_its_end_and_a_rollback_are_told_and_counted(
    keeper: Keeper, world: World
) -> None:
    """Each is told once, signed, and Prometheus sees the revisions; the secret that it is told with is nowhere."""
    with hooks() as sink:
        (keeper.home / "url").write_text(f"{sink.url}/{_SECRET}\n", encoding="utf-8")
        (keeper.home / "secret").write_text(_SECRET, encoding="utf-8")
        team = {"kind": "webhook", "url_file": "url", "secret_file": "secret"}
        account: Any = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "keeper"},
        }
        account = world.cluster.create(f"/api/v1/namespaces/{world.name}/serviceaccounts", account)
        events = {"kind": "kubernetes", "namespace": world.name, "object": "ServiceAccount/keeper"}
        keeper.tell(
            listen="127.0.0.1:0",
            notifications={"team": team, "cluster": events},
            defaults={"drift": {"workloads": "1s"}},
        )
        kubeconfig = kubeconfig_path(Path(world.variables["ORCHESTRATOR_SANDBOX"]))
        running = keeper.start(KUBECONFIG=str(kubeconfig))
        port = json.loads(running.await_line('"agent listens"'))["port"]
        eventually(lambda: len(keeper.ledger()) == 2, "the first commit")
        _say(world, "bad_name", "hello")
        broken = keeper.push("Break the name")
        eventually(lambda: _told(sink) == ["failure"], "the failure")
        assert _value(port, "orchestrator_stack_last_result", result="failed") == 1
        assert _value(port, "orchestrator_stack_attempted_revision_info", revision=broken) == 1
        _say(world, "greeting", "welcome")
        keeper.push("Mend the name")
        eventually(lambda: _told(sink) == ["failure", "recovery"], "the recovery")
        _say(world, "greeting", "hello")
        again = keeper.push("Say hello again")
        eventually(lambda: _told(sink)[2:] == ["rollback"], "the rollback")
        assert sink.posts[0].json["revision"] == broken
        assert "bad_name" in sink.posts[0].json["message"]
        assert sink.posts[2].json["revision"] == again
        eventually(
            lambda: _value(port, "orchestrator_stack_applied_revision_info", revision=again),
            "the last revision",
        )
        assert _value(port, "orchestrator_stack_as_wanted") == 1
        look, attempt = (
            f"orchestrator_stack_last_{each}_timestamp_seconds" for each in ("look", "attempt")
        )
        eventually(lambda: _value(port, look) > _value(port, attempt), "a look without a task")
        assert (
            _value(port, "orchestrator_agent_deliveries_total", channel="team", result="sent") == 3
        )
        told = eventually(lambda: _events(world, 3), "the events")
        assert [(each["type"], each["reason"]) for each in told] == [
            ("Warning", "Failed"),
            ("Normal", "Recovered"),
            ("Warning", "RolledBack"),
        ]
        assert "bad_name" in told[0]["message"]
        assert told[0]["involvedObject"]["uid"] == account["metadata"]["uid"]
        text = ask(port, "GET", "/metrics")[1]
        running.process.send_signal(15)
        ended = running.end()
        assert _SECRET not in text + ended.said


def test_a_forge_shows_how_the_stack_of_a_commit_got_on(keeper: Keeper, world: World) -> None:
    """Each commit that the agent works on has its own status, and none has that of another."""
    forge = FORGES[0]()
    token = keeper.home / "token"
    token.write_text(TOKEN, encoding="utf-8")
    with serving(forge):
        statuses = {"kind": forge.kind.value, "api": forge.api, "repository": REPOSITORY}
        keeper.tell(repository={"statuses": {**statuses, "token_file": "token"}})
        first = git(world.root, "rev-parse", "HEAD")
        assert keeper.once().code == 0
        _say(world, "bad_name", "hello")
        broken = keeper.push("Break the name")
        failed = keeper.once()
    assert TOKEN not in failed.said
    assert [(each["sha"], each["state"]) for each in forge.statuses] == [
        (first, "pending"),
        (first, "success"),
        (broken, "pending"),
        (broken, "failure"),
    ]
    assert {each["context"] for each in forge.statuses} == {
        f"orchestrator-agent: {world.name}/default"
    }


def test_what_a_failure_tells_of_a_secret_reaches_nobody(keeper: Keeper, world: World) -> None:
    """An API server repeats what it refuses: not in the log, what is posted, Events, nor what the agent remembers."""
    world.write("modules/base/main.tf", _PASSWORD)
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare({"base": {"source": "./modules/base"}}, shop)
    label = {
        "key": "${{ modules.base.password }}"
    }  # which may hold no slash: the server says what it got
    world.manifests("shop/texts.yaml", config_map("greeting", labels=label))
    keeper.push("Label it with a secret")
    with hooks() as sink:
        (keeper.home / "url").write_text(sink.url, encoding="utf-8")
        team = {"kind": "webhook", "url_file": "url", "secret_file": "url"}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "keeper"}}
        world.cluster.create(f"/api/v1/namespaces/{world.name}/serviceaccounts", account)
        events = {"kind": "kubernetes", "namespace": world.name, "object": "ServiceAccount/keeper"}
        keeper.tell(notifications={"team": team, "cluster": events})
        kubeconfig = kubeconfig_path(Path(world.variables["ORCHESTRATOR_SANDBOX"]))
        refused = keeper.once(KUBECONFIG=str(kubeconfig))
    assert refused.code == 1, refused.said
    password = _password(keeper)
    (told,) = _events(world, 1)
    said = {
        "the log": refused.said,
        "what was posted": sink.posts[0].body.decode(),
        "an Event": json.dumps(told),
        "its memory": "".join(
            file.read_text(encoding="utf-8", errors="replace")
            for file in (keeper.home / "agent").glob("*")
            if file.is_file()
        ),
    }
    for where, text in said.items():
        assert password not in text, where
        assert where == "its memory" or "Invalid value" in text, where


def _password(keeper: Keeper) -> str:
    """Return the secret, from the one place that may have it."""
    (state,) = (keeper.home / "agent").rglob("base.tfstate")
    found: str = json.loads(state.read_text())["outputs"]["password"]["value"]
    return found


def _events(world: World, count: int) -> list[Any]:
    """Return the events that the agent made, in their order, once there are so many."""
    found = world.cluster.get(f"/api/v1/namespaces/{world.name}/events")["items"]
    ours = [each for each in found if each["source"]["component"] == "orchestrator-agent"]
    ours.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    return ours if len(ours) >= count else []


def _say(world: World, name: str, text: str) -> None:
    world.manifests("shop/texts.yaml", config_map(name, {"text": text}))


def _told(sink: Hooks) -> list[str]:
    return [each.json["about"] for each in sink.posts]


def _value(port: int, name: str, **labels: str) -> Any:
    """Return the value of the one series of a metric that has these labels, None when there is none."""
    status, text = ask(port, "GET", "/metrics")
    assert status == 200
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) < 2, found
    return found[0] if found else None
