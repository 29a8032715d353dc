"""The JSON form of entries and states: canonical, with a format version, readable for years.

Keys are sorted and nothing depends on the order in which things were found, so that the same state is
always the same bytes. A newer format is refused; an unknown field in a known one is left alone.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from orchestrator.ledger.entry import (
    Entry,
    Kind,
    LedgerState,
    Moved,
    Operation,
    PastRun,
    Restores,
    Run,
    UnitRecord,
)
from orchestrator.ledger.fields import (
    FORMAT,
    USUAL,
    Fields,
    canonical,
    decode,
    encode,
    joined,
    moment,
)
from orchestrator.ledger.fold import identified
from orchestrator.ledger.guarding import guards_json, read_guards
from orchestrator.ledger.remembering import (
    approval_json,
    bad_json,
    healthy_json,
    read_approval,
    read_bad,
    read_healthy,
    read_revision,
    read_suspension,
    revision_json,
    suspension_json,
)
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.record import PlanRecord
from orchestrator.stack.model import Json, Risk, UnitId

_SAID_BY_NOW = ("cluster", "bad", "approvals", "healthy", "runs")
"""What every state has been saying since some version, also where there is none of it."""

T = TypeVar("T")


def encode_entry(entry: Entry) -> bytes:
    """Return an entry's bytes."""
    return encode(_entry(entry), number=FORMAT if _newer(entry) else USUAL)


def _newer(entry: Entry) -> bool:
    """Whether an entry says what those who read only the usual format would drop, and go on without."""
    suspends = entry.run.operation in {Operation.SUSPEND, Operation.RESUME} or entry.suspended
    late, takes_in = entry.moved or entry.late, entry.guards or entry.bad
    return bool(suspends or late or takes_in or entry.owed)


def decode_entry(content: bytes) -> Entry:
    """Return the entry that bytes hold; raises LedgerError when they hold none that this version reads."""
    return decode(content, _read_entry)


def encode_state(state: LedgerState) -> bytes:
    """Return a state's bytes."""
    return StateEncoder().encode(state)


class StateEncoder:
    """Encodes states of which each follows the one before: what stayed is not written out again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}
        self._before = self._known

    def encode(self, state: LedgerState) -> bytes:
        """Return a state's bytes."""
        self._before, self._known = self._known, {}
        few: dict[str, Json] = {
            "head": state.head,
            "cluster": state.cluster,
            "healthy": healthy_json(state.healthy) if state.healthy else None,
            **({"suspended": suspension_json(state.suspended)} if state.suspended else {}),
            **({"guards": guards_json(state.guards)} if state.guards else {}),
            **({"moved": _moved(state.moved)} if state.moved else {}),
            **({"owed": _restores(state.owed)} if state.owed else {}),
        }
        many = {
            "units": self._each((record for _, record in sorted(state.units.items())), _unit),
            "inventory": self._each(state.inventory, OwnedObject.to_json),
            "open": self._one(state.open, _entry) if state.open else canonical(None),
            "bad": self._each(state.bad.values(), bad_json),
            "approvals": self._each(state.approvals, approval_json),
            "runs": self._each(state.runs, _past),
        }
        newer = state.suspended or state.moved or state.guards or state.owed
        return joined(few, many, number=FORMAT if newer else USUAL)

    def _each(self, values: Iterable[T], told: Callable[[T], Json]) -> str:
        return f"[{','.join([self._one(value, told) for value in values])}]"

    def _one(self, value: T, told: Callable[[T], Json]) -> str:
        key = id(value)  # which no other one gets, since the value is kept, too
        found = self._known.get(key) or self._before.get(key) or (value, canonical(told(value)))
        self._known[key] = found
        return found[1]


def decode_state(content: bytes) -> LedgerState:
    """Return the state that bytes hold; raises LedgerError when they hold none that this version reads."""
    return decode(content, _read_state)


def decode_kept(content: bytes) -> tuple[LedgerState, frozenset[str]]:
    """Return the state that bytes hold, and what they say nothing of that states say by now; raises as the other."""
    return decode(
        content,
        lambda fields: (
            _read_state(fields),
            frozenset(name for name in _SAID_BY_NOW if not fields.says(name)),
        ),
    )


def _entry(entry: Entry) -> dict[str, Json]:
    return {
        "id": entry.id,
        "previous": entry.previous,
        "kind": entry.kind,
        "run": _run(entry.run),
        "at": moment(entry.at),
        "message": entry.message,
        "cluster": entry.cluster,
        "units": [_unit(record) for record in entry.units],
        "inventory": [owned.to_json() for owned in sorted(entry.inventory)],
        "deleted": [ref.to_json() for ref in sorted(entry.deleted)],
        "outcome": entry.outcome,
        **({"plan": entry.plan.to_json()} if entry.plan else {}),
        **({"approval": approval_json(entry.approval)} if entry.approval else {}),
        **({"why": entry.why} if entry.why else {}),
        **({"guards": guards_json(entry.guards)} if entry.guards else {}),
        **({"moved": entry.moved} if entry.moved else {}),
        **({"late": True} if entry.late else {}),
        **({"owed": _restores(entry.owed)} if entry.owed else {}),
        **({"suspended": suspension_json(entry.suspended)} if entry.suspended else {}),
        **({"bad": [bad_json(each) for each in entry.bad]} if entry.bad else {}),
    }


def _run(run: Run) -> dict[str, Json]:
    return {
        "id": run.id,
        "operation": run.operation,
        "revision": revision_json(run.revision),
        "plan": run.plan,
        "who": run.who,
        "host": run.host,
        "command": run.command,
        "ci_run": run.ci_run,
        "whole": run.whole,
        **({"restores": _restores(run.restores)} if run.restores else {}),
    }


def _restores(restores: Restores) -> dict[str, Json]:
    return {
        "revision": revision_json(restores.revision),
        "entry": restores.entry,
        "over": revision_json(restores.over),
    }


def _moved(moved: Moved) -> dict[str, Json]:
    return {"to": moved.to, "at": moment(moved.at), "by": moved.by}


def _past(run: PastRun) -> dict[str, Json]:
    return {
        "entry": run.entry,
        "revision": revision_json(run.revision),
        "operation": run.operation,
        "outcome": run.outcome,
        "at": moment(run.at),
        "who": run.who,
        "whole": run.whole,
    }


def _unit(record: UnitRecord) -> dict[str, Json]:
    return {
        "unit": record.unit,
        "outcome": record.outcome,
        "revision": revision_json(record.revision),
        "at": moment(record.at),
        "by": record.by,
        "fingerprint": record.fingerprint,
        "health": record.health,
        "protect": record.protect,
        "applied": revision_json(record.applied) if record.applied else None,
        **({"seal": record.seal} if record.seal else {}),
        **({"seconds": round(record.seconds, 3)} if record.seconds else {}),
        **({"why": record.why} if record.why else {}),
        **({"drift": record.drift} if record.drift else {}),
        **({"risks": [list(pair) for pair in record.risks.items()]} if record.risks else {}),
    }


def _read_state(fields: Fields) -> LedgerState:
    records = (_read_unit(each) for each in fields.each("units"))
    start, healthy = fields.optional("open"), fields.optional("healthy")
    suspended = fields.optional("suspended")
    guards, owed = fields.optional("guards"), fields.optional("owed")
    moved = fields.optional("moved")
    return LedgerState(
        head=fields.text("head"),
        units={record.unit: record for record in records},
        inventory=tuple(OwnedObject.from_json(each) for each in fields.items("inventory")),
        cluster=fields.text("cluster", ""),
        open=_read_entry(start) if start else None,
        bad={identified(each.revision): each for each in map(read_bad, fields.any("bad"))},
        approvals=tuple(map(read_approval, fields.any("approvals"))),
        healthy=read_healthy(healthy) if healthy else None,
        runs=tuple(map(_read_past, fields.any("runs"))),
        suspended=read_suspension(suspended) if suspended else None,
        guards=read_guards(guards) if guards else None,
        moved=_read_moved(moved) if moved else None,
        owed=_read_restores(owed) if owed else None,
    )


def _read_entry(fields: Fields) -> Entry:
    approval, guards = fields.optional("approval"), fields.optional("guards")
    owed, suspended = fields.optional("owed"), fields.optional("suspended")
    return Entry(
        id=fields.text("id"),
        previous=fields.text("previous"),
        kind=Kind(fields.text("kind")),
        run=_read_run(fields.inner("run")),
        at=fields.moment("at"),
        message=fields.text("message"),
        cluster=fields.text("cluster", ""),
        units=tuple(_read_unit(each) for each in fields.each("units")),
        inventory=tuple(OwnedObject.from_json(each) for each in fields.items("inventory")),
        deleted=tuple(ObjectRef.from_json(each) for each in fields.items("deleted")),
        outcome=Outcome(fields.text("outcome")) if fields.holds("outcome") else None,
        plan=PlanRecord.from_json(fields.items("plan")) if fields.holds("plan") else None,
        approval=read_approval(approval) if approval else None,
        why=fields.text("why", ""),
        guards=read_guards(guards) if guards else None,
        moved=fields.text("moved", ""),
        late=fields.holds("late") and fields.flag("late"),
        owed=_read_restores(owed) if owed else None,
        suspended=read_suspension(suspended) if suspended else None,
        bad=tuple(map(read_bad, fields.any("bad"))),
    )


def _read_run(fields: Fields) -> Run:
    restores = fields.optional("restores")
    return Run(
        id=fields.text("id"),
        operation=Operation(fields.text("operation")),
        revision=read_revision(fields.inner("revision")),
        plan=fields.text("plan"),
        who=fields.text("who"),
        host=fields.text("host"),
        command=fields.text("command"),
        ci_run=fields.text("ci_run"),
        whole=fields.holds("whole") and fields.flag("whole"),
        restores=_read_restores(restores) if restores else None,
    )


def _read_restores(fields: Fields) -> Restores:
    return Restores(
        revision=read_revision(fields.inner("revision")),
        entry=fields.text("entry"),
        over=read_revision(fields.inner("over")),
    )


def _read_moved(fields: Fields) -> Moved:
    return Moved(to=fields.text("to"), at=fields.moment("at"), by=fields.text("by"))


def _read_past(fields: Fields) -> PastRun:
    return PastRun(
        entry=fields.text("entry"),
        revision=read_revision(fields.inner("revision")),
        operation=Operation(fields.text("operation")),
        outcome=Outcome(fields.text("outcome")),
        at=fields.moment("at"),
        who=fields.text("who"),
        whole=fields.flag("whole"),
    )


def _read_unit(fields: Fields) -> UnitRecord:
    applied = fields.optional("applied")
    return UnitRecord(
        unit=UnitId(fields.text("unit")),
        outcome=Outcome(fields.text("outcome")),
        revision=read_revision(fields.inner("revision")),
        at=fields.moment("at"),
        by=fields.text("by"),
        fingerprint=fields.text("fingerprint"),
        seal=fields.text("seal", ""),
        health=fields.text("health"),
        protect=fields.flag("protect"),
        applied=read_revision(applied) if applied else None,
        seconds=fields.amount("seconds", 0.0),
        why=fields.text("why", ""),
        drift=fields.number("drift", 0),
        risks=dict(_read_risks(fields)),
    )


def _read_risks(fields: Fields) -> Iterator[tuple[str, Risk]]:
    """Yield pairs, since their order counts: an earlier pattern before a later one."""
    for pair in fields.items("risks") if fields.holds("risks") else ():
        match pair:
            case [str() as name, str() as risk]:
                yield name, Risk(risk)
            case _:
                raise ValueError(f"risks has {pair!r}")
