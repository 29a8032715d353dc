"""The verbs of the pull agent: its loop, and what its children are started with."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import Options, lock_timeout_option, pass_options, stack_arguments
from orchestrator.cli.surroundings import book_of, surroundings_of

if TYPE_CHECKING:
    from orchestrator.agent.configuration.model import Configuration
    from orchestrator.agent.loop import Loop
    from orchestrator.agent.metrics.gathering import Deliveries

_LATER = "the agent goes on: it is read each time that it is needed"
_config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default="agent.yaml",
    show_default=True,
    help="The agent's own file.",
)


@click.group(invoke_without_command=True)
@_config_option
@click.option("--once", is_flag=True, help="Do what is due, and end: for a schedule of CI.")
@click.pass_context
@pass_options
def agent(options: Options, context: click.Context, config: Path, once: bool) -> None:
    """Keep stacks equal to Git: watch repositories, and apply what moved or drifted."""
    if context.invoked_subcommand is None:
        _run(options, config, once=once)


def _run(options: Options, config: Path, *, once: bool) -> None:
    from orchestrator import log
    from orchestrator.agent.configuration.files import not_there
    from orchestrator.agent.configuration.notifications import variables
    from orchestrator.agent.journal import journal
    from orchestrator.agent.loop import Loop
    from orchestrator.agent.outcome import Outcome
    from orchestrator.agent.outside import telling_outside
    from orchestrator.cli.signals import stopping_on_signals
    from orchestrator.garbage import look_now_and_then
    from orchestrator.processes import Stop
    from orchestrator.settings import Settings

    look_now_and_then()
    configuration, settings = _configuration(options, config), Settings.read()
    stop, outcome = Stop(), Outcome()
    log.configure(verbose=options.verbose, told=True, terminal=sys.stderr.isatty(), redact=str)
    for file in not_there(configuration):
        log.trouble("file cannot be read", file=str(file), hint=_LATER)
    loop = Loop(
        configuration=configuration,
        settings=settings.without(variables(configuration.channels)),
        stop=stop,
        listeners=[journal, outcome.listen],
        once=once,
    )
    with telling_outside(loop, settings) as outside:
        loop.listeners += outside.listeners
        served = nullcontext() if once else _in_company(loop, outside.deliveries)
        with stopping_on_signals(stop), served:
            loop.run()
    sys.exit(outcome.exit_code(loop.ends, interrupted=stop.requested) if once else 0)


@contextmanager
def _in_company(loop: "Loop", deliveries: "Callable[[], Deliveries]") -> "Iterator[None]":
    """Share the work with other replicas, and answer over HTTP, while the block lasts, as the agent is told."""
    from orchestrator.agent.replicas.opening import joined

    with joined(loop.configuration, loop.settings) as loop.sharing, _served(loop, deliveries):
        yield


@contextmanager
def _served(loop: "Loop", deliveries: "Callable[[], Deliveries]") -> "Iterator[None]":
    """Answer over HTTP while the block lasts, where the agent is told an address for that."""
    if not loop.configuration.listen:
        yield
        return
    from orchestrator import log
    from orchestrator.agent.hooks import hooks_of
    from orchestrator.agent.metrics.gathering import Gathering
    from orchestrator.agent.serving import serving
    from orchestrator.agent.wellbeing import Wellbeing

    wellbeing = Wellbeing(loop=loop)
    gathering = Gathering(loop=loop, deliveries=deliveries)
    loop.listeners += [wellbeing.listen, gathering.listen]
    routes = {
        "/healthz": wellbeing.healthy,
        "/readyz": wellbeing.ready,
        "/metrics": gathering.answer,
    }
    hooks = hooks_of(loop.configuration, loop.tell)
    with serving(loop.configuration.listen, routes, hooks) as port:
        log.tell("agent listens", port=port)
        yield


@agent.command()
@stack_arguments
@click.option("--why", required=True, metavar="TEXT", help="Why; it is recorded.")
@lock_timeout_option
@pass_options
def suspend(
    options: Options, stack: str | None, environment: str | None, why: str, lock_timeout: float
) -> None:
    """Have agents leave a stack alone, until it is resumed; people and pipelines may go on."""
    from orchestrator.engine.suspending import suspend as record

    with book_of(options, stack, environment) as book:
        click.echo(options.redact(record(book, why, patience=lock_timeout)))


@agent.command()
@stack_arguments
@click.option("--why", default="", metavar="TEXT", help="Why; it is recorded.")
@lock_timeout_option
@pass_options
def resume(
    options: Options, stack: str | None, environment: str | None, why: str, lock_timeout: float
) -> None:
    """Have agents keep a suspended stack equal to Git again."""
    from orchestrator.engine.suspending import resume as record

    with book_of(options, stack, environment) as book:
        click.echo(options.redact(record(book, why, patience=lock_timeout)))


@agent.command()
@_config_option
@click.option("--image", required=True, metavar="IMAGE", help="The image, best with its digest.")
@click.option("--namespace", default="orchestrator", show_default=True, metavar="NAME")
@click.option(
    "--replicas",
    type=click.IntRange(1, 16),
    help="How many; 2 where the file has `leader`, else 1.",
)
@click.option("--service-monitor", is_flag=True, help="With one for the Prometheus Operator.")
@pass_options
def manifests(
    options: Options,
    config: Path,
    image: str,
    namespace: str,
    replicas: int | None,
    service_monitor: bool,
) -> None:
    """Print what installs the agent in a cluster, with the rights that the stacks at hand need."""
    from orchestrator.agent.installing.gathering import elsewhere, fleeting, installation, keeps
    from orchestrator.agent.installing.manifests import manifests as render
    from orchestrator.agent.installing.manifests import written
    from orchestrator.agent.installing.placing import needed_files, troubles
    from orchestrator.engine.needs import wants

    configuration = _configuration(options, config)
    with surroundings_of(options) as surroundings:
        found = tuple(wants(surroundings, lambda file: keeps(configuration, file)))
        usual = surroundings.settings.cache / "agents" / configuration.name
    wanted = installation(
        configuration,
        found,
        file=configuration.said.decode(),
        image=image,
        placed=(namespace, replicas or (2 if configuration.leader else 1)),
        monitored=service_monitor,
    )
    for name, where in elsewhere(configuration, found):
        click.echo(f"warning: no rights for {name}: it is in {where}, not in this one", err=True)
    here = (of_stack for of_stack in found if not of_stack.elsewhere)
    for each in (title for of_stack in here for title in of_stack.unplaced):
        click.echo(f"warning: no rights for {each}: its namespace is known only later", err=True)
    for name in fleeting(configuration, found):
        lost = "its state would be in a Pod, and end with it: give it a backend, by its key state"
        click.echo(f"warning: {name} has modules, and {lost}", err=True)
    for trouble in troubles(configuration, usual=usual):
        click.echo(f"warning: {trouble}", err=True)
    for name in wanted.elsewhere:
        click.echo(f"note: the namespace {name} has to be there first", err=True)
    ports = ", ".join(map(str, wanted.outwards))
    others = "for other registries, clusters, channels or stores of state add theirs to its NetworkPolicy"
    click.echo(f"note: the agent can reach the ports {ports} alone: {others}", err=True)
    if files := needed_files(configuration):
        where = f"the Secret {wanted.name} in the namespace {namespace}"
        click.echo(f"note: {where} has to hold {', '.join(files)}", err=True)
    click.echo(written(render(wanted)), nl=False)


@agent.command(hidden=True)
@click.argument("task")
@click.argument("repository")
@click.argument("stack", default="")
@click.argument("environment", default="")
@_config_option
@click.option("--as-read", type=click.Path(path_type=Path))
@click.option("--revision", required=True, metavar="COMMIT")
@click.option("--declared", default="", metavar="COMMIT")
@click.option("--newer", type=click.Path(path_type=Path))
@click.option("--look", multiple=True, metavar="STACK/ENVIRONMENT")
@pass_options
def work(
    options: Options,
    task: str,
    repository: str,
    stack: str,
    environment: str,
    config: Path,
    as_read: Path | None,
    revision: str,
    declared: str,
    newer: Path | None,
    look: tuple[str, ...],
) -> None:
    """Do one task of the agent, and say in JSON what came of it."""
    from orchestrator.agent.decisions.agenda import Key, Task
    from orchestrator.agent.work.child import work as do_work
    from orchestrator.agent.work.order import Order

    order = Order(
        configuration=_configuration(options, config, as_read=as_read),
        task=Task(task),
        key=Key(repository=repository, stack=stack, environment=environment),
        revision=revision,
        declared=declared,
        newer=newer,
        looks=tuple(
            Key(repository=repository, stack=name, environment=variant)
            for name, _, variant in (each.partition("/") for each in look)
        ),
    )
    with surroundings_of(options) as surroundings:
        document = do_work(order, surroundings)
    click.echo(document, nl=False)


def _configuration(
    options: Options, config: Path, *, as_read: Path | None = None
) -> "Configuration":
    from orchestrator.agent.configuration.load import load_configuration
    from orchestrator.settings import Settings

    return load_configuration(options.directory / config, Settings.read(), as_read=as_read)


VERBS = (agent,)
"""The verb with all that is below it."""
