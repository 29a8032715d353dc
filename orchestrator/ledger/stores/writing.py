"""The commits that a ledger in Git consists of: entries, the lock, and those who wait for it."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.ledger.encoding import encode_entry, encode_state
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.holder import Holder, Waiter
from orchestrator.ledger.lock_encoding import encode_hold, encode_waiter
from orchestrator.ledger.stores.plumbing import Draft, Plumbing
from orchestrator.ledger.stores.standing import ENTRY, HOLDER, STATE, WAITER


def draft_of(entry: Entry, state: LedgerState) -> Draft:
    """Return the commit of an entry and the state after it, which keeps the revision that it is about alive."""
    revision = entry.run.revision.commit
    return Draft(
        files={ENTRY: encode_entry(entry), STATE: encode_state(state)},
        parents=(revision,) if revision else (),
        message=f"{one_line(entry.message)}\n",
        author=entry.run.who,
        at=entry.at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes commits about the lock of one ledger; no ref moves."""

    subject: str
    plumbing: Plumbing

    def lock(self, holder: Holder, *, at: datetime, mark: str) -> str:
        """Write what the lock stands at while somebody holds it, and return its id."""
        # The mark makes each of them another commit: a ref that keeps its value is left out of a push, and
        # its lease is then not a part of the transaction.
        return self.plumbing.commit(
            {HOLDER: encode_hold(holder, beat=at)},
            parents=(),
            message=f"lock {self.subject} for {one_line(str(holder))}\n\n{mark}\n",
            author=holder.user,
            at=at,
        )

    def waiter(self, waiter: Waiter) -> str:
        """Write what says that somebody waits for the lock, and return its id."""
        return self.plumbing.commit(
            {WAITER: encode_waiter(waiter)},
            parents=(),
            message=f"wait for {self.subject}: {one_line(str(waiter.holder))}\n\n{waiter.holder.token}\n",
            author=waiter.holder.user,
            at=waiter.holder.since,
        )


def one_line(text: str) -> str:
    """Return a text as the subject of a commit."""
    return " ".join(text.split()) or "no message"
