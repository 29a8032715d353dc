"""The command line: its verbs, and how every kind of ending becomes an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click

from orchestrator import __version__
from orchestrator.bytecode import generated
from orchestrator.cli import (
    agent,
    approve,
    changing,
    history,
    ledger,
    previewing,
    reading,
    rollback,
    sandbox,
    terraform,
)
from orchestrator.cli.options import Options, fitted, pass_options, print_json
from orchestrator.errors import Interrupted, OrchestratorError, UsageError, unexpected
from orchestrator.garbage import look_rarely


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="orchestrator", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Run as if started in this directory.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log every step to stderr.")
@pass_options
def cli(options: Options, directory: Path, verbose: bool) -> None:
    """Plan and apply Terraform modules and Kubernetes manifests as one."""
    options.directory = directory.resolve()
    options.verbose = verbose


_VERBS = (
    *changing.VERBS,
    *approve.VERBS,
    *reading.VERBS,
    *history.VERBS,
    *rollback.VERBS,
    *previewing.VERBS,
    *ledger.VERBS,
    *terraform.VERBS,
    *agent.VERBS,
    sandbox.sandbox,
)
for verb in _VERBS:
    cli.add_command(verb)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    look_rarely()
    # While one thread imports, another that answers Terraform would wait five milliseconds for each of its turns.
    sys.setswitchinterval(0.0005)
    code = _run()
    with suppress(BrokenPipeError):  # whoever read our output has had enough
        sys.stdout.flush()
    sys.stderr.flush()
    generated.save()
    # Everything is closed and on the disk by now, and taking the interpreter apart takes longer than many verbs.
    os._exit(code)


def _run() -> int:
    options = Options(as_json=_asks_for_json(sys.argv[1:]))
    try:
        cli.main(standalone_mode=False, obj=options)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except click.exceptions.NoArgsIsHelpError as help_:
        help_.show()
        return UsageError.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        return Interrupted.exit_code
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - a bug is told like any other failure
        if options.verbose and not isinstance(error, OrchestratorError):
            traceback.print_exc()
        translated = _translated(error)
        _print_error(options, translated)
        return translated.exit_code
    return 0


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether an error is to be told as JSON too; a wrong call ends before the flags of its verb are read."""
    return bool({"--output=json", "-ojson"} & {*arguments}) or any(
        flag in {"--output", "-o"} and value == "json" for flag, value in pairwise(arguments)
    )


def _translated(error: Exception) -> OrchestratorError:
    return _wrong_call(error) if isinstance(error, click.ClickException) else unexpected(error)


def _wrong_call(error: click.ClickException) -> UsageError:
    message, _, more = error.format_message().partition(". ")
    context = error.ctx if isinstance(error, click.UsageError) else None
    called = context.command_path if context else "orchestrator"
    meant = more.strip("().")
    hint = f"see `{called} --help`"
    return UsageError(
        message[:1].lower() + message[1:].rstrip("."),
        hint=f"{meant[:1].lower()}{meant[1:]} Or {hint}" if meant else hint,
    )


def _print_error(options: Options, error: OrchestratorError) -> None:
    from orchestrator.reports.errors import render_error
    from orchestrator.reports.json import error_json

    if options.as_json:
        print_json(options, error_json(error))
    told = options.redact(render_error(error))
    click.echo(fitted(told, sys.stderr), err=True, nl=False)
