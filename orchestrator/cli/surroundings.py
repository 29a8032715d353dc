"""What a run is given: its settings, its display, and a way to be stopped."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import click

from orchestrator import clock
from orchestrator.cli.options import Options
from orchestrator.cli.signals import stopping_on_signals
from orchestrator.errors import Interrupted, LedgerError, LockLost, RepositoryError
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.history.opening import Book
    from orchestrator.engine.session import Session, Surroundings
    from orchestrator.plans.events import Event
    from orchestrator.plans.redaction import Secrets
    from orchestrator.processes import Stop


@contextmanager
def book_of(
    options: Options, stack: str | None, environment: str | None, output: str = "text"
) -> "Iterator[Book]":
    """Open a stack's ledger for a verb, whose output is text or JSON.

    Raises UsageError, LedgerError, RepositoryError.
    """
    from orchestrator.engine.history.opening import open_book

    options.as_json = output == "json"
    with surroundings_of(options) as surroundings:
        yield open_book(surroundings, stack=stack, environment=environment)


@contextmanager
def session_of(
    options: Options, stack: str | None, environment: str | None, *, gone: bool = False
) -> "Iterator[tuple[Session, ExitStack]]":
    """Give a verb its session, and a place for what the session opens; both end with the block.

    ``gone`` takes a stack or environment that Git declares no more as it was applied last.
    """
    with ExitStack() as resources:
        surroundings = resources.enter_context(surroundings_of(options))
        yield open_session_of(surroundings, stack, environment, gone=gone), resources


def open_session_of(
    surroundings: "Surroundings",
    stack: str | None,
    environment: str | None,
    *,
    gone: bool = False,
) -> "Session":
    """Open the stack that the verb was told, or the only one."""
    if gone:
        from orchestrator.engine.vanished import open_what_is_left

        return open_what_is_left(surroundings, stack=stack, environment=environment)
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
    on_event = _as_long_as_somebody_looks(_progress(options, secrets, terminal=terminal))
    with stopping_on_signals(stop), _stopped_waits(stop), ExitStack() as resources:
        try:
            yield Surroundings(
                settings=Settings.read(),
                directory=options.directory,
                on_event=on_event,
                secrets=secrets,
                stop=stop,
                resources=resources,
            )
        finally:
            with suppress(OSError):
                options.pause()


@contextmanager
def _stopped_waits(stop: "Stop") -> Iterator[None]:
    """Call it an interruption when a remote was not waited for any longer, since somebody asked to stop."""
    try:
        yield
    except (LedgerError, RepositoryError) as error:
        if not stop.requested or isinstance(error, LockLost):
            raise
        raise Interrupted(error.message, hint=error.hint, detail=error.detail) from error


def _as_long_as_somebody_looks(listen: "Callable[[Event], None]") -> "Callable[[Event], None]":
    """Go silent when the display is gone: what the run does, and records, must not depend on a reader."""
    gone = False

    def guarded(event: "Event") -> None:
        nonlocal gone
        if gone:
            return
        try:
            listen(event)
        except OSError:
            gone = True

    return guarded


def _progress(options: Options, secrets: "Secrets", *, terminal: bool) -> "Callable[[Event], None]":
    if not terminal:
        from orchestrator.reports.progress import plain

        return plain(lambda line: click.echo(secrets.redact(line), err=True))
    from orchestrator.reports.terminal import LiveTree

    tree = LiveTree(clock.seconds)
    options.pause, options.held = tree.pause, tree.held
    return tree.listen
