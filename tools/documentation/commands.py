"""The verbs of the command line and the targets of the Makefile, as those who run them are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.main import cli
from tools.documentation.markdown import code, table

_TARGET = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<text>.+)$", re.MULTILINE)


def verbs() -> str:
    """Return a section for the options before the verb, and one for each verb."""
    root = click.Context(cli, info_name="orchestrator")
    return "\n\n".join(_sections(root))


def targets(makefile: Path) -> str:
    """Return the targets of the Makefile."""
    found = _TARGET.finditer(makefile.read_text(encoding="utf-8"))
    rows = [(code(f"make {target['name']}"), target["text"]) for target in found]
    return table(("target", "what it does"), rows)


def _sections(context: click.Context) -> Iterator[str]:
    command = context.command
    yield _section(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None  # noqa: S101 - it was just listed
            if not inner.hidden:
                yield from _sections(click.Context(inner, info_name=name, parent=context))


def _section(context: click.Context) -> str:
    command = context.command
    pieces = [" ".join(command.collect_usage_pieces(context))]
    usage = f"```text\n{context.command_path} {pieces[0]}\n```"
    told = _paragraphs(command.help or "")
    options = [row for each in command.get_params(context) if (row := _row(each, context))]
    listed = [table(("option", "what it does", "default"), options)] if options else []
    return "\n\n".join([f"## {context.command_path}", usage, *told, *listed])


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, ...] | None:
    record = parameter.get_help_record(context)
    if record is None or not isinstance(parameter, click.Option) or "--help" in parameter.opts:
        return None
    names, told = record
    return code(names), told.partition("  [default:")[0], _default(parameter)


def _default(option: click.Option) -> str:
    default: Any = option.default
    return code(str(default)) if option.show_default else ""
