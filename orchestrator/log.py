"""Logging: structlog to stderr, for people on a terminal and as JSON elsewhere; redaction comes last."""

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

Redact = Callable[[str], str]


def configure(
    *, verbose: bool, terminal: bool, redact: Redact, stream: TextIO | None = None
) -> None:
    """Set up structlog for this process; ``redact`` is applied to every text that is logged.

    Without ``verbose`` only warnings and errors are written, since progress is reported apart.
    """
    import logging

    import structlog

    # python-terraform logs variables and whole outputs; GitPython logs command lines.
    for noisy in ("python_terraform", "git", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacting(redact),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if verbose else logging.WARNING
        ),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


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
