"""The JSON that the ledger is kept in, whatever it holds: canonical bytes, a format number, fields by type."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.stack.model import Json

FORMAT = 3
"""1 knew no notes: no approvals, abandoned runs, bad revisions or plans; 2 no suspensions, no
ledgers that moved, no entries that came late, no guards and nothing that is owed. Both are read all the same.

What says nothing of these is written as 2, so that those who know of none can go on.
"""

USUAL = 2

T = TypeVar("T")


def encode(fields: Mapping[str, Json], *, number: int = USUAL) -> bytes:
    """Return the canonical bytes of a JSON mapping, marked with the number of its format."""
    return f"{canonical({'format': number, **fields})}\n".encode()


def joined(fields: Mapping[str, Json], written: Mapping[str, str], *, number: int = USUAL) -> bytes:
    """Return the same for a mapping of which some fields are ``written`` already, in their canonical form."""
    told = {name: canonical(value) for name, value in {"format": number, **fields}.items()}
    parts = (f'"{name}":{text}' for name, text in sorted({**told, **written}.items()))
    return f"{{{','.join(parts)}}}\n".encode()


def canonical(value: Json) -> str:
    """Return the one form that a value has in JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


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

    # A whole ledger has millions of fields: each is looked at once, and nothing is called for it that can be left out.
    __slots__ = ("_value",)

    def __init__(self, value: Json) -> None:
        if not isinstance(value, dict):
            raise _wrong("the whole", value, dict)
        self._value = value

    def holds(self, name: str) -> bool:
        """Whether there is such a field, with a value."""
        return self._value.get(name) is not None

    def says(self, name: str) -> bool:
        """Whether there is such a field, with a value or without."""
        return name in self._value

    def text(self, name: str, missing: str | None = None) -> str:
        """Return a text."""
        value = self._value.get(name, missing)
        if isinstance(value, str):
            return value
        raise _wrong(name, value, str)

    def number(self, name: str, missing: int | None = None) -> int:
        """Return a whole number."""
        value = self._value.get(name, missing)
        if isinstance(value, int):
            return value
        raise _wrong(name, value, int)

    def amount(self, name: str, missing: float | None = None) -> float:
        """Return a number."""
        value = self._value.get(name, missing)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise _wrong(name, value, float)

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._value.get(name)
        if isinstance(value, bool):
            return value
        raise _wrong(name, value, bool)

    def moment(self, name: str) -> datetime:
        """Return a moment."""
        return datetime.fromisoformat(self.text(name))

    def items(self, name: str) -> list[Json]:
        """Return a list."""
        value = self._value.get(name)
        if isinstance(value, list):
            return value
        raise _wrong(name, value, list)

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


def _wrong(name: str, value: Json, kind: type) -> ValueError:
    return ValueError(f"{name} is {type(value).__name__}, not {kind.__name__}")
