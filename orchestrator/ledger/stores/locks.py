"""The lock of a chain of documents, and those who wait for it."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from orchestrator import clock
from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.ledger.holder import Hold, Holder, Sight, Waiter, in_line
from orchestrator.ledger.lock_encoding import decode_waiter, encode_waiter
from orchestrator.ledger.stores.documents import LOCK, WAITER, decode_lock, encode_lock
from orchestrator.ledger.stores.shelf import ATTEMPTS, Shelf, removed, restless, written
from orchestrator.ledger.troubles import lost_lock, unreadable_lock


class ShelfLocks:
    """The lock and the queue of one ledger, as documents on a shelf."""

    def __init__(self, subject: str, shelf: Shelf, is_dead: Callable[[Holder], bool]) -> None:
        """Take whose ledger, the place, and what says of a holder that its process has ended for certain."""
        self._subject = subject
        self._shelf = shelf
        self._is_dead = is_dead

    def hold(self) -> tuple[Hold | None, str]:
        """Return who holds the lock, and its version; raises LedgerError for a lock that cannot be read."""
        found = self._shelf.read(LOCK)
        if found is None:
            return None, ""
        try:
            return decode_lock(found.content), found.version
        except NewerFormat:
            raise
        except LedgerError as error:
            raise unreadable_lock(self._subject, self._shelf.place(LOCK)) from error

    def sight(self, *, unsettled: bool) -> Sight:
        """Return who holds the lock and who waits for it."""
        waiting = (waiter for _, waiter in self._waiters().values())
        line = in_line(waiting, clock.now(), self._is_dead)
        return Sight(hold=self.hold()[0], waiting=line, unsettled=unsettled)

    def write(self, hold: Hold, *, over: str) -> bool:
        """Replace that version of the lock; return whether it was the one that is there."""
        return bool(written(self._shelf, LOCK, encode_lock(hold), over=over))

    def beat(self, holder: Holder, at: datetime) -> None:
        """Renew the lock; raises LockLost when it is no longer the holder's."""
        for _ in range(ATTEMPTS):
            hold, version = self.hold()
            if hold is None or hold.holder.token != holder.token:
                raise self.lost(hold)
            if self.write(replace(hold, mark=new_mark(), beat=at), over=version):
                return
        raise restless(self._shelf)

    def lost(self, hold: Hold | None) -> LedgerError:
        """Return the error for a writer whose lock it is no longer."""
        return lost_lock(self._subject, hold.holder if hold else None)

    def remove(self, *, over: str) -> bool:
        """Remove that version of the lock; return whether it is gone."""
        return removed(self._shelf, LOCK, over)

    def give_back(self, holder: Holder, *, to: Hold | None) -> None:
        """Undo that a holder took the lock, if it is still the holder's.

        A dead one that had it before has it again, with all that the next one learns from it.
        """
        hold, version = self.hold()
        if hold is None or hold.holder.token != holder.token:
            return
        if to is None:
            self.remove(over=version)
        else:
            self.write(to, over=version)

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; who died in it is removed."""
        for name, (version, other) in self._waiters().items():
            if not in_line((other,), clock.now(), self._is_dead):
                self._shelf.remove(name, over=version)
        written(self._shelf, _place_in_line(waiter), encode_waiter(waiter), over="")

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        name = _place_in_line(waiter)
        found = self._shelf.read(name)
        if found is not None:
            self._shelf.remove(name, over=found.version)

    def _waiters(self) -> dict[str, tuple[str, Waiter]]:
        """Return who waits, by name and with the version; one that cannot be read orders nobody."""
        found: dict[str, tuple[str, Waiter]] = {}
        for name, each in self._shelf.find(WAITER).items():
            with suppress(LedgerError):
                found[name] = (each.version, decode_waiter(each.content))
        return found


def new_mark() -> str:
    """Return what makes a document another one than each before it."""
    return uuid.uuid4().hex


def _place_in_line(waiter: Waiter) -> str:
    return f"{WAITER}-{waiter.holder.token}"
