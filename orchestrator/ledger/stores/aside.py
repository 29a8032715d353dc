"""Entries that could not be recorded when it was time: kept in this clone until whoever holds the lock records them.

They tell what was done, so that they are not given up: the remote, the directory or the API server was away, or took
nothing, or Git could not move the ledger's ref. ``refs/orchestrator-aside/STACK/ENVIRONMENT`` is a chain of commits of
its own, one for each of them, and the same one wherever the ledger is: where that moves meanwhile, they follow it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import LedgerError, NewerFormat, RepositoryError
from orchestrator.ledger.encoding import decode_entry, encode_entry
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.stores.plumbing import ALL, Draft, Plumbing
from orchestrator.ledger.stores.standing import ENTRY
from orchestrator.ledger.troubles import unreadable_aside
from orchestrator.plans.objects import Owner

_ATTEMPTS = 5
_MOST = 1000  # entries that one run records


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """The entries of one ledger that wait in a clone.

    ``ours`` tells of a ledger in a place that several repositories share whether it is the one that they are of.
    """

    owner: Owner
    plumbing: Plumbing
    ours: Callable[[LedgerState], bool] = field(default=lambda _state: True, repr=False)

    @property
    def ref(self) -> str:
        """Return the ref that stands at the last of them, and does not exist where none waits."""
        return f"refs/orchestrator-aside/{self.owner}"

    def tip(self) -> str:
        """Return where they stand, empty where none waits."""
        (found,) = self.plumbing.read((self.ref,))
        return found[0] if found else ""

    def entries(self, tip: str) -> tuple[Entry, ...]:
        """Return the entries that a chain holds, oldest first; raises LedgerError for one that cannot be read."""
        try:
            commits = self.plumbing.log(tip, limit=ALL) if tip else ()
            return tuple(self._read(commits))
        except NewerFormat:
            raise
        except (LedgerError, RepositoryError) as error:
            raise unreadable_aside(str(self.owner), self.ref, error) from error

    def keep(self, entry: Entry) -> None:
        """Keep an entry after those that wait already; raises RepositoryError when that cannot be done."""
        for _ in range(_ATTEMPTS):
            tip = self.tip()
            if self.plumbing.move({self.ref: (tip, self.chained((entry,), tip=tip))}):
                return
        raise RepositoryError(
            f"{self.ref} cannot be moved: what it stands at cannot be read, or changes all the time"
        )

    def forget(self, tip: str) -> None:
        """Forget the entries up to that one, which are recorded by now.

        Where others kept more since, all stay for whoever records those: an entry is recorded once.
        """
        if tip:
            self.plumbing.move({self.ref: (tip, "")})

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
        """Return what a ledger has since it was seen, oldest first; nothing when a run began in it or it is damaged."""
        commits = self.plumbing.log(ledger, limit=_MOST)
        if seen not in commits:
            return ()
        try:
            entries = tuple(self._read(commits[: commits.index(seen)]))
        except NewerFormat:
            raise
        except LedgerError:
            return ()
        return entries if all(each.kind is not Kind.STARTED for each in entries) else ()

    def _read(self, commits: Sequence[str]) -> Iterator[Entry]:
        oldest_first = commits[::-1]
        found = self.plumbing.read([f"{commit}:{ENTRY}" for commit in oldest_first])
        for commit, each in zip(oldest_first, found, strict=True):
            if each is None:
                raise LedgerError(f"the commit {commit[:10]} holds no {ENTRY}")
            yield decode_entry(each[1])
