"""The end of a log file, as a person is to read it."""

from pathlib import Path

_LINES = 10
_LINE_LENGTH = 400
_BYTES = 64 * 1024
_PANICS = ("panic: ", "fatal error: ", "unexpected fault address ")


def log_end(log: Path, *, lines: int = _LINES) -> str:
    """Return the last lines of a log, long ones cut; empty when there is none.

    For a program that panicked these are the lines around that, and not the stack below it.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _BYTES))
            found = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    panic = next(
        (index for index, line in enumerate(found) if line.startswith(_PANICS)), len(found)
    )
    return "\n".join(_cut(line) for line in found[: panic + 1][-lines:])


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]}…"
