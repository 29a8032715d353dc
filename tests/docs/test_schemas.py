"""The published schemas say of a file what loading it says, as far as its shape goes."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.errors import InvalidStack
from orchestrator.settings import Settings
from orchestrator.stack.load import StackFile
from orchestrator.stack.project import Project
from tests.docs.pages import ROOT
from tests.stack.stack_files import load_environments

_STACK = Draft7Validator(json.loads((ROOT / "docs" / "stack.schema.json").read_text()))
_PROJECT = Draft7Validator(json.loads((ROOT / "docs" / "orchestrator.schema.json").read_text()))

_AGENT = Draft7Validator(json.loads((ROOT / "docs" / "agent.schema.json").read_text()))

_STACKS = sorted(path.parent.name for path in ROOT.glob("stacks/*/stack.yaml"))

# One of everything, in a form that loads.
_WHOLE: dict[str, Any] = {
    "version": 1,
    "name": "shop",
    "vars": {"replicas": 2, "domain": "shop.example"},
    "environments": {"staging": None, "production": {"vars": {"replicas": 6}}},
    "state": {"backend": "s3", "config": {"key": "${{ environment }}/${{ unit }}"}},
    "cluster": {"context": "dev"},
    "terraform": {"binary": "tofu", "version": ">= 1.8", "environment": ["TF_VAR_x"]},
    "ledger": {"remote": False},
    "modules": {"base": {"source": "./base", "inputs": {"list": [1, "two"]}, "protect": True}},
    "manifests": {
        "web": {"path": "web", "namespace": "shop", "needs": ["base"], "wait": {"timeout": "90s"}},
        "more": {"path": "more", "wait": False, "drift": "report"},
    },
}
_SPOILED: list[tuple[tuple[str, ...], Any]] = [
    (("version",), 2),
    (("version",), None),
    (("name",), "Shop"),
    (("name",), "x" * 41),
    (("colour",), "red"),
    (("vars", "1st"), 1),
    (("environments", "Staging"), {}),
    (("environments", "staging"), {"modules": {}}),
    (("state", "backend"), None),
    (("state", "config"), []),
    (("cluster", "exec"), []),
    (("cluster", "sandbox"), "yes"),
    (("terraform", "environment"), "HOME"),
    (("ledger", "remote"), True),
    (("modules", "base", "source"), ""),
    (("modules", "base", "protect"), "true"),
    (("modules", "base", "needs"), "web"),
    (("modules", "my_base"), {"source": "./base"}),
    (("manifests", "web", "path"), 7),
    (("manifests", "web", "wait"), True),
    (("manifests", "web", "wait", "timeout"), "90"),
    (("manifests", "web", "wait", "timeout"), "soon"),
    (("manifests", "web", "drift"), "mend"),
    (("manifests", "web", "conflicts"), "force"),
    (("manifests", "web", "adopt"), ["helm"]),
    (("manifests", "web", "replace"), "yes"),
    (("manifests", "web", "namespaces"), "shop"),
]


def _spoiled(path: tuple[str, ...], value: Any, whole: Any = _WHOLE) -> dict[str, Any]:
    """Return the whole with another value at a path; None takes the key away."""
    document: dict[str, Any] = json.loads(json.dumps(whole))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


def _loads(document: dict[str, Any], root: Path) -> bool:
    (root / "base").mkdir()
    (root / "base" / "main.tf").touch()
    (root / "stack.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    try:
        load_environments(root, StackFile(name="shop", file="stack.yaml"), Project())
    except InvalidStack:
        return False
    return True


def test_what_loads_is_valid(tmp_path: Path) -> None:
    """A stack file that has one of everything is valid for editors too."""
    assert _loads(_WHOLE, tmp_path)
    assert not list(_STACK.iter_errors(_WHOLE))


@pytest.mark.parametrize(("path", "value"), _SPOILED)
def test_what_does_not_load_is_underlined(
    path: tuple[str, ...], value: Any, tmp_path: Path
) -> None:
    """Each spoiled key, name or type is a mistake for both."""
    document = _spoiled(path, value)
    assert not _loads(document, tmp_path)
    assert not _STACK.is_valid(document)


@pytest.mark.parametrize("stack", _STACKS)
def test_the_examples_are_valid(stack: str) -> None:
    """The stacks of this repository are what their schema says, and tell editors where it is."""
    file = ROOT / "stacks" / stack / "stack.yaml"
    assert not list(_STACK.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert _named_in(file) == ROOT / "docs" / "stack.schema.json"


def test_our_own_settings_are_valid() -> None:
    """So are the settings for them."""
    file = ROOT / "orchestrator.yaml"
    assert not list(_PROJECT.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert not _PROJECT.is_valid({"stack": ["stacks/*/stack.yaml"]})
    assert _named_in(file) == ROOT / "docs" / "orchestrator.schema.json"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("repositories",), None),
        (("workers",), 0),
        (("listen",), "8080"),
        (("repositories", "Shop"), {"url": "x"}),
        (("repositories", "shop", "url"), None),
        (("repositories", "shop", "poll"), "soon"),
        (("repositories", "shop", "webhook", "kind"), "bitbucket"),
        (("repositories", "shop", "stacks", "shop", "drift", "policy"), "mend"),
        (("repositories", "shop", "stacks", "shop", "service_account"), "deployer"),
    ],
)
def test_editors_know_the_agents_file(path: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    """What the agent takes is valid for editors too, and what it refuses for its shape is not."""
    whole: dict[str, Any] = {
        "version": 1,
        "listen": ":8080",
        "repositories": {
            "shop": {
                "url": "https://git.example.org/shop.git",
                "webhook": {"kind": "github", "secret_file": "hook"},
                "stacks": {"shop": {"drift": {"policy": "report", "infrastructure": False}}},
            }
        },
    }
    file = tmp_path / "agent.yaml"
    for document, valid in ((whole, True), (_spoiled(path, value, whole), False)):
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        assert _AGENT.is_valid(document) is valid
        with nullcontext() if valid else pytest.raises(InvalidStack):
            load_configuration(file, Settings.read())


def _named_in(file: Path) -> Path:
    """Return the schema that a comment in the first line names for editors."""
    first = file.read_text(encoding="utf-8").splitlines()[0]
    return (file.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()
