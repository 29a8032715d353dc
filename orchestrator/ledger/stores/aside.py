"""Entries that could not be recorded when it was time: kept in this clone until whoever holds the lock records them.

They tell what was done, so that they are not given up: the remote was away, or Git could not move the ledger's ref.
``refs/orchestrator-aside/STACK/ENVIRONMENT`` is a chain of commits of its own, one for each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.ledger.encoding import decode_entry, encode_entry
from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.stores.plumbing import ALL, Draft, Plumbing
from orchestrator.ledger.stores.standing import ENTRY

_MOST = 1000  # entries that one run records


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """The entries of one ledger that wait in a clone."""

    ref: str
    plumbing: Plumbing

    def entries(self, tip: str) -> tuple[Entry, ...]:
        """Return the entries that a chain holds, oldest first."""
        if not tip:
            return ()
        commits = self.plumbing.log(tip, limit=ALL)
        return self._read(commits)

    def chained(self, entries: Sequence[Entry], *, tip: str) -> str:
        """Write entries after those of a chain, and return the new one; no ref moves."""
        drafts = [
            Draft(
                files={ENTRY: encode_entry(each)},
                parents=(),
                message=f"{' '.join(each.message.split())}\n",
                author=each.run.who,
                at=each.at,
            )
            for each in entries
        ]
        return self.plumbing.chain(drafts, parent=tip)

    def ahead(self, ledger: str, seen: str) -> tuple[Entry, ...]:
        """Return what a ledger has since it was seen, oldest first; nothing when a run began in it."""
        commits = self.plumbing.log(ledger, limit=_MOST)
        if seen not in commits:
            return ()
        entries = self._read(commits[: commits.index(seen)])
        return entries if all(each.kind is not Kind.STARTED for each in entries) else ()

    def _read(self, commits: Sequence[str]) -> tuple[Entry, ...]:
        found = self.plumbing.read([f"{commit}:{ENTRY}" for commit in reversed(commits)])
        return tuple(decode_entry(each[1]) for each in found if each is not None)
