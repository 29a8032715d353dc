"""Secrets planted wherever a plan can carry one, and looked for in every byte that leaves a job which comments."""

import base64
import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.end_to_end.requests import add_origin, comment, propose, workflow
from tests.end_to_end.stacks import config_map, secret, stack_file
from tests.end_to_end.world import World, small_stack
from tests.forges.served import TOKEN, Served, serving
from tests.forges.small_forges import SmallGitHub
from tests.git import git

pytestmark = pytest.mark.integration

_PASSWORD = 'hunter2 "and" <then> sömé/more+'
_TOKEN = "tok-41f6a2c09b7e"
_FROM_OUTSIDE = "from-the-environment-8d1c"
_KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAAo\n-----END KEY-----\n"
_UNREAD = "not-read-as-a-value-5b3e"
_OF_THE_RUNNER = "of-the-runner-90c2"
_IN_AN_ADDRESS = "pw-of-an-address-77aa"
_ALL = (_PASSWORD, _TOKEN, _FROM_OUTSIDE, _IN_AN_ADDRESS, _UNREAD, _OF_THE_RUNNER)

_HIDING = """
variable "password" {
  type      = string
  sensitive = true
  default   = PASSWORD
}
variable "outside" {
  type      = string
  sensitive = true
}
resource "terraform_data" "marked" {
  input = { password = var.password, outside = var.outside }
}
resource "terraform_data" "copied" {
  input = nonsensitive("postgres://ada:${var.password}@db.example/?key=${urlencode(var.password)}")
}
resource "terraform_data" "encoded" {
  input = nonsensitive(jsonencode({ auth = base64encode("ada:${var.password}"), out = var.outside }))
}
output "token" {
  value     = "TOKEN"
  sensitive = true
}
"""
_FAILING = """
variable "password" {
  type      = string
  sensitive = true
  default   = PASSWORD
}
resource "terraform_data" "refused" {
  input = "x"
  lifecycle {
    precondition {
      condition     = length(nonsensitive(var.password)) == 0
      error_message = "not with ${nonsensitive(var.password)}"
    }
  }
}
"""
_COPYING = """
resource "terraform_data" "copied" {
  for_each = toset(["TOKEN"])
  input    = { each = each.key, (each.key) = "x" }
}
"""
_NOTING = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word" >> NOTED; done
exec PROGRAM "$@"
"""


@pytest.fixture
def forge() -> Iterator[Served]:
    """Give a GitHub with one pull request and no comments."""
    held = SmallGitHub()
    with serving(held):
        yield held


def _program(path: Path, program: str, noted: Path) -> None:
    """Write a program that notes what it is called with, and is another one otherwise."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(_NOTING.replace("NOTED", str(noted)).replace("PROGRAM", program))
    path.chmod(0o755)


def _stack(world: World, name: str, modules: dict[str, object]) -> None:
    """Write a stack of modules alone, beside the world's own."""
    folder = world.root / "stacks" / f"{world.name}-{name}"
    (folder / "failing").mkdir(parents=True, exist_ok=True)
    (folder / "copying").mkdir(exist_ok=True)
    (folder / "failing" / "main.tf").write_text(_with_secrets(_FAILING))
    (folder / "copying" / "main.tf").write_text(_with_secrets(_COPYING))
    (folder / "stack.yaml").write_text(stack_file(f"{world.name}-{name}", modules=modules))


def _with_secrets(text: str) -> str:
    return text.replace("PASSWORD", json.dumps(_PASSWORD, ensure_ascii=False)).replace(
        '"TOKEN"', f'"{_TOKEN}"'
    )


def _plant(world: World, tmp_path: Path) -> None:
    """Commit a change that has a secret in each place, and stacks that fail over one."""
    world.write("modules/base/hidden.tf", _with_secrets(_HIDING))
    file = world.write("stack.yaml", "").with_name("stack.yaml")
    file.write_text(
        stack_file(
            world.name,
            modules={"base": {"source": "./modules/base", "inputs": {"text": "hello"}}},
            manifests={"platform": {"path": "platform", "namespace": world.name}},
            terraform={"environment": ["TF_VAR_outside"], "binary": "./terraform.sh"},
        )
    )
    encoded = base64.b64encode(_PASSWORD.encode()).decode()
    world.manifests(
        "platform/secrets.yaml",
        secret("login", {"password": _PASSWORD, "key": _KEY}),
        {**secret("encoded", {}), "data": {"password": encoded}},
        {**secret("typed", {".dockerconfigjson": "{}"}), "immutable": False},
        config_map(
            "copies",
            {
                "url": f"https://ada:{quote(_PASSWORD, safe='')}@db.example",
                "pem": f"x\n{_KEY}y",
                "json": json.dumps({"a": json.dumps({"password": _PASSWORD})}),
                "long": json.dumps({"x": "x" * 300, "pem": _KEY, "password": _PASSWORD}),
                "token": "Bearer ${{ modules.base.token }}",
                "basic": base64.b64encode(f"ada:{_PASSWORD}".encode()).decode(),
            },
            annotations={
                "example.com/was": _PASSWORD,
                "example.com/token": "x-${{ modules.base.token }}",
            },
        ),
    )
    _stack(world, "b", {"failing": {"source": "./failing"}})
    far = f"git::https://ada:{_IN_AN_ADDRESS}@127.0.0.1:1/modules.git?ref=v1.0.0"
    _stack(world, "c", {"far": {"source": far}})
    # Nothing in it is a secret to who plans it alone, and it is planned before the one is that tells.
    _stack(world, "d", {"copying": {"source": "./copying"}})
    _stack(world, "e", {})
    broken = world.root / "stacks" / f"{world.name}-e"
    (broken / "secret.yaml").write_text(
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  key: *{_UNREAD}\n"
    )
    (broken / "stack.yaml").write_text(
        stack_file(f"{world.name}-e", manifests={"db": {"path": "secret.yaml"}})
    )
    outside = tmp_path / "credentials"
    outside.write_text(f"machine git.example login ci password {_OF_THE_RUNNER}\n")
    _stack(world, "f", {})
    linked = world.root / "stacks" / f"{world.name}-f" / "stack.yaml"
    linked.unlink()
    linked.symlink_to(outside)
    world.commit("Plant secrets")


def _forms() -> Iterator[str]:
    """Yield what must be nowhere: each secret as it is, and as others write it."""
    for value in _ALL:
        once = json.dumps(value)[1:-1]
        yield from (
            value,
            once,
            json.dumps(once)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        )
        yield from (quote(value), quote(value, safe=""), html.escape(value))
        for text in (value, f"ada:{value}"):
            yield base64.b64encode(text.encode()).decode().rstrip("=")
    yield from _KEY.splitlines()[1:3]
    yield "hunter2"


def test_no_secret_is_in_any_byte_that_leaves(world: World, forge: Served, tmp_path: Path) -> None:
    """Comment, statuses and whatever else the forge gets, summary, outputs, page, JSON, log, and words of processes."""
    small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    noted, programs = tmp_path / "noted", tmp_path / "programs"
    _program(world.root / "terraform.sh", "terraform", noted)
    _program(programs / "git", shutil.which("git") or "git", noted)
    _plant(world, tmp_path)
    propose(world, forge)
    files = {
        f"GITHUB_{name}": tmp_path / name for name in ("STEP_SUMMARY", "OUTPUT", "ENV", "STATE")
    }
    page = tmp_path / "page.html"
    given = {
        **{name: str(file) for name, file in files.items()},
        "TF_VAR_outside": _FROM_OUTSIDE,
        "PATH": f"{programs}:{world.variables['PATH']}",
    }

    given |= workflow(forge)
    told = world.run("--verbose", "comment", "--html", str(page), directory=None, **given)
    as_json = comment(world, forge, "--output", "json", **given)

    assert told.code == as_json.code == 1, told.said
    assert "secret.yaml:5:8: text cannot start as this one does" in forge.texts[0]
    assert "leads out of the repository by a symbolic link" in forge.texts[0]
    assert "4 of 6 plans failed" in forge.texts[0]
    left = {
        "stdout": told.stdout + as_json.stdout,
        "stderr": told.stderr + as_json.stderr,
        "page": html.unescape(page.read_text()) + page.read_text(),
        # Terraform itself hands an address to Git, as it stands in the stack file.
        "processes": noted.read_text().replace(_IN_AN_ADDRESS, ""),
        "forge": "\n".join(forge.received),
        **{name: file.read_text() for name, file in files.items() if file.exists()},
    }
    for name, text in left.items():
        assert [form for form in _forms() if form in text] == [], name
    tokens = [line for line in left["forge"].splitlines() if TOKEN in line]
    assert {line.partition(":")[0] for line in tokens} == {"Authorization"}
    assert [name for name, text in left.items() if name != "forge" and TOKEN in text] == []
    assert "plan" in left["processes"]
    assert "terraform_data.copied" in forge.texts[0]
    assert "x" * 300 in left["page"]
    assert "precondition" in forge.texts[0].lower()
