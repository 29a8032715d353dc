"""The JSON form of a lock, of who holds it and of who waits for it: canonical, like that of entries."""

from datetime import datetime

from orchestrator.ledger.fields import Fields, decode, encode, moment
from orchestrator.ledger.holder import Hold, Holder, Waiter
from orchestrator.stack.model import Json


def encode_hold(holder: Holder, *, beat: datetime) -> bytes:
    """Return the bytes of a lock that was taken, or whose holder gave a heartbeat at that moment."""
    return encode({**_holder(holder), "beat": moment(beat)})


def decode_hold(content: bytes, *, mark: str) -> Hold:
    """Return the lock that bytes hold, known by a mark; raises LedgerError when this version cannot read it."""
    return decode(content, lambda fields: _read_hold(fields, mark))


def encode_waiter(waiter: Waiter) -> bytes:
    """Return a waiter's bytes."""
    fields = {**_holder(waiter.holder), "patience": waiter.patience}
    return encode({**fields, **({"overtakes": waiter.overtakes} if waiter.overtakes else {})})


def decode_waiter(content: bytes) -> Waiter:
    """Return the waiter that bytes hold; raises LedgerError when they hold none that this version reads."""
    return decode(content, _read_waiter)


def _holder(holder: Holder) -> dict[str, Json]:
    return {
        "token": holder.token,
        "user": holder.user,
        "host": holder.host,
        "process": holder.process,
        "birth": holder.birth,
        "command": holder.command,
        "since": moment(holder.since),
        "ci_run": holder.ci_run,
        "lease": holder.lease,
        "account": holder.account,
        **({"revision": holder.revision} if holder.revision else {}),
    }


def _read_holder(fields: Fields) -> Holder:
    return Holder(
        token=fields.text("token"),
        user=fields.text("user"),
        host=fields.text("host"),
        process=fields.number("process"),
        birth=fields.text("birth"),
        command=fields.text("command"),
        since=fields.moment("since"),
        ci_run=fields.text("ci_run"),
        lease=fields.amount("lease", 0.0),
        account=fields.text("account", ""),
        revision=fields.text("revision", ""),
    )


def _read_hold(fields: Fields, mark: str) -> Hold:
    beat = fields.moment("beat" if fields.holds("beat") else "since")
    return Hold(holder=_read_holder(fields), mark=mark, beat=beat)


def _read_waiter(fields: Fields) -> Waiter:
    return Waiter(
        holder=_read_holder(fields),
        patience=fields.amount("patience"),
        overtakes=fields.text("overtakes", ""),
    )
