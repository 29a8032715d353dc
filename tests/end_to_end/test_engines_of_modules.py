"""Engines of modules: a module may ask for another engine, version or time limit than its stack."""

import shutil
from pathlib import Path

import pytest

from orchestrator.stack.model import Json
from tests.end_to_end.stacks import ECHO
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration


def declare(world: World, engine: Json, **more: Json) -> None:
    """Commit two modules, of which one says something of its engine."""
    world.write("modules/base/main.tf", ECHO)
    base: Json = {"source": "./modules/base", "inputs": {"text": "hello"}}
    assert isinstance(base, dict)
    world.declare({"base": base, "other": {**base, "terraform": engine}}, None, **more)
    world.commit()


def noting_engine(world: World, name: str) -> Path:
    """Commit an engine below the repository's root that notes where and with what it is run."""
    engine = shutil.which("terraform") or shutil.which("tofu")
    assert engine
    program, log = world.root / name, world.root.with_name(f"{name}.log")
    program.write_text(f'#!/bin/sh\necho "$PWD $*" >> "{log}"\nexec {engine} "$@"\n')
    program.chmod(0o755)
    return log


def test_a_module_runs_with_an_engine_of_its_own(world: World) -> None:
    """The engine that a module names runs it, and no other module; its plan file is opened by that one again."""
    log = noting_engine(world, "noting")
    declare(world, {"binary": "./noting"})

    world.plan("--out", str(world.root.with_name("saved.plan")))
    ended = world.run("apply", str(world.root.with_name("saved.plan")), "--yes")

    assert ended.code == 0, ended.said
    assert world.state("other")["resources"]
    folders = {line for line in log.read_text().splitlines() if "/units/" in line}
    assert folders
    assert all("/other/" in folder for folder in folders)


def test_what_a_module_asks_for_is_told_as_its_own(world: World) -> None:
    """Which engine was found, and which constraint of which module it does not meet."""
    declare(world, {"version": ">= 99.1"}, terraform={"version": ">= 1.5"})

    ended = world.run("plan", world.name)

    assert ended.code != 0
    assert "no usable Terraform or OpenTofu `>= 99.1` for modules.other" in ended.said
    assert "is not `>= 99.1`, which modules.other asks for" in ended.said


def test_a_module_says_only_what_differs(world: World) -> None:
    """What it leaves out is what the stack says: here the binary, beside a time limit of its own."""
    log = noting_engine(world, "noting")
    declare(world, {"timeout": "90m"}, terraform={"binary": "./noting"})

    world.plan()

    assert any("/other/" in line for line in log.read_text().splitlines())
