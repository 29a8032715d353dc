"""Logging: structlog to stderr, for people on a terminal and as JSON elsewhere; redaction comes last.

structlog is set up when the first line is written, since importing it takes longer than many verbs do.
"""

import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

Redact = Callable[[str], str]


@dataclass(slots=True)
class _Setup:
    """How this process logs: warnings and errors alone, until a command line says otherwise."""

    verbose: bool = False
    told: bool = False
    terminal: bool = False
    redact: Redact = str
    stream: TextIO | None = None
    done: bool = False


_setup = _Setup()


def configure(
    *,
    verbose: bool,
    terminal: bool,
    redact: Redact,
    stream: TextIO | None = None,
    told: bool = False,
) -> None:
    """Say how this process logs; ``redact`` is applied to every text that is logged.

    Without ``verbose`` only warnings and errors are written, since progress is reported apart; with ``told`` also
    what a process tells that nobody watches. ``stream`` takes the place of stderr.
    """
    _setup.verbose, _setup.told, _setup.terminal = verbose, told, terminal
    _setup.redact, _setup.stream, _setup.done = redact, stream, False


def logger() -> "FilteringBoundLogger":
    """Return the logger: an event phrase that never changes, and keys (``log("unit applied", unit=…)``)."""
    import structlog

    if not _setup.done:
        _set_up()
    found: FilteringBoundLogger = structlog.get_logger()
    return found


def step(event: str, **keys: object) -> None:
    """Log a step of a run; costs nothing unless somebody asked for it with ``verbose``."""
    if _setup.verbose:
        logger().info(event, **keys)


def tell(event: str, **keys: object) -> None:
    """Log what happened in a process that nobody watches."""
    if _setup.verbose or _setup.told:
        logger().info(event, **keys)


def trouble(event: str, **keys: object) -> None:
    """Log what somebody should look at."""
    logger().warning(event, **keys)


def _set_up() -> None:
    import logging

    import structlog

    # python-terraform logs variables and whole outputs; GitPython logs command lines.
    for noisy in ("python_terraform", "git", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if _setup.terminal else structlog.processors.JSONRenderer()
    )
    level = logging.DEBUG if _setup.verbose else logging.INFO if _setup.told else logging.WARNING
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacting(_setup.redact),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked at each line: whoever takes the place of stderr gets it, and may be gone at the next one.
        logger_factory=lambda *_: structlog.WriteLogger(_setup.stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    _setup.done = True


def _redacting(
    redact: Redact,
) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    def process(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return {key: _redacted(value, redact) for key, value in event.items()}

    return process


def _redacted(value: object, redact: Redact) -> object:
    return value if isinstance(value, bool | int | float) or value is None else redact(str(value))
