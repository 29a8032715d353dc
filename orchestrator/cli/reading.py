"""The verbs that only read: validate, schema, graph, lock status, doctor; and the small ones beside them."""

import sys

import click

from orchestrator.cli.options import (
    Options,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.surroundings import session_of
from orchestrator.settings import Settings


@click.command()
@stack_arguments
@output_option
@pass_options
def validate(options: Options, stack: str | None, environment: str | None, output: str) -> None:
    """Check stack files, manifests and module inputs; without STACK, all of them."""
    from orchestrator.engine.validation import validate as check_stacks

    options.as_json = output == "json"
    checked = check_stacks(options.directory, stack=stack, environment=environment)
    if options.as_json:
        return print_json(options, {"format": 1, "valid": [str(name) for name in checked]})
    for name in checked:
        click.echo(f"{name}: valid")
    return None


@click.command()
@click.argument(
    "document",
    type=click.Choice(["stack.yaml", "orchestrator.yaml", "agent.yaml", "plan"]),
    default="stack.yaml",
)
def schema(document: str) -> None:
    """Print the JSON Schema of a file that people write, for editors; or of a plan, for programs."""
    from orchestrator.agent.configuration.schema import agent_json_schema
    from orchestrator.reports.json import dumps
    from orchestrator.reports.schema import plan_schema
    from orchestrator.stack.published import json_schema, project_json_schema

    schemas = {
        "stack.yaml": json_schema,
        "orchestrator.yaml": project_json_schema,
        "agent.yaml": agent_json_schema,
        "plan": plan_schema,
    }
    click.echo(dumps(schemas[document]()), nl=False)


@click.command()
@stack_arguments
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "dot", "mermaid"]),
    default="text",
    show_default=True,
    help="How to draw it.",
)
@pass_options
def graph(options: Options, stack: str | None, environment: str | None, form: str) -> None:
    """Show a stack's units and what each needs."""
    from orchestrator.engine.validation import read_graph
    from orchestrator.reports.graph import RENDERERS

    name, units = read_graph(options.directory, stack=stack, environment=environment)
    click.echo(RENDERERS[form](units, name), nl=False)


@click.command()
@click.argument("name")
@pass_options
def init(options: Options, name: str) -> None:
    """Write a small commented stack to start from."""
    from orchestrator.repository.root import nearest_root
    from orchestrator.stack.template import write_stack

    for path in write_stack(nearest_root(options.directory), name):
        click.echo(f"wrote {path}")
    click.echo(f"Next: commit it, then `orchestrator plan {name}`.")


@click.group()
def lock() -> None:
    """Look at the lock that lets one run at a time change a stack in an environment."""


@lock.command("status")
@stack_arguments
@output_option
@pass_options
def lock_status(options: Options, stack: str | None, environment: str | None, output: str) -> None:
    """Show who holds the lock, since when, its last heartbeat, and who waits for it."""
    from orchestrator.engine.locks import read_lock
    from orchestrator.reports.lock import lock_json, render_lock

    options.as_json = output == "json"
    with session_of(options, stack, environment, gone=True) as (session, _):
        status = read_lock(session)
    if options.as_json:
        print_json(options, lock_json(status))
    else:
        click.echo(options.redact(render_lock(status)), nl=False)


@click.command()
@stack_arguments
@click.option(
    "--force", metavar="HOLDER", help="Release even a living holder's lock, named by its id."
)
@pass_options
def unlock(options: Options, stack: str | None, environment: str | None, force: str | None) -> None:
    """Release a lock whose holder is dead: its process ended here, or it is watched and gives no heartbeat."""
    from orchestrator.engine.locks import release_lock

    with session_of(options, stack, environment, gone=True) as (session, _):
        click.echo(release_lock(session, force=force))


@click.command()
@output_option
@pass_options
def doctor(options: Options, output: str) -> None:
    """Say what this machine has, what is missing and how to get it."""
    from orchestrator.engine.doctor import examine
    from orchestrator.reports.doctor import findings_json, render_findings

    options.as_json = output == "json"
    findings = examine(Settings.read(), options.directory)
    if options.as_json:
        print_json(options, findings_json(findings))
    else:
        click.echo(render_findings(findings), nl=False)
    sys.exit(1 if any(finding.missing for finding in findings) else 0)


VERBS = (validate, schema, graph, init, lock, unlock, doctor)
