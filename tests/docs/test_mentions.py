"""What pages mention exists: verbs, flags, targets, links, files, tests, variables and messages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator.cli.history import WithDefault
from orchestrator.cli.main import cli
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.workloads import ownership
from tests.docs.console import steps
from tests.docs.pages import PAGES, ROOT, anchors, blocks, inline, links

_CALL = re.compile(r"(?:^|[\s(/])orchestrator((?: +(?![|>&;)#`])[^\s)`|;&]+)+)")
_TARGET = re.compile(r"(?:^|\s)make ([a-z][a-z-]+)")
_FILE = re.compile(r"(?:orchestrator|tests|stacks|docs|tools|benchmarks)/[\w./-]*\w/?")
_VARIABLE = re.compile(r"ORCHESTRATOR_[A-Z_]+")
_SHORTEST = 6  # a shorter piece of a message would be found anywhere
_MARKS = ownership.MARKS
_SOURCES = sorted((ROOT / "orchestrator").rglob("*.py"))

pages = pytest.mark.parametrize("page", PAGES)


def _commands(page: str) -> Iterator[str]:
    """Yield everything that a page shows as typed: console lines, and code in sentences."""
    yield from inline(page)
    for block in blocks(page):
        if block.language == "console":
            yield from (step.command.partition("   #")[0] for step in steps(block))
        elif block.language in {"text", "yaml"}:
            yield from block.text.splitlines()


@pages
def test_every_verb_and_flag_exists(page: str) -> None:
    """A call of the orchestrator names verbs and options that it has."""
    for command in _commands(page):
        for found in _CALL.finditer(command):
            ours, _, _ = found[1].partition(" -- ")  # what is behind the dashes is another tool's
            _check_call(shlex.split(ours, comments=True))


@pages
def test_every_flag_alone_exists(page: str) -> None:
    """A flag in a sentence is one of some verb, of git, or of a tool that the sentence is about."""
    known = {flag for command in _all(cli) for flag in _flags(command)}
    for text in inline(page):
        if text.startswith("--"):
            assert text.split()[0] in known, text


@pages
def test_every_target_exists(page: str) -> None:
    """`make NAME` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for command in _commands(page) for name in _TARGET.findall(command)}
    assert named <= targets


@pages
def test_every_link_leads_somewhere(page: str) -> None:
    """A link inside the project leads to a file, and to a heading in it."""
    for target in links(page):
        name, _, heading = target.partition("#")
        file = (PAGES[page].parent / name).resolve() if name else PAGES[page]
        assert file.exists(), target
        assert not heading or heading in anchors(file.read_text(encoding="utf-8")), target


@pages
def test_every_file_and_test_exists(page: str) -> None:
    """A path of this project that is named as code is there, and so is the test in it."""
    for text in inline(page):
        path, _, name = text.partition("::")
        if _FILE.fullmatch(path) and not path.endswith("NAME/") and path not in _MARKS:
            assert (ROOT / path).exists(), text
            assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), text


@pages
def test_every_variable_of_ours_is_read(page: str) -> None:
    """A variable that we are said to read is read."""
    source = "".join(file.read_text(encoding="utf-8") for file in _SOURCES)
    for name in _VARIABLE.findall(PAGES[page].read_text(encoding="utf-8")):
        assert f'"{name}"' in source, name


def test_the_packages_of_the_readme_are_those_that_there_are() -> None:
    """A newcomer finds every package in the first table, and none that is gone."""
    listed = {name.strip("`/") for name in _rows("../README.md", "package")}
    assert listed == {file.parent.name for file in (ROOT / "orchestrator").glob("*/__init__.py")}


def test_every_message_is_one_that_can_come() -> None:
    """A message in a table of the guide is in the source, apart from what differs."""
    source = _messages()
    for message in _rows("guide.md", "message"):
        for piece in message.strip("`").split("…"):
            words = piece.strip()
            assert len(words) < _SHORTEST or words in source, message


def test_variables_that_terraform_gets_are_passed_on() -> None:
    """The allow-list of the page is the one that is used."""
    named = [name for cell in _rows("terraform.md", "what", column=1) for name in _codes(cell)]
    assert len(named) > 40  # the table was read
    for name in named:
        variable = name.replace("*", "X")
        assert child_environment({variable: "1"}).get(variable) == "1", name
    for variable in ("TF_VAR_x", "TF_CLI_ARGS_plan", "TF_DATA_DIR", "TF_WORKSPACE", "SECRET"):
        assert variable not in child_environment({variable: "1"})


def _check_call(words: list[str]) -> None:
    command: click.Command = cli
    for word in words:
        if isinstance(command, WithDefault) and word not in command.commands:
            command = command.commands[WithDefault.default]
        if word.startswith("-"):
            flag = word.partition("=")[0]
            assert flag in _flags(command) or flag in _flags(cli), (command.name, flag)
        elif isinstance(command, click.Group) and word.islower():
            assert word in command.commands, word
            command = command.commands[word]


def _all(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _all(each)


def _flags(command: click.Command) -> set[str]:
    options = command.get_params(click.Context(command))
    return {name for option in options for name in (*option.opts, *option.secondary_opts)}


def _messages() -> str:
    """Return the source with texts that go on in the next line joined."""
    text = "".join(file.read_text(encoding="utf-8") for file in _SOURCES)
    return re.sub(r'"\s*\n\s*f?"', "", text)


def _rows(page: str, heading: str, *, column: int = 0) -> list[str]:
    """Return one column of the tables whose first heading is this one."""
    found, inside = [], False
    for line in Path(ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == heading:
            inside = True
        elif inside and not line.startswith(("|---", "| ---")):
            found.append(cells[column])
    return found


def _codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
