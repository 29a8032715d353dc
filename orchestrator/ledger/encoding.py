"""The JSON form of entries, states and holders: canonical, with a format version, readable for years.

Keys are sorted and nothing depends on the order in which things were found, so that the same state is
always the same bytes. A newer format is refused; an unknown field in a known one is left alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, Run, UnitRecord
from orchestrator.ledger.holder import Hold, Holder, Waiter
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.stack.model import Json, UnitId

FORMAT = 1

T = TypeVar("T")


def encode_entry(entry: Entry) -> bytes:
    """Return an entry's bytes."""
    return _encode(_entry(entry))


def decode_entry(content: bytes) -> Entry:
    """Return the entry that bytes hold; raises LedgerError when they hold none that this version reads."""
    return _decode(content, _read_entry)


def encode_state(state: LedgerState) -> bytes:
    """Return a state's bytes."""
    return _encode(
        {
            "head": state.head,
            "units": [_unit(record) for _, record in sorted(state.units.items())],
            "inventory": [owned.to_json() for owned in state.inventory],
            "cluster": state.cluster,
            "open": _entry(state.open) if state.open else None,
        }
    )


def decode_state(content: bytes) -> LedgerState:
    """Return the state that bytes hold; raises LedgerError when they hold none that this version reads."""
    return _decode(content, _read_state)


def encode_hold(holder: Holder, *, beat: datetime) -> bytes:
    """Return the bytes of a lock that was taken, or whose holder gave a heartbeat at that moment."""
    return _encode({**_holder(holder), "beat": _moment(beat)})


def decode_hold(content: bytes, *, mark: str) -> Hold:
    """Return the lock that bytes hold, known by a mark; raises LedgerError when this version cannot read it."""
    return _decode(content, lambda fields: _read_hold(fields, mark))


def encode_waiter(waiter: Waiter) -> bytes:
    """Return a waiter's bytes."""
    return _encode({**_holder(waiter.holder), "patience": waiter.patience})


def decode_waiter(content: bytes) -> Waiter:
    """Return the waiter that bytes hold; raises LedgerError when they hold none that this version reads."""
    return _decode(content, _read_waiter)


def _holder(holder: Holder) -> dict[str, Json]:
    return {
        "token": holder.token,
        "user": holder.user,
        "host": holder.host,
        "process": holder.process,
        "birth": holder.birth,
        "command": holder.command,
        "since": _moment(holder.since),
        "ci_run": holder.ci_run,
        "lease": holder.lease,
        "account": holder.account,
    }


def _encode(fields: Mapping[str, Json]) -> bytes:
    text = json.dumps({"format": FORMAT, **fields}, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def _decode(content: bytes, read: Callable[["_Fields"], T]) -> T:
    try:
        fields = _Fields(json.loads(content))
        _check_format(fields.number("format"))
        return read(fields)
    except (ValueError, RecursionError) as error:
        raise LedgerError(
            f"the ledger holds something that cannot be read: {error}",
            hint="it was changed by other means; see git log of its ref for the entry before",
        ) from error


def _check_format(number: int) -> None:
    if number > FORMAT:
        raise LedgerError(
            f"the ledger was written by a newer orchestrator (format {number}, this one reads {FORMAT})",
            hint="install the version that the others use, or a newer one",
        )


def _entry(entry: Entry) -> dict[str, Json]:
    return {
        "id": entry.id,
        "previous": entry.previous,
        "kind": entry.kind,
        "run": _run(entry.run),
        "at": _moment(entry.at),
        "message": entry.message,
        "cluster": entry.cluster,
        "units": [_unit(record) for record in entry.units],
        "inventory": [owned.to_json() for owned in sorted(entry.inventory)],
        "deleted": [ref.to_json() for ref in sorted(entry.deleted)],
        "outcome": entry.outcome,
    }


def _run(run: Run) -> dict[str, Json]:
    return {
        "id": run.id,
        "operation": run.operation,
        "revision": _revision(run.revision),
        "plan": run.plan,
        "who": run.who,
        "host": run.host,
        "command": run.command,
        "ci_run": run.ci_run,
    }


def _unit(record: UnitRecord) -> dict[str, Json]:
    return {
        "unit": record.unit,
        "outcome": record.outcome,
        "revision": _revision(record.revision),
        "at": _moment(record.at),
        "by": record.by,
        "fingerprint": record.fingerprint,
        "health": record.health,
        "protect": record.protect,
        "applied": _revision(record.applied) if record.applied else None,
        **({"seal": record.seal} if record.seal else {}),
    }


def _revision(revision: Revision) -> dict[str, Json]:
    return {
        "commit": revision.commit,
        "subject": revision.subject,
        "difference": revision.difference,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_state(fields: "_Fields") -> LedgerState:
    records = (_read_unit(each) for each in fields.each("units"))
    start = fields.optional("open")
    return LedgerState(
        head=fields.text("head"),
        units={record.unit: record for record in records},
        inventory=tuple(OwnedObject.from_json(each) for each in fields.items("inventory")),
        cluster=fields.text("cluster") if fields.holds("cluster") else "",
        open=_read_entry(start) if start else None,
    )


def _read_entry(fields: "_Fields") -> Entry:
    return Entry(
        id=fields.text("id"),
        previous=fields.text("previous"),
        kind=Kind(fields.text("kind")),
        run=_read_run(fields.inner("run")),
        at=fields.moment("at"),
        message=fields.text("message"),
        cluster=fields.text("cluster") if fields.holds("cluster") else "",
        units=tuple(_read_unit(each) for each in fields.each("units")),
        inventory=tuple(OwnedObject.from_json(each) for each in fields.items("inventory")),
        deleted=tuple(ObjectRef.from_json(each) for each in fields.items("deleted")),
        outcome=Outcome(fields.text("outcome")) if fields.holds("outcome") else None,
    )


def _read_run(fields: "_Fields") -> Run:
    return Run(
        id=fields.text("id"),
        operation=Operation(fields.text("operation")),
        revision=_read_revision(fields.inner("revision")),
        plan=fields.text("plan"),
        who=fields.text("who"),
        host=fields.text("host"),
        command=fields.text("command"),
        ci_run=fields.text("ci_run"),
    )


def _read_unit(fields: "_Fields") -> UnitRecord:
    applied = fields.optional("applied")
    return UnitRecord(
        unit=UnitId(fields.text("unit")),
        outcome=Outcome(fields.text("outcome")),
        revision=_read_revision(fields.inner("revision")),
        at=fields.moment("at"),
        by=fields.text("by"),
        fingerprint=fields.text("fingerprint"),
        seal=fields.text("seal") if fields.holds("seal") else "",
        health=fields.text("health"),
        protect=fields.flag("protect"),
        applied=_read_revision(applied) if applied else None,
    )


def _read_revision(fields: "_Fields") -> Revision:
    return Revision(
        commit=fields.text("commit"),
        subject=fields.text("subject"),
        difference=fields.text("difference"),
    )


def _read_holder(fields: "_Fields") -> Holder:
    return Holder(
        token=fields.text("token"),
        user=fields.text("user"),
        host=fields.text("host"),
        process=fields.number("process"),
        birth=fields.text("birth"),
        command=fields.text("command"),
        since=fields.moment("since"),
        ci_run=fields.text("ci_run"),
        lease=fields.amount("lease") if fields.holds("lease") else 0.0,
        account=fields.text("account") if fields.holds("account") else "",
    )


def _read_hold(fields: "_Fields", mark: str) -> Hold:
    beat = fields.moment("beat" if fields.holds("beat") else "since")
    return Hold(holder=_read_holder(fields), mark=mark, beat=beat)


def _read_waiter(fields: "_Fields") -> Waiter:
    return Waiter(holder=_read_holder(fields), patience=fields.amount("patience"))


class _Fields:
    """A JSON mapping whose fields are asked for by type; what is missing or of another type is a ValueError."""

    def __init__(self, value: Json) -> None:
        self._value = self._checked(value, dict, "the whole")

    def holds(self, name: str) -> bool:
        return self._value.get(name) is not None

    def text(self, name: str) -> str:
        return self._checked(self._value.get(name), str, name)

    def number(self, name: str) -> int:
        return self._checked(self._value.get(name), int, name)

    def amount(self, name: str) -> float:
        value = self._value.get(name)
        return float(value) if type(value) is int else self._checked(value, float, name)

    def flag(self, name: str) -> bool:
        return self._checked(self._value.get(name), bool, name)

    def moment(self, name: str) -> datetime:
        return datetime.fromisoformat(self.text(name))

    def items(self, name: str) -> list[Json]:
        return self._checked(self._value.get(name), list, name)

    def each(self, name: str) -> Iterator["_Fields"]:
        return (_Fields(value) for value in self.items(name))

    def inner(self, name: str) -> "_Fields":
        return _Fields(self._value.get(name))

    def optional(self, name: str) -> "_Fields | None":
        return self.inner(name) if self.holds(name) else None

    @staticmethod
    def _checked(value: Json, kind: type[T], name: str) -> T:
        if not isinstance(value, kind):
            raise ValueError(f"{name} is {type(value).__name__}, not {kind.__name__}")
        return value
