"""The record of a running sandbox: a small file that is written once everything is ready."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from orchestrator.sandbox.credentials import write_private
from orchestrator.sandbox.layout import Layout

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where the API server listens, and where the programs came from."""

    port: int
    origin: str


def read_record(layout: Layout) -> Record | None:
    """Return the record, or None when there is none, or it is damaged or of another version."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        fields = json.loads(layout.state.read_text())
        if fields["format"] == _FORMAT:
            return Record(port=int(fields["port"]), origin=str(fields["origin"]))
    return None


def write_record(layout: Layout, record: Record) -> None:
    """Write the record at once."""
    write_private(layout.state, json.dumps({"format": _FORMAT, **asdict(record)}, indent=2) + "\n")
