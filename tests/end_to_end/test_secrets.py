"""What a module marks as sensitive is in its state and in the Secret that asked for it, and nowhere else."""

import base64
import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.end_to_end.stacks import config_map, secret
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_PASSWORD = """
variable "round" {
  type = string
}

resource "terraform_data" "password" {
  input = sensitive("pass/word+${uuid()}")

  lifecycle {
    ignore_changes = [input]
  }
}

resource "terraform_data" "user" {
  triggers_replace = var.round

  provisioner "local-exec" {
    command = "test first = $ROUND || echo signing in with $PASSWORD; test broken != $ROUND"
    environment = {
      PASSWORD = nonsensitive(terraform_data.password.output)
      ROUND    = var.round
    }
  }
}

output "password" {
  value     = terraform_data.password.output
  sensitive = true
}

output "address" {
  value     = "https://shop:${urlencode(terraform_data.password.output)}@example.org"
  sensitive = true
}
"""
"""A password of its own making, told after the first round to a program, which fails in the round ``broken``."""

_TAKES = """
variable "address" {
  type = string
}

resource "terraform_data" "taken" {
  input = var.address
}

output "taken" {
  value     = terraform_data.taken.output
  sensitive = true
}
"""
"""A module that is not told that what it takes is a secret."""


def test_a_secret_is_nowhere_but_in_state_and_cluster(world: World, tmp_path: Path) -> None:
    """Not in what is printed, logged or saved for the ledger, nor in any file or object that stays."""
    _declare(world, round_="first")
    said = [world.run("apply", world.name, "--yes").said]
    password = _password(world)
    assert world.secret("database", "password") == password
    assert world.secret("database", "url") == f"postgres://shop:{password}@db"

    _declare(world, round_="second")
    said += _said_by_every_verb(world, tmp_path / "saved")

    for text in said:
        _assert_free(password, text.encode(), "what was said")
    for name, content in _git_objects(world):
        _assert_free(password, content, name)
    for file in _files(world):
        _assert_free(password, file.read_bytes(), str(file))
    assert world.left_behind() == []


def test_what_a_failing_program_tells_is_redacted(world: World) -> None:
    """Terraform quotes the output of a provisioner that failed; the secret in it is one that is known."""
    _declare(world, round_="first")
    world.apply()
    password = _password(world)

    _declare(world, round_="broken")
    failed = world.run("--verbose", "apply", world.name, "--yes", "--output", "json")

    assert failed.code == 1
    assert "signing in with" in failed.stdout
    assert "(sensitive)" in failed.stdout
    _assert_free(password, failed.said.encode(), "what was said")
    for name, content in _git_objects(world):
        _assert_free(password, content, name)


def test_only_the_owner_can_read_what_holds_secrets(world: World, tmp_path: Path) -> None:
    """Our folder is 0700, states are 0600, and so is a saved plan."""
    _declare(world, round_="first")
    world.apply()
    _declare(world, round_="second")
    plan = tmp_path / "plan"
    world.plan("--out", str(plan))

    folder = world.root / ".orchestrator"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    assert zipfile.is_zipfile(plan)
    for file in (folder / "state").rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600), file
    for path in (folder / "units").rglob("*"):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert git(world.root, "status", "--porcelain", "--ignored") == "!! .orchestrator/"


def test_a_name_stays_readable_that_a_secret_consists_of(world: World) -> None:
    """A user called as a unit, an environment, a kind and an object: where that is told, it is no secret."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "postgres"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    words = ("postgres", "default", "PersistentVolumeClaim", "create", "object", world.name)
    world.declare({}, {"postgres": {"path": "shop.yaml", "namespace": world.name, "wait": False}})
    user = secret("login", {f"user{number}": word for number, word in enumerate(words)})
    world.manifests("shop.yaml", user, claim, config_map("users", {"user": "postgres"}))
    world.commit()

    shown = world.plan().stdout
    found = json.loads(world.run("plan", world.name, "--output", "json").stdout)
    world.apply()
    world.manifests("shop.yaml", user)
    world.commit()
    refused = world.run("apply", world.name, "--yes")

    assert f"+ PersistentVolumeClaim {world.name}/postgres" in shown
    assert f"applying {world.name}/default at" in shown
    assert "  manifests.postgres\n" in shown
    assert 'data.user  "(sensitive)"' in shown
    assert (found["stack"], found["environment"]) == (world.name, "default")
    assert [unit["unit"] for unit in found["units"]] == ["manifests.postgres"]
    changes = {one["name"]: one for one in found["units"][0]["changes"]}
    assert changes[f"PersistentVolumeClaim {world.name}/postgres"]["action"] == "create"
    assert {one["subject"] for one in changes.values()} == {"object"}
    values = {f["path"]: f["after"] for f in changes[f"ConfigMap {world.name}/users"]["fields"]}
    assert values["data.user"] == {"value": "(sensitive)", "redacted": True}
    assert refused.code == 1
    assert f"--acknowledge 'PersistentVolumeClaim {world.name}/postgres'" in refused.stderr
    assert world.run("history", world.name).stdout.startswith(f"{world.name}/default\n")


def _declare(world: World, *, round_: str) -> None:
    world.write("modules/database/main.tf", _PASSWORD)
    world.write("modules/takes/main.tf", _TAKES)
    world.declare(
        {
            "database": {"source": "./modules/database", "inputs": {"round": round_}},
            "takes": {
                "source": "./modules/takes",
                "inputs": {"address": "${{ modules.database.address }}"},
            },
        },
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
    )
    password = "${{ modules.database.password }}"
    world.manifests(
        "shop.yaml",
        secret("database", {"password": password, "url": f"postgres://shop:{password}@db"}),
        config_map("mistake", {"round": round_, "url": "${{ modules.takes.taken }}"}),
    )
    world.commit()


def _password(world: World) -> str:
    value: str = world.state("database")["outputs"]["password"]["value"]
    assert value.startswith("pass/word+")
    return value


def _said_by_every_verb(world: World, saved: Path) -> Iterator[str]:
    for command in (
        ("--verbose", "plan", world.name),
        ("plan", world.name, "--output", "json", "--out", str(saved)),
        ("--verbose", "apply", str(saved), "--yes", "--output", "json"),
        ("--verbose", "apply", world.name, "--yes"),
        ("status", world.name, "--output", "json"),
        ("history", world.name, "--output", "json"),
        ("plan", world.name, "--destroy", "--output", "json"),
        ("--verbose", "plan", world.name, "--destroy"),
    ):
        ended = world.run(*command)
        assert ended.code == 0, ended.said
        yield ended.said


def _git_objects(world: World) -> Iterator[tuple[str, bytes]]:
    """Yield every object that is in the repository, the ledger's among them."""
    listed = git(world.root, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    assert any(
        "entry.json" in git(world.root, "cat-file", "-p", line.split()[0])
        for line in listed
        if " tree " in line
    )
    for line in listed:
        name, kind, _ = line.split()
        if kind != "tree":
            yield name, git(world.root, "cat-file", kind, name).encode()


def _files(world: World) -> Iterator[Path]:
    """Yield every file that is left in our folder, states apart."""
    folder = world.root / ".orchestrator"
    found = [
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.is_relative_to(folder / "state")
    ]
    assert found
    yield from found


def _assert_free(password: str, content: bytes, where: str) -> None:
    encoded = (
        base64.b64encode(f"{lead}{password}".encode()).decode()[4:-4] for lead in ("", "a", "ab")
    )
    for form in (password, password.removeprefix("pass/word+"), quote(password, safe=""), *encoded):
        assert form.encode() not in content, f"{form} in {where}"
