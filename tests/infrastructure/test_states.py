"""State: kept in a file of ours or by a backend, never taken for empty when it is damaged."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.errors import Place, TerraformError
from orchestrator.infrastructure.modules import (
    ModulePlan,
    apply_module,
    plan_shadow,
    read_outputs,
    state_stamp,
)
from orchestrator.infrastructure.reading.state import read_state
from orchestrator.plans.change import Action
from orchestrator.stack.expressions import Pending
from orchestrator.stack.model import Json, State
from orchestrator.stack.scope import Output
from tests.infrastructure.ground import Ground, logging_engine, values
from tests.stacks.aws import Aws, emulated_aws

SECRETIVE = """
variable "password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "it" {
  input = { password = var.password, plain = "public" }
}

output "password" {
  value     = var.password
  sensitive = true
}

output "plain" {
  value = "public"
}
"""


def applied(ground: Ground) -> Path:
    """Apply the module that echoes, and return its state file."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    assert workspace.local_state is not None
    return workspace.local_state


@pytest.mark.integration
@pytest.mark.parametrize(
    ("content", "damage"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"version": 4, "ser', "damaged"),
        (b"[]", "damaged"),
        (b"{}", "damaged"),
    ],
)
def test_a_damaged_state_is_refused_by_everything(
    ground: Ground, content: bytes, damage: str
) -> None:
    """Terraform would take an empty file for an empty state and create everything again."""
    file = applied(ground)
    file.write_bytes(content)
    workspace = ground.workspace()
    for work in (
        lambda: ground.plan(workspace, {"text": "one"}),
        lambda: ground.plan(workspace, {"text": "one"}, destroy=True),
        lambda: read_outputs(workspace),
        lambda: state_stamp(workspace),
    ):
        with pytest.raises(TerraformError) as caught:
            work()
        assert caught.value.message == f"modules.echo: the state file {file} is {damage}"


@pytest.mark.integration
def test_an_empty_state_that_was_locked_and_never_written_is_none(ground: Ground) -> None:
    """An engine that dies then leaves what it locked; one that dies as it writes has made a copy before."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    file = workspace.local_state
    assert file is not None
    file.parent.mkdir(parents=True)
    file.touch()
    info = file.with_name(f".{file.name}.lock.info")
    info.write_text('{"ID":"1","Operation":"OperationTypeApply","Who":"ada@build-7"}')

    assert state_stamp(workspace) == ""
    for _ in range(2):  # an engine that plans removes what tells of the lock, and leaves the file
        assert ground.plan(workspace, {"text": "one"}).state_stamp == ""
    assert values(ground.apply(workspace, {"text": "one"})) == {"text": "one"}

    ground.apply(workspace, {"text": "two"})
    file.write_bytes(b"")
    info.touch()
    with pytest.raises(TerraformError, match="is empty"):
        state_stamp(workspace)


@pytest.mark.integration
def test_a_torn_copy_of_a_state_does_not_block(ground: Ground) -> None:
    """A disk that is full leaves the beginning of a copy: it is set aside, since no backend takes it."""
    file = applied(ground)
    workspace = ground.workspace()
    (workspace.directory / "errored.tfstate").write_text('{"version": 4, "ser')

    assert ground.plan(workspace, {"text": "one"}).changes == ()
    assert read_state(file.read_bytes()).stamp == state_stamp(workspace)
    assert [each.name for each in workspace.home.glob("errored*")] == ["errored.tfstate.torn"]


@pytest.mark.integration
def test_a_state_that_is_being_written_is_read_when_it_is_whole(ground: Ground) -> None:
    """Terraform empties the file before it writes: who reads the outputs beside an apply looks again."""
    file = applied(ground)
    whole = file.read_bytes()
    file.write_bytes(b"")
    writing = threading.Timer(0.1, file.write_bytes, (whole,))
    writing.start()
    assert values(read_outputs(ground.workspace())) == {"text": "one"}
    writing.join()


@pytest.mark.integration
def test_the_hint_names_the_backup_when_there_is_one(ground: Ground) -> None:
    """After a second write Terraform keeps the state before it."""
    file = applied(ground)
    ground.apply(ground.workspace(), {"text": "two"})
    file.write_bytes(b"")
    with pytest.raises(TerraformError) as caught:
        ground.plan(ground.workspace(), {"text": "two"})
    assert f"restore it from {file}.backup" in caught.value.hint


@pytest.mark.integration
def test_every_write_moves_the_stamp(ground: Ground) -> None:
    """A stamp names one state: it is the same until something is written."""
    applied(ground)
    first = state_stamp(ground.workspace())
    assert (
        ground.plan(ground.workspace(), {"text": "two"}).state_stamp
        == first
        == state_stamp(ground.workspace())
    )
    ground.apply(ground.workspace(), {"text": "two"})
    assert state_stamp(ground.workspace()) != first


def test_an_encrypted_state_tells_its_stamp_alone() -> None:
    """OpenTofu leaves lineage and serial readable; the rest only the engine itself can open."""
    content = json.dumps(
        {
            "version": 4,
            "serial": 7,
            "lineage": "abc",
            "meta": {},
            "encrypted_data": "…",
            "encryption_version": "v0",
        }
    )
    snapshot = read_state(content.encode())
    assert (snapshot.stamp, snapshot.readable, snapshot.empty) == ("abc:7", False, False)


def test_an_unknown_format_of_state_is_refused() -> None:
    """What a newer engine writes is not guessed at."""
    with pytest.raises(ValueError, match="state format 5 is not known"):
        read_state(b'{"version": 5, "serial": 1, "lineage": "x"}')


@pytest.mark.integration
def test_secrets_of_the_state_are_learnt_by_reading_it(ground: Ground) -> None:
    """Sensitive outputs and attributes are known to redaction before anything is shown."""
    ground.write("modules/echo/main.tf", SECRETIVE)
    ground.apply(ground.workspace(), {"password": "correct horse"})
    fresh = replace(ground, site=replace(ground.site, secrets=type(ground.site.secrets)()))
    assert read_outputs(fresh.workspace())["password"] == Output(
        value="correct horse", sensitive=True
    )
    assert fresh.site.secrets.redact("it is correct horse") == "it is (sensitive)"


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Run an emulated AWS, with a bucket for state."""
    with emulated_aws() as running:
        running.client("s3").create_bucket(
            Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield running


@pytest.fixture
def on_s3(ground: Ground, aws: Aws) -> tuple[Ground, State]:
    """Return the ground with credentials for the emulated AWS, and a place for state there."""
    variables = {name: value for name, value in aws.environment.items() if name.startswith("AWS_")}
    config: dict[str, Json] = {
        "bucket": "state",
        "key": f"{ground.tree}/echo.tfstate".lstrip("/"),
        "region": "eu-central-1",
        "use_path_style": True,
        "skip_credentials_validation": True,
        "skip_requesting_account_id": True,
        "endpoints": {"s3": aws.address},
    }
    return ground.with_environment(**variables), State(backend="s3", config=config)


@pytest.mark.integration
def test_state_in_a_backend_works_like_state_in_a_file(
    on_s3: tuple[Ground, State], aws: Aws
) -> None:
    """Plan, apply, outputs with secrets, stamp and destruction; nothing of it is kept on this machine."""
    ground, state = on_s3
    ground.write("modules/echo/main.tf", SECRETIVE)
    workspace = ground.workspace(state=state)
    assert (state_stamp(workspace), read_outputs(workspace)) == ("", {})
    first = ground.plan(workspace, {"password": "correct horse"})
    assert first.state_stamp == ""
    assert first.plan_file is not None
    outputs = apply_module(workspace, first.plan_file, on_event=ground.events.append).outputs
    assert (
        values(outputs)
        == {"password": "correct horse", "plain": "public"}
        == values(read_outputs(workspace))
    )
    again = ground.plan(workspace, {"password": "correct horse"})
    assert (again.plan_file, again.outputs) == (None, outputs)
    assert again.state_stamp == state_stamp(workspace) != ""
    stored = aws.client("s3").list_objects_v2(Bucket="state", Prefix=str(ground.tree).lstrip("/"))
    assert stored["KeyCount"] == 1
    gone = ground.plan(workspace, {"password": "correct horse"}, destroy=True).plan_file
    assert gone is not None
    left = apply_module(workspace, gone, on_event=ground.events.append).outputs
    assert values(left) == {}
    assert not (ground.site.folder / "state").exists()


@pytest.mark.integration
def test_what_waits_is_planned_against_the_state_of_its_backend(
    on_s3: tuple[Ground, State], aws: Aws
) -> None:
    """The state is read, and nothing of it is written, locked or kept on this machine."""
    ground, state = on_s3
    ground.write("modules/echo/main.tf", SECRETIVE)
    workspace = ground.workspace(state=state)
    ground.apply(workspace, {"password": "correct horse"})
    stamp = state_stamp(workspace)

    waits = Pending(references=("modules.vault.password",))
    plan = plan_shadow(workspace, {"password": waits}, on_event=ground.events.append)

    assert isinstance(plan, ModulePlan)
    assert {change.action for change in plan.changes} == {Action.UPDATE}
    assert plan.state_stamp == stamp == state_stamp(workspace)
    stored = aws.client("s3").list_objects_v2(Bucket="state", Prefix=str(ground.tree).lstrip("/"))
    assert stored["KeyCount"] == 1
    kept = [file.read_bytes() for file in workspace.home.rglob("*") if file.is_file()]
    assert not any(b"correct horse" in content for content in kept)


class _StateServer(ThreadingHTTPServer):
    """Keeps one state, as Terraform's http backend wants it; refuses writes when told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _StateRequests)
        self.state = b""
        self.refuses = False
        self.refusals = 0  # of the next writes

    @property
    def config(self) -> State:
        return State(
            backend="http",
            config={"address": f"http://127.0.0.1:{self.server_port}/", "retry_max": 0},
        )


class _StateRequests(BaseHTTPRequestHandler):
    server: _StateServer

    def do_GET(self) -> None:
        self._answer(200 if self.server.state else 404, self.server.state)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuses or self.server.refusals:
            self.server.refusals = max(0, self.server.refusals - 1)
            self._answer(507, b"no room")
            return
        self.server.state = content
        self._answer(200, b"")

    def _answer(self, code: int, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def state_server() -> Iterator[_StateServer]:
    """Serve one state on loopback."""
    with _StateServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.integration
def test_what_reading_from_a_backend_costs(
    ground: Ground, state_server: _StateServer, tmp_path: Path
) -> None:
    """With large providers each process costs seconds: a plan without changes tells its outputs by itself."""
    state = state_server.config
    ground, log = logging_engine(ground, tmp_path)
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(state=state), {"text": "one"})
    assert log.read_text().split() == ["init", "plan", "show", "apply", "state"]
    log.write_text("")
    assert values(ground.plan(ground.workspace(state=state), {"text": "one"}).outputs) == {
        "text": "one"
    }
    assert log.read_text().split() == ["plan"]


@pytest.mark.integration
def test_a_state_that_would_be_left_behind_is_not_forgotten(
    ground: Ground, state_server: _StateServer
) -> None:
    """Who changes where state lives is told to move it, instead of being shown a plan that creates all again."""
    state = state_server.config
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(), {"text": "one"})
    with pytest.raises(
        TerraformError, match=r"modules\.echo: its state would be left behind"
    ) as caught:
        ground.plan(ground.workspace(state=state), {"text": "one"})
    assert "-migrate-state" in caught.value.hint
    moved = replace(
        state, config={**state.config, "address": f"{state.config['address']}elsewhere"}
    )
    other = replace(ground, site=replace(ground.site, environment="other"))
    other.apply(other.workspace(state=state), {"text": "one"})
    for there in (moved, State()):
        with pytest.raises(TerraformError, match=r"modules\.echo: its state would be left behind"):
            other.plan(other.workspace(state=there), {"text": "one"})


@pytest.mark.integration
def test_settings_that_do_not_move_the_state_are_adopted(
    ground: Ground, state_server: _StateServer
) -> None:
    """Another way of locking or of signing in is no other state."""
    state = state_server.config
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(state=state), {"text": "one"})
    locking = replace(state, config={**state.config, "retry_max": 1, "username": "ada"})
    assert ground.plan(ground.workspace(state=locking), {"text": "one"}).changes == ()


@pytest.mark.integration
def test_a_mistake_in_backend_settings_is_placed_in_the_stack_file(ground: Ground) -> None:
    """The file of ours that Terraform names is nothing that a person wrote."""
    ground.write("modules/echo/main.tf")
    place = Place(file="stacks/shop/stack.yaml", line=4, column=3, text="  config: {bucket: x}")
    state = State(backend="s3", config={"bucket": "x"}, places={("config",): place})
    with pytest.raises(TerraformError) as caught:
        ground.plan(ground.workspace(state=state), {"text": "one"})
    assert "stacks/shop/stack.yaml:4" in caught.value.message
    assert "zzz_orchestrator" not in caught.value.message + caught.value.detail


@pytest.mark.integration
def test_secrets_in_backend_settings_are_not_told(on_s3: tuple[Ground, State]) -> None:
    """Settings go through a private file, not through arguments, and a message does not quote them."""
    ground, state = on_s3
    ground.write("modules/echo/main.tf")
    ground.site.secrets.learn("very-secret-key")
    wrong: dict[str, Json] = {
        "endpoints": {"s3": "http://127.0.0.1:9/very-secret-key"},
        "max_retries": 0,
    }
    with pytest.raises(TerraformError) as caught:
        ground.plan(
            ground.workspace(state=replace(state, config={**state.config, **wrong})), {"text": "x"}
        )
    assert "very-secret-key" not in caught.value.message + caught.value.detail
    assert not list(ground.site.folder.rglob("backend.json"))


@pytest.mark.integration
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_state_that_could_not_be_saved_is_kept_and_blocks(
    ground: Ground, state_server: _StateServer, *, by_hand: bool
) -> None:
    """What was applied is not lost: the state is kept, nothing is planned without it, and the next plan saves it."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace(state=state_server.config)
    plan_file = ground.plan(workspace, {"text": "one"}).plan_file
    assert plan_file is not None
    state_server.refuses = True
    with pytest.raises(TerraformError, match=r"could not save its state; it is kept in") as caught:
        apply_module(workspace, plan_file, on_event=ground.events.append)
    kept = workspace.home / "errored.tfstate"
    assert str(kept) in caught.value.message
    assert kept.stat().st_mode & 0o077 == 0
    with pytest.raises(TerraformError, match="could not save its state"):
        ground.plan(ground.workspace(state=state_server.config), {"text": "one"})
    state_server.refuses = False
    if by_hand:
        run_in_shell(caught.value.hint.rpartition("yourself: ")[2])
    assert ground.plan(ground.workspace(state=state_server.config), {"text": "one"}).changes == ()
    assert not kept.exists()
    assert b"one" in state_server.state


@pytest.mark.integration
def test_a_backend_that_recovers_at_once_gets_the_state(
    ground: Ground, state_server: _StateServer
) -> None:
    """A backend that refuses for a moment loses nothing, and the message says that nothing is lost."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace(state=state_server.config)
    plan_file = ground.plan(workspace, {"text": "one"}).plan_file
    assert plan_file is not None
    state_server.refusals = 1
    with pytest.raises(TerraformError, match=r"refused the state of the apply; it is saved by now"):
        apply_module(workspace, plan_file, on_event=ground.events.append)
    assert ground.plan(workspace, {"text": "one"}).changes == ()


@pytest.mark.integration
def test_what_was_not_saved_never_replaces_what_is_newer(
    ground: Ground, state_server: _StateServer
) -> None:
    """When the state moved on since, the kept one is not pushed over it: somebody has to look at both."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace(state=state_server.config)
    ground.apply(workspace, {"text": "one"})
    plan_file = ground.plan(workspace, {"text": "two"}).plan_file
    assert plan_file is not None
    state_server.refuses = True
    with pytest.raises(TerraformError, match="could not save its state"):
        apply_module(workspace, plan_file, on_event=ground.events.append)
    state_server.refuses = False
    newer = {**json.loads(state_server.state), "serial": 99}
    state_server.state = json.dumps(newer).encode()
    with pytest.raises(TerraformError, match="could not save its state") as caught:
        ground.plan(workspace, {"text": "two"})
    assert "serial" in caught.value.detail
    assert json.loads(state_server.state)["serial"] == 99


def run_in_shell(command: str) -> None:
    """Do what a hint says."""
    done = subprocess.run(
        ("sh", "-c", command), check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.integration
def test_a_backend_that_does_not_answer_is_not_an_empty_state(
    ground: Ground, state_server: _StateServer
) -> None:
    """Unreachable is not deleted: neither a plan nor a reading concludes anything."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace(state=state_server.config)
    ground.apply(workspace, {"text": "one"})
    state_server.shutdown()
    state_server.server_close()
    for work in (lambda: ground.plan(workspace, {"text": "one"}), lambda: read_outputs(workspace)):
        with pytest.raises(TerraformError) as caught:
            work()
        assert "connection refused" in f"{caught.value.message} {caught.value.message}"
    with pytest.raises(TerraformError):
        state_stamp(workspace)


_QUOTING = """
resource "terraform_data" "it" {
  input = { password = "none", plain = "public" }

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.id == ""
      error_message = "it is ${nonsensitive(self.input.password)}"
    }
  }
}
"""


@pytest.mark.integration
def test_secrets_that_only_a_backend_knows_are_not_told(
    ground: Ground, state_server: _StateServer
) -> None:
    """Neither by the error of a plan, which comes before the state was read here, nor while it goes on."""
    keyed = (
        'resource "terraform_data" "each" {\n  for_each = toset([nonsensitive(var.password)])\n}\n'
    )
    ground.write("modules/echo/main.tf", SECRETIVE + keyed)
    ground.apply(ground.workspace(state=state_server.config), {"password": "correct horse"})
    ground.write("modules/echo/main.tf", _QUOTING)
    fresh = replace(
        ground, events=[], site=replace(ground.site, secrets=type(ground.site.secrets)())
    )

    with pytest.raises(TerraformError) as caught:
        fresh.plan(fresh.workspace(state=state_server.config))

    assert "it is (sensitive)" in caught.value.detail
    assert "reading terraform_data.each[…]" in repr(fresh.events)
    assert "correct horse" not in f"{caught.value.message} {caught.value.detail} {fresh.events}"


def test_a_plan_file_does_not_tell_an_output_of_a_plan_from_one_of_a_first_apply() -> None:
    """Planning adds outputs to the empty state that a backend wrote before anything was applied; seed 1240 met it."""
    state: dict[str, object] = {"version": 4, "lineage": "a", "serial": 1, "resources": []}
    told = {**state, "outputs": {"text": {"value": "a", "type": "string"}}}
    assert read_state(json.dumps(told).encode()).first
    for other in (
        {**state, "outputs": {}},
        {**told, "serial": 2},
        {**told, "lineage": ""},
        {**told, "resources": [{"type": "x", "instances": []}]},
    ):
        assert not read_state(json.dumps(other).encode()).first
