"""What a run is given: its settings, its display, and signals turned into a request to stop."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from orchestrator import clock
from orchestrator.cli.options import Options
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.session import Session, Surroundings
    from orchestrator.plans.events import Event
    from orchestrator.plans.redaction import Secrets
    from orchestrator.processes import Stop

_PATIENCE = 2  # the third request breaks off even what does not look at the first two


@contextmanager
def session_of(
    options: Options, stack: str | None, environment: str | None
) -> "Iterator[tuple[Session, ExitStack]]":
    """Give a verb its session, and a place for what the session opens; both end with the block."""
    with ExitStack() as resources:
        surroundings = resources.enter_context(surroundings_of(options))
        yield open_session_of(surroundings, stack, environment), resources


def open_session_of(
    surroundings: "Surroundings", stack: str | None, environment: str | None
) -> "Session":
    """Open the stack that the verb was told, or the only one."""
    from orchestrator.engine.session import open_session

    return open_session(surroundings, stack=stack, environment=environment)


@contextmanager
def surroundings_of(options: Options) -> "Iterator[Surroundings]":
    """Give a run its surroundings, with signals turned into a request to stop while it lasts."""
    from orchestrator import log
    from orchestrator.engine.session import Surroundings
    from orchestrator.plans.redaction import Secrets
    from orchestrator.processes import Stop

    secrets, stop = Secrets(), Stop()
    options.redact = secrets.redact
    terminal = sys.stderr.isatty()
    log.configure(verbose=options.verbose, terminal=terminal, redact=secrets.redact)
    on_event = _progress(options, secrets, terminal=terminal)
    with _signals(stop):
        try:
            yield Surroundings(
                settings=Settings.read(),
                directory=options.directory,
                on_event=on_event,
                secrets=secrets,
                stop=stop,
            )
        finally:
            options.pause()


def _progress(options: Options, secrets: "Secrets", *, terminal: bool) -> "Callable[[Event], None]":
    if not terminal:
        from orchestrator.reports.progress import plain

        return plain(lambda line: click.echo(secrets.redact(line), err=True))
    from orchestrator.reports.terminal import LiveTree

    tree = LiveTree(clock.seconds)
    options.pause = tree.pause
    return tree.listen


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a signal end what the block waits for at once: a question has nothing to save."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextmanager
def _signals(stop: "Stop") -> Iterator[None]:
    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.request()
        if stop.requests > _PATIENCE:
            raise KeyboardInterrupt
        # Not through a stream: the handler may run in the middle of a write to it.
        with suppress(OSError):  # of a terminal that is gone
            os.write(2, b"stopping; what runs saves its state first (again: hurry)\n")

    with _handling(ask):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle what asks a run to stop: ^C, a supervisor, a terminal that closes; what nohup ignores stays so."""
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [number for number in asking if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
