"""Who may move the head of a chain of documents: the one whose token is in it, and who has the lock."""

from dataclasses import replace

from orchestrator.ledger.holder import Holder, locked
from orchestrator.ledger.stores.documents import HEAD, Head, encode_head
from orchestrator.ledger.stores.locks import ShelfLocks, new_mark
from orchestrator.ledger.stores.shelf import ATTEMPTS, Shelf, restless, written
from orchestrator.ledger.stores.trail import Trail


class Admission:
    """The token in the head of one ledger, which only the holder of the lock writes there."""

    def __init__(self, subject: str, shelf: Shelf, locks: ShelfLocks, trail: Trail) -> None:
        """Take whose ledger, the place, its lock, and what finds its head."""
        self._subject = subject
        self._shelf = shelf
        self._locks = locks
        self._trail = trail

    def check(self, holder: Holder, head: Head) -> None:
        """Raise LockLost when a holder may not move a head."""
        hold, _ = self._locks.hold()
        if hold is None or {hold.holder.token, head.token} != {holder.token}:
            raise self._locks.lost(hold)

    def admit(self, holder: Holder) -> None:
        """Let nobody but the holder append; raises Locked when somebody else has the lock by now.

        The lock is looked at after the head: whoever takes it later writes the head later too.
        """
        for _ in range(ATTEMPTS):
            head, version = self._trail.head()
            hold, _ = self._locks.hold()
            if hold is None or hold.holder.token != holder.token:
                raise (locked(self._subject, hold) if hold else self._locks.lost(None))
            if self._marked(head, token=holder.token, over=version):
                return
        raise restless(self._shelf)

    def shut_out(self, holder: Holder) -> None:
        """Let a holder whose lock is gone append no more, also if it is in the middle of it."""
        for _ in range(ATTEMPTS):
            head, version = self._trail.head()
            if head.token != holder.token or self._marked(head, token="", over=version):
                return
        raise restless(self._shelf)

    def _marked(self, head: Head, *, token: str, over: str) -> bool:
        marked = replace(head, token=token, mark=new_mark())
        return bool(written(self._shelf, HEAD, encode_head(marked), over=over))
