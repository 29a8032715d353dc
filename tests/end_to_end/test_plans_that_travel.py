"""A saved plan is executed in another clone, by whoever holds the key, unless what it was made from moved."""

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from tests.end_to_end.stacks import ECHO
from tests.end_to_end.state_server import StateServer, serving_states
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_remote

pytestmark = pytest.mark.integration

SECRET = "correct-horse-battery"

VAULT = """
variable "text" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
  default   = "correct-horse-battery"
}

resource "terraform_data" "vault" {
  input = { text = var.text, password = var.password }
}
"""


@pytest.fixture
def states() -> Iterator[StateServer]:
    """Serve the states of a stack."""
    with serving_states() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where to save a plan."""
    return tmp_path / "shop.plan"


def _declare(world: World, **settings: object) -> None:
    """Commit a vault behind a base whose output it reads."""
    world.write("modules/base/main.tf", ECHO)
    world.write("modules/vault/main.tf", VAULT)
    world.declare(
        {
            "base": {"source": "./modules/base", "inputs": {"text": "hello"}},
            "vault": {
                "source": "./modules/vault",
                "inputs": {"text": "${{ modules.base.text }}"},
            },
        },
        None,
        **settings,
    )
    world.commit()


def _cloned(world: World, tmp_path: Path) -> World:
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    return dataclasses.replace(world, root=make_clone(remote, tmp_path / "clone"))


def test_an_encrypted_plan_is_executed_in_another_clone(
    world: World, states: StateServer, file: Path, tmp_path: Path
) -> None:
    """Nothing of it can be read on the way; both clones then know what was applied."""
    ours = pyrage.x25519.Identity.generate()
    _declare(world, state=states.settings)
    other = _cloned(world, tmp_path)
    told = world.plan("--out", str(file), "--encrypt", str(ours.to_public()))
    assert "encrypted." in told.stderr
    assert SECRET.encode() not in file.read_bytes()
    assert b"terraform" not in file.read_bytes()

    closed = other.run("apply", str(file), "--yes")
    assert closed.code == 64
    assert "is encrypted, and there is no key for it" in " ".join(closed.stderr.split())
    assert states.states == {}

    applied = other.run("apply", str(file), "--yes", ORCHESTRATOR_AGE_KEY=str(ours))

    assert applied.code == 0, applied.said
    assert SECRET not in applied.said
    made = states.state("modules.vault")["resources"][0]["instances"][0]["attributes"]
    assert made["input"]["value"] == {"text": "hello", "password": SECRET}
    assert "Nothing to do" in world.plan().stdout


def test_a_plan_with_a_state_file_stays_where_it_was_made(
    world: World, file: Path, tmp_path: Path
) -> None:
    """Terraform would write the state to the place that is in the plan, whatever clone it runs in."""
    _declare(world)
    other = _cloned(world, tmp_path)
    world.plan("--out", str(file))

    refused = other.run("apply", str(file), "--yes")

    assert refused.code == 1, refused.said
    assert "keeps its state in a file where the plan was made" in " ".join(refused.stderr.split())
    assert not world.state("vault")


def test_a_plan_is_refused_when_a_state_without_changes_moved(
    world: World, states: StateServer, file: Path
) -> None:
    """Also one that had nothing to do then: it might now."""
    _planned_for_the_vault(world, states, file)
    base = states.state("modules.base")
    states.put("modules.base", {**base, "serial": base["serial"] + 1})

    assert "the Terraform state of modules.base moved" in _refusal(world, file)


def test_a_plan_is_refused_when_its_inputs_moved(
    world: World, states: StateServer, file: Path
) -> None:
    """An output that an input reads is another one than it was; the input is named, its value is not."""
    _planned_for_the_vault(world, states, file)
    base = states.state("modules.base")
    base["outputs"]["text"]["value"] = "something else"
    states.put("modules.base", base)

    refusal = _refusal(world, file)
    assert "the inputs of modules.vault moved since the plan was made: text" in refusal
    assert "something else" not in refusal


@pytest.mark.parametrize(
    ("name", "moved"), [("main.tf", "code"), (".terraform.lock.hcl", "lock file")]
)
def test_a_plan_is_refused_when_a_fetched_module_moved(
    world: World, file: Path, tmp_path: Path, name: str, moved: str
) -> None:
    """A branch that a source names has other code, or other providers, than it had then."""
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet", "--initial-branch=main")
    (library / "main.tf").write_text(VAULT)
    (library / ".terraform.lock.hcl").write_text("# none\n")
    _committed(library)
    source = f"git::file://{library}?ref=main"
    world.declare({"vault": {"source": source, "inputs": {"text": "hello"}}}, None)
    world.commit()
    world.plan("--out", str(file))
    (library / name).write_text((library / name).read_text() + "# changed\n")
    _committed(library)

    assert f"the {moved} of modules.vault moved since the plan was made" in _refusal(world, file)


def test_a_plan_of_another_engine_is_refused(world: World, file: Path) -> None:
    """A plan file works with the very version that made it, so both are named."""
    _declare(world)
    world.plan("--out", str(file))
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
        assert b"keep it as private as the state" in archive.comment
    description = json.loads(content["plan.json"])
    for module in description["modules"].values():
        module["engine"] = "terraform 1.0.0"
    content["plan.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)

    assert "the plan of modules.base was made by terraform 1.0.0, and" in _refusal(world, file)


def _planned_for_the_vault(world: World, states: StateServer, file: Path) -> None:
    """Apply both modules, and save a plan that changes the vault alone."""
    _declare(world, state=states.settings)
    world.apply()
    world.write("modules/vault/main.tf", f'{VAULT}\noutput "more" {{ value = 1 }}\n')
    world.commit()
    world.plan("--out", str(file))


def _committed(library: Path) -> None:
    git(library, "add", "--all")
    git(library, "commit", "--quiet", "--message", "Change the module")


def _refusal(world: World, file: Path) -> str:
    entries = world.ledger()
    refused = world.run("apply", str(file), "--yes")
    assert refused.code == 1, refused.said
    assert world.ledger() == entries
    assert not world.locks()
    return " ".join(refused.stderr.split())
