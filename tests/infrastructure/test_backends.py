"""Backends: the same life of a module wherever its state is, with Terraform's own locks."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.modules import apply_module, read_outputs, state_stamp
from orchestrator.sandbox import Sandbox
from orchestrator.stack.model import Json, State
from tests.end_to_end.state_server import StateServer, serving_states
from tests.infrastructure.ground import ECHO, Ground, values
from tests.infrastructure.postgres import running_postgres
from tests.stacks.aws import Aws, emulated_aws

pytestmark = pytest.mark.integration

Place = Callable[[str], State]
"""Gives the state of a name."""


@pytest.fixture(scope="module")
def states() -> Iterator[StateServer]:
    """Serve states over HTTP."""
    with serving_states() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server."""
    with running_postgres() as address:
        yield address


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Run an emulated AWS, with a bucket for state."""
    with emulated_aws() as running:
        where = {"LocationConstraint": "eu-central-1"}
        running.client("s3").create_bucket(Bucket="state", CreateBucketConfiguration=where)
        yield running


def in_a_file(_request: pytest.FixtureRequest, _name: str) -> State:
    """Keep states in our own directory."""
    return State()


def over_http(request: pytest.FixtureRequest, name: str) -> State:
    """Keep states at a server that locks them."""
    server: StateServer = request.getfixturevalue("states")
    address = f"http://127.0.0.1:{server.server_port}/{name}"
    lock: dict[str, Json] = {"lock_address": address, "unlock_address": address}
    return State(backend="http", config={"address": address, "retry_max": 0, **lock})


def in_postgres(request: pytest.FixtureRequest, name: str) -> State:
    """Keep states in a database, each in a schema of its own."""
    address: str = request.getfixturevalue("postgres")
    return State(backend="pg", config={"conn_str": address, "schema_name": name.replace("-", "_")})


def in_s3(request: pytest.FixtureRequest, name: str) -> State:
    """Keep states in a bucket, with lock files beside them."""
    aws: Aws = request.getfixturevalue("aws")
    config: dict[str, Json] = {
        "bucket": "state",
        "key": f"{name}.tfstate",
        "region": "eu-central-1",
        "access_key": "anyone",
        "secret_key": "anything",
        "use_lockfile": True,
        "use_path_style": True,
        "skip_credentials_validation": True,
        "skip_requesting_account_id": True,
        "skip_metadata_api_check": True,
        "endpoints": {"s3": aws.address},
    }
    return State(backend="s3", config=config)


def in_kubernetes(request: pytest.FixtureRequest, name: str) -> State:
    """Keep states in Secrets of the sandbox's cluster, with Leases as locks."""
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    config: dict[str, Json] = {
        "secret_suffix": name,
        "namespace": "default",
        "config_path": str(sandbox.kubeconfig),
    }
    return State(backend="kubernetes", config=config)


BACKENDS: Mapping[str, Callable[[pytest.FixtureRequest, str], State]] = {
    "local": in_a_file,
    "http": over_http,
    "pg": in_postgres,
    "s3": in_s3,
    "kubernetes": in_kubernetes,
}


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return how states are kept, by name; the names are this test's own."""
    own = tmp_path.name.lower().replace("_", "-").replace("[", "-").replace("]", "")
    keep = BACKENDS[request.param]
    return lambda name: keep(request, f"{own}-{name}")


def test_the_life_of_a_module(ground: Ground, place: Place) -> None:
    """Plan, apply, nothing left to do, outputs, a stamp that moves, destruction, and nothing is there any more."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace(state=place("life"))
    assert (state_stamp(workspace), dict(read_outputs(workspace))) == ("", {})

    assert values(ground.apply(workspace, {"text": "one"})) == {"text": "one"}

    again = ground.plan(workspace, {"text": "one"})
    assert (again.plan_file, again.changes, values(again.outputs)) == (None, (), {"text": "one"})
    assert again.state_stamp == state_stamp(workspace) != ""
    assert values(read_outputs(workspace)) == {"text": "one"}
    assert values(ground.apply(workspace, {"text": "two"})) == {"text": "two"}
    assert state_stamp(workspace) != again.state_stamp
    gone = ground.plan(workspace, {"text": "two"}, destroy=True).plan_file
    assert gone is not None
    assert not apply_module(workspace, gone, on_event=ground.events.append).outputs
    assert ground.plan(workspace, {"text": "two"}, destroy=True).plan_file is None
    assert dict(read_outputs(workspace)) == {}


def test_who_holds_a_locked_state_is_told(
    ground: Ground, place: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Who, at what and since when, where the backend knows it; else at least how to get rid of the lock."""
    ground.write("modules/echo/main.tf", holding(tmp_path))
    workspace = ground.workspace(state=place("locked"))
    elsewhere = replace(ground, site=replace(ground.site, folder=tmp_path / "elsewhere"))
    state = place("locked")
    if (
        workspace.local_state is not None
    ):  # a file in our own directory, which is worked in by one at a time
        elsewhere = ground
    with held(ground, state=state, folder=tmp_path):
        other = elsewhere.workspace(state=state)
        with pytest.raises(TerraformError) as caught:
            elsewhere.plan(other, {"text": "two"})
    message, hint = caught.value.message, caught.value.hint
    match request.node.callspec.params["place"]:
        case "local":  # the directory is occupied by the other already
            assert "another process is working on it" in message
        case "http":
            assert "its state is locked by another process" in message
            assert "orchestrator terraform echo -- force-unlock " in hint
        case "pg":
            assert "its state is locked by another process" in message
            assert "goes with that process's connection" in hint
        case _:
            assert "its state is locked by " in message
            assert "@" in message, caught.value.detail
            assert "(apply) since 2" in message
            assert " ago" in message
            assert "orchestrator terraform echo -- force-unlock " in hint


def test_a_state_that_moved_is_not_left_behind(ground: Ground, place: Place) -> None:
    """Another key, schema or name is another state: nobody is shown a plan that makes everything anew."""
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(state=place("before")), {"text": "one"})
    after = place("after")
    if after.backend == "local":
        after = State(backend="http", config={"address": "http://127.0.0.1:9/x"})
    with pytest.raises(TerraformError, match="its state would be left behind"):
        ground.plan(ground.workspace(state=after), {"text": "one"})


def holding(folder: Path) -> str:
    """Return a module whose apply says that it began, and waits for leave to go on."""
    command = (
        f"touch {folder}/started; i=0;"
        f" while [ ! -e {folder}/go ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.05; done"
    )
    return (
        f'{ECHO}resource "terraform_data" "held" {{\n'
        f'  provisioner "local-exec" {{\n    command = "{command}"\n  }}\n}}\n'
    )


@contextmanager
def held(ground: Ground, *, state: State, folder: Path) -> Iterator[None]:
    """Keep an apply running, which holds the state's lock."""
    workspace = ground.workspace(state=state)
    pause = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ground.apply, workspace, {"text": "one"})
        try:
            while not (folder / "started").exists():
                assert not running.done(), running.exception()
                pause.wait(0.02)
            yield
        finally:
            (folder / "go").touch()
        running.result(timeout=60)
