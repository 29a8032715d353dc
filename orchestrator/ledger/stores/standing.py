"""Where a ledger in Git stands: what this clone knows of it, and how that goes with what is elsewhere."""

from dataclasses import dataclass
from typing import Final

from orchestrator.errors import LedgerError, LedgerLost, NewerFormat, RepositoryError
from orchestrator.ledger.encoding import decode_entry, decode_state
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.holder import Hold
from orchestrator.ledger.stores.plumbing import ALL, Plumbing
from orchestrator.ledger.troubles import LedgerReplaced, lost_entries, moved_away, unkept

STATE, ENTRY, HOLDER, WAITER = "state.json", "entry.json", "holder.json", "waiter.json"

_MOST: Final = 1000  # entries that others record while one clone is cut off
_DEPTHS: Final = (2, 16, 128, ALL)  # of looks for an earlier entry in a shallow clone


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What this clone knows: where its refs stand (empty: nowhere), and what the lock says.

    ``kept`` is the file that holds the state, as id and content; None where there is no ledger, or no such file.
    ``seen`` is where the ledger stood when it was seen last: on the remote, where there is one. ``aside`` is the last
    of the entries that could not be recorded yet.
    """

    ledger: str
    kept: tuple[str, bytes] | None
    lock: str
    hold: Hold | None
    seen: str
    aside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What of a ledger leads back to what.

    ``subject`` is whose it is, ``ref`` where it stands, ``seen`` the ref that says where it was seen last, and
    ``remote`` the one that it is shared through, None where it is not.
    """

    subject: str
    ref: str
    seen: str
    remote: str | None
    plumbing: Plumbing

    @property
    def place(self) -> str:
        """Return where it is, for people."""
        return f"on {self.remote}" if self.remote else "in this clone"

    def check(self, here: Here, ledger: str) -> None:
        """Raise LedgerLost when a ledger that stands there does not lead back to what was seen of it."""
        if here.seen in {"", ledger}:
            return
        if ledger and self.leads_back(ledger, here.seen):
            return
        shorter = ledger and self.plumbing.descends(here.seen, ancestor=ledger)
        happened = "was cut short" if shorter else "was replaced by another one"
        lost = lost_entries(
            self.subject,
            f"{self.place} {happened if ledger else 'is gone'}",
            seen=self.told(here.seen),
            now=self.told(ledger) if ledger else "",
            forget=f"git update-ref -d {self.seen}"
            + (f" && git update-ref -d {self.ref}" if self.remote else ""),
        )
        if not ledger or shorter:
            raise lost
        raise LedgerReplaced(lost, state=self._state(ledger))

    def behind(self, here: Here, ledger: str) -> bool | None:
        """Return whether the remote's ledger has all of ours and more; False when it is the other way round.

        None when each has what the other has not.
        """
        if here.ledger in {"", here.seen}:
            return True
        if self.plumbing.descends(here.ledger, ancestor=ledger):
            return False
        since = self.plumbing.log(ledger, limit=_MOST)
        # The entries up to there tell, without the history of what was applied.
        if here.seen in since:
            return True if here.ledger in since else None
        return True if self.leads_back(ledger, here.ledger) else None

    def refuse_moved(self, ledger: str) -> None:
        """Raise LedgerLost for a remote's ledger that moved away; this clone has what it became elsewhere."""
        (found,) = self.plumbing.read((f"{ledger}:{STATE}",))
        moved = decode_state(found[1]).moved if found else None
        if moved:
            error = moved_away(self.subject, moved)
            raise LedgerLost(error.message, hint=error.hint)

    def leads_back(self, ledger: str, seen: str) -> bool:
        """Return whether a ledger leads back to what was seen; a shallow clone fetches what it takes to tell."""
        found = self.plumbing.descends(ledger, ancestor=seen)
        for depth in _DEPTHS if self.remote and self.plumbing.shallow else ():
            if found is not None:
                break
            if not self.plumbing.fetch(self.remote or "", (self.ref,), depth=depth):
                return False
            found = self.plumbing.descends(ledger, ancestor=seen)
        return found is True

    def brought(self, here: Here) -> str:
        """Return where the ledger stands that is about to be replaced; the remote's is fetched.

        Raises LedgerError when it cannot be had whole: whoever replaced it then would lose it.
        """
        if self.remote is None:
            return here.ledger
        before = self.plumbing.list_remote(self.remote, (self.ref,)).get(self.ref, "")
        try:
            if before:
                self.plumbing.fetch(self.remote, (self.ref,), depth=ALL)
        except RepositoryError as error:
            give_up = (
                f"; if nobody has it any more, give it up (git push --delete {self.remote} {self.ref})"
                " and repair again"
            )
            raise unkept(self.subject, before, error, give_up=give_up) from error
        return before

    def keep(self, *before: str, beside: str) -> None:
        """Keep what stands in a ledger's place under names of their own, if the new one does not lead back to them.

        Raises LedgerError for what cannot be kept.
        """
        for each in dict.fromkeys(filter(None, before)):
            if self.plumbing.descends(beside, ancestor=each):
                continue
            name = f"refs/orchestrator-replaced/{self.subject}/{each[:10]}"
            try:
                self._name(name, each)
            except RepositoryError as error:
                raise unkept(self.subject, each, error) from error

    def _name(self, name: str, commit: str) -> None:
        """Give a commit a name, if it has not that one already; raises RepositoryError."""
        try:
            moved = self.plumbing.move({name: ("", commit)})
        except RepositoryError:
            moved = False
            if self.plumbing.list_refs((name,)).get(name) != commit:
                raise
        if not moved and self.plumbing.list_refs((name,)).get(name) != commit:
            raise RepositoryError(f"{name} stands for another one")

    def parted(self, ledger: str) -> LedgerError:
        """Return the error for ledgers that each have what the other has not."""
        return LedgerError(
            f"{self.ref} in this clone and on {self.remote} went separate ways",
            hint=f"compare them with git log {self.ref} and git log {ledger[:10]}; "
            f"to go on with the remote's: git update-ref {self.ref} {ledger[:10]}",
        )

    def _state(self, ledger: str) -> LedgerState | None:
        (found,) = self.plumbing.read((f"{ledger}:{STATE}",))
        try:
            return decode_state(found[1]) if found else None
        except NewerFormat:  # what cannot be understood is not set aside
            raise
        except LedgerError:
            return None

    def told(self, commit: str) -> str:
        """Return an entry's commit with its sentence, for people."""
        (found,) = self.plumbing.read((f"{commit}:{ENTRY}",))
        return f"{commit[:10]} ({_sentence(found)})"


def _sentence(found: tuple[str, bytes] | None) -> str:
    if found is None:
        return "no entry"
    try:
        entry = decode_entry(found[1])
    except LedgerError:
        return "an entry that cannot be read"
    return f"{entry.message}, {entry.at:%Y-%m-%d %H:%M:%S} UTC"
