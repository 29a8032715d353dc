"""The JSON that the ledger is kept in, whatever it holds: canonical bytes, a format number, fields by type."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.stack.model import Json

FORMAT = 3
"""1 knew no notes: no approvals, abandoned runs, bad revisions or plans; 2 no suspensions, no
ledgers that moved and no entries that came late. Both are read all the same.

What says nothing of these is written as 2, so that those who know of none can go on.
"""

USUAL = 2

T = TypeVar("T")


def encode(fields: Mapping[str, Json], *, number: int = USUAL) -> bytes:
    """Return the canonical bytes of a JSON mapping, marked with the number of its format."""
    text = json.dumps({"format": number, **fields}, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def decode(content: bytes, read: Callable[["Fields"], T]) -> T:
    """Return what a reader makes of bytes; raises LedgerError when this version cannot read them."""
    try:
        fields = Fields(json.loads(content))
        _check_format(fields.number("format"))
        return read(fields)
    except (ValueError, RecursionError) as error:
        raise LedgerError(
            f"the ledger holds something that cannot be read: {error}",
            hint="it was changed by other means; see git log of its ref for the entry before",
        ) from error


def _check_format(number: int) -> None:
    if number > FORMAT:
        raise NewerFormat(
            f"the ledger was written by a newer orchestrator (format {number}, this one reads {FORMAT})",
            hint="install the version that the others use, or a newer one",
        )


def moment(at: datetime) -> str:
    """Return how a moment is written: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Fields:
    """A JSON mapping whose fields are asked for by type; what is of another type is a ValueError.

    So is what is missing, where the question gives no value for that.
    """

    def __init__(self, value: Json) -> None:
        self._value = self._checked(value, dict, "the whole")

    def holds(self, name: str) -> bool:
        """Whether there is such a field, with a value."""
        return self._value.get(name) is not None

    def text(self, name: str, missing: str | None = None) -> str:
        """Return a text."""
        return self._checked(self._value.get(name, missing), str, name)

    def number(self, name: str, missing: int | None = None) -> int:
        """Return a whole number."""
        return self._checked(self._value.get(name, missing), int, name)

    def amount(self, name: str, missing: float | None = None) -> float:
        """Return a number."""
        value = self._value.get(name, missing)
        return float(value) if type(value) is int else self._checked(value, float, name)

    def flag(self, name: str) -> bool:
        """Return true or false."""
        return self._checked(self._value.get(name), bool, name)

    def moment(self, name: str) -> datetime:
        """Return a moment."""
        return datetime.fromisoformat(self.text(name))

    def items(self, name: str) -> list[Json]:
        """Return a list."""
        return self._checked(self._value.get(name), list, name)

    def each(self, name: str) -> Iterator["Fields"]:
        """Yield the mappings of a list."""
        return (Fields(value) for value in self.items(name))

    def any(self, name: str) -> Iterator["Fields"]:
        """Yield the mappings of a list, none where there is no such field."""
        return self.each(name) if self.holds(name) else iter(())

    def inner(self, name: str) -> "Fields":
        """Return a mapping."""
        return Fields(self._value.get(name))

    def optional(self, name: str) -> "Fields | None":
        """Return a mapping, or None where there is no such field."""
        return self.inner(name) if self.holds(name) else None

    @staticmethod
    def _checked(value: Json, kind: type[T], name: str) -> T:
        if not isinstance(value, kind):
            raise ValueError(f"{name} is {type(value).__name__}, not {kind.__name__}")
        return value
