"""Where the refs of a ledger stand, here and on the remote, and how they are moved in step.

With a remote, the remote's refs decide and this clone's follow them. ``refs/orchestrator-remote/…`` says where
the remote's ledger stood when it was seen last: this clone is ahead of it while an outcome could not be
pushed, or since the ledger was kept here alone, and the next entry brings everything there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator import clock
from orchestrator.errors import LedgerError, LedgerLost, RepositoryError
from orchestrator.ledger.encoding import decode_entry, decode_state
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.holder import Hold, Waiter
from orchestrator.ledger.lock_encoding import decode_hold, decode_waiter
from orchestrator.ledger.stores.plumbing import ALL, Moves, Plumbing
from orchestrator.ledger.troubles import lost_entries, restore
from orchestrator.plans.objects import Owner

STATE, ENTRY, HOLDER, WAITER = "state.json", "entry.json", "holder.json", "waiter.json"

_ATTEMPTS = 5
_MOMENT_SECONDS = 1.0
_NO_GLIMPSE: Final[tuple[float, Mapping[str, str]]] = (float("-inf"), {})
_DEPTHS = (2, 16, 128, ALL)  # of looks for an earlier entry in a shallow clone


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What this clone knows: where its refs stand (empty: nowhere), and what the lock says.

    ``kept`` is the file that holds the state, as id and content; None where there is no ledger, or no such file.
    ``seen`` is where the remote's ledger stood last.
    """

    ledger: str
    kept: tuple[str, bytes] | None
    lock: str
    hold: Hold | None
    seen: str


class LedgerRefs:
    """The refs of one ledger."""

    def __init__(self, owner: Owner, plumbing: Plumbing, *, remote: str | None) -> None:
        """Take whose ledger, the repository, and the remote to share it through (None: not at all)."""
        self.ledger = f"refs/orchestrator/{owner}"
        self.lock = f"refs/orchestrator-lock/{owner}"
        self._queue = f"refs/orchestrator-queue/{owner}"
        self._seen = f"refs/orchestrator-remote/{remote}/{owner}"
        self._replaced = f"refs/orchestrator-replaced/{owner}"
        self._subject = str(owner)
        self._plumbing = plumbing
        self._remote = remote
        self._decoded = ("", LedgerState())
        self._glimpse = _NO_GLIMPSE

    def here(self) -> Here:
        """Return what this clone knows, without asking the remote."""
        ledger, state, lock, holder, seen = self._plumbing.read(
            (self.ledger, f"{self.ledger}:{STATE}", self.lock, f"{self.lock}:{HOLDER}", self._seen)
        )
        return Here(
            ledger=ledger[0] if ledger else "",
            kept=state,
            lock=lock[0] if lock else "",
            hold=decode_hold(holder[1], mark=lock[0]) if lock and holder else None,
            seen=seen[0] if seen else "",
        )

    def state(self, here: Here) -> LedgerState:
        """Return what the ledger says; one that was read last is not decoded anew."""
        if not here.ledger:
            return LedgerState()
        if here.kept is None:
            raise LedgerError(
                f"{self.ledger} is no ledger: its commit holds no {STATE}",
                hint=restore(self._subject),
            )
        blob, content = here.kept
        if self._decoded[0] != blob:
            self._decoded = blob, decode_state(content)
        return self._decoded[1]

    def present(self) -> Here:
        """Return what this clone knows after it was brought in line with the remote.

        Raises LedgerLost when entries that were seen there are not there any more.
        """
        return self._followed(self._to_follow)

    def present_lock(self) -> Here:
        """Return what this clone knows after its lock was brought in line with the remote's."""
        return self._followed(self._to_follow_lock)

    def _followed(self, to_follow: Callable[[Here, str], Moves | None]) -> Here:
        for _ in range(_ATTEMPTS):
            here = self.here()
            if self._remote is None:
                return here
            moves = to_follow(here, self._remote)
            if moves is not None and (not moves or self._plumbing.move(moves)):
                return self.here() if moves else here
        raise self.restless()

    def deepen(self, commits: int) -> None:
        """Fetch that many commits of the remote's ledger into a shallow clone, which holds the last alone."""
        if self._remote is not None:
            self._plumbing.fetch(self._remote, (self.ledger,), depth=commits)

    def sight(self) -> tuple[Hold | None, Mapping[str, tuple[str, Waiter]]]:
        """Return the lock, and for each ref of the queue where it stands and who waits there; moves no ref."""
        for _ in range(_ATTEMPTS):
            listed = self._listed((self.ledger, self.lock, f"{self._queue}/*"))
            self._glimpse = (clock.seconds(), listed)
            found = {ref: each for ref, each in listed.items() if ref != self.ledger}
            if not self._fetched(found):
                continue
            names = [
                f"{each}:{HOLDER if ref == self.lock else WAITER}" for ref, each in found.items()
            ]
            contents = dict(zip(found, self._plumbing.read(names), strict=True))
            lock = contents.pop(self.lock, None)
            waiting = {
                ref: (found[ref], decode_waiter(each[1])) for ref, each in contents.items() if each
            }
            return decode_hold(lock[1], mark=found[self.lock]) if lock else None, waiting
        raise self.restless()

    def _listed(self, refs: Sequence[str]) -> Mapping[str, str]:
        if self._remote is None:
            return self._plumbing.list_refs(refs)
        return self._plumbing.list_remote(self._remote, refs)

    def _fetched(self, found: Mapping[str, str]) -> bool:
        """Bring what these refs of the remote stand at here, and return whether it all is."""
        here = self._plumbing.read(tuple(found.values()))
        missing = [ref for ref, each in zip(found, here, strict=True) if each is None]
        if self._remote is None or not missing:
            return not missing
        return self._plumbing.fetch(self._remote, missing, depth=1)

    def move_waiter(self, token: str, *, old: str, new: str) -> bool:
        """Move a ref of the queue; return whether it stood at ``old``."""
        moves = {f"{self._queue}/{token}": (old, new)}
        if self._remote is None:
            return self._move(moves)
        return self._push(self._remote, moves)

    def take_lock(self, here: Here, lock: str, *, settled: bool) -> bool:
        """Move the lock; return whether it stood where ``here`` says.

        Where the ledger is ``settled``, the remote's has to stand where ``here`` says, too.
        """
        if self._remote is None or not settled:
            return self.move_lock(here, lock)
        moves = {self.lock: (here.lock, lock)}
        moved = self._push(self._remote, {**moves, self.ledger: (here.seen, here.seen)})
        if moved:
            self._plumbing.move(moves)
        return moved

    def settled(self, here: Here) -> bool:
        """Whether this clone and the remote had the same ledger when it was seen last."""
        return self._remote is None or (here.ledger == here.seen != "")

    def move_lock(self, here: Here, lock: str) -> bool:
        """Move the lock; return whether it stood where ``here`` says.

        It takes along to the remote what was recorded in this clone alone: a run that finds nothing to do
        records no entry that would.
        """
        moves = {self.lock: (here.lock, lock)}
        if self._remote is None:
            return self._move(moves)
        # Without a look at the results: another process of this clone may have followed the remote already.
        ahead = {self.ledger: (here.seen, here.ledger)} if here.ledger != here.seen else {}
        if ahead and self._push(self._remote, {**moves, **ahead}):
            self._plumbing.move(moves)
            self._plumbing.move({self._seen: (here.seen, here.ledger)})
            return True
        moved = self._push(self._remote, moves)
        if moved:
            self._plumbing.move(moves)
        return moved

    def append(self, here: Here, *, lock: str, ledger: str) -> bool:
        """Move lock and ledger, both or none; return whether both stood where ``here`` says.

        Raises RepositoryError when the remote refuses or does not answer.
        """
        moves = {self.lock: (here.lock, lock), self.ledger: (here.ledger, ledger)}
        if self._remote is None:
            return self._move(moves)
        pushed = self._push(self._remote, {**moves, self.ledger: (here.seen, ledger)})
        if pushed:
            self._plumbing.move({**moves, self._seen: (here.seen, ledger)})
        return pushed

    def keep(self, here: Here, *, ledger: str) -> None:
        """Move the ledger of this clone alone, ahead of the remote."""
        self._move({self.ledger: (here.ledger, ledger)})

    def restless(self) -> LedgerError:
        """Return the error for refs that others moved each time when we were to."""
        return LedgerError(
            f"{self.ledger} kept moving while it was read", hint="run again in a moment"
        )

    def _move(self, moves: Moves) -> bool:
        return self._insist(moves, self._plumbing.move, self._stand_here)

    def _push(self, remote: str, moves: Moves) -> bool:
        return self._insist(
            moves,
            lambda wanted: self._plumbing.push(remote, wanted),
            lambda refs: self._plumbing.list_remote(remote, refs),
        )

    def _insist(
        self,
        moves: Moves,
        move: Callable[[Moves], bool],
        stand: Callable[[Sequence[str]], Mapping[str, str]],
    ) -> bool:
        """Try to move the refs until it is done or they stand elsewhere: a refusal may be a passing lock file."""
        for _ in range(_ATTEMPTS):
            try:
                if move(moves):
                    return True
            except RepositoryError:
                if _stood(
                    moves, stand(tuple(moves)), after=True
                ):  # done, but the answer did not come back
                    return True
                raise
            found = stand(tuple(moves))
            if _stood(moves, found, after=True):
                return True
            if not _stood(moves, found, after=False):
                return False
        raise LedgerError(
            f"{' and '.join(sorted(moves))} cannot be moved: their lock files are held",
            hint="another Git process is at work on them; if there is none, it crashed: "
            "remove their .lock files from the repository that holds them",
        )

    def _stand_here(self, refs: Sequence[str]) -> Mapping[str, str]:
        found = zip(refs, self._plumbing.read(refs), strict=True)
        return {ref: each[0] for ref, each in found if each}

    def replace(self, here: Here, *, lock: str, ledger: str) -> bool:
        """Move lock and ledger, wherever the ledger stands; keep what stood there under a name of its own.

        Return whether the lock stood where ``here`` says.
        """
        before = here.ledger
        if self._remote is not None:
            before = self._plumbing.list_remote(self._remote, (self.ledger,)).get(self.ledger, "")
        moves = {self.lock: (here.lock, lock), self.ledger: (before, ledger)}
        if self._remote is None:
            moved = self._move(moves)
        elif moved := self._push(self._remote, moves):
            local = {**moves, self.ledger: (here.ledger, ledger), self._seen: (here.seen, ledger)}
            self._plumbing.move(local)
        if moved and here.ledger:
            self._plumbing.move({f"{self._replaced}/{here.ledger[:10]}": ("", here.ledger)})
        return moved

    def known(self) -> str:
        """Return where the ledger stands: as the remote has it, or as this clone knew it where that lost some."""
        try:
            return self.present().ledger
        except LedgerLost:
            return self.here().ledger

    def _to_follow_lock(self, here: Here, remote: str) -> Moves | None:
        lock = self._plumbing.list_remote(remote, (self.lock,)).get(self.lock, "")
        if not self._bring(remote, here, ledger=here.ledger, lock=lock):
            return None
        return {self.lock: (here.lock, lock)} if lock != here.lock else {}

    def _to_follow(self, here: Here, remote: str) -> Moves | None:
        """Return the moves that bring this clone in line with the remote; None when that moved meanwhile."""
        there = self._glimpsed() or self._plumbing.list_remote(remote, (self.ledger, self.lock))
        ledger, lock = there.get(self.ledger, ""), there.get(self.lock, "")
        if not self._bring(remote, here, ledger=ledger, lock=lock):
            return None
        self._check_seen(remote, here, ledger)
        follow = bool(ledger) and ledger != here.ledger and self._behind(here, ledger)
        return {
            ref: (old, new)
            for ref, old, new in (
                (self.lock, here.lock, lock),
                (self._seen, here.seen, ledger),
                (self.ledger, here.ledger, ledger if follow else here.ledger),
            )
            if old != new
        }

    def _glimpsed(self) -> Mapping[str, str]:
        """Return where the remote's refs stood a moment ago, once: a look at the lock is one at the ledger, too."""
        at, listed = self._glimpse
        self._glimpse = _NO_GLIMPSE
        return listed if clock.seconds() - at < _MOMENT_SECONDS else {}

    def _bring(self, remote: str, here: Here, *, ledger: str, lock: str) -> bool:
        wanted = {}
        if ledger not in {"", here.ledger, here.seen}:
            wanted[self.ledger] = ledger
        if lock not in {"", here.lock}:
            wanted[self.lock] = lock
        if not wanted:
            return True
        fetched = self._plumbing.fetch(remote, tuple(wanted), depth=1)
        return fetched and None not in self._plumbing.read(tuple(wanted.values()))

    def _check_seen(self, remote: str, here: Here, ledger: str) -> None:
        """Raise LedgerLost when the remote's ledger does not lead back to what was seen of it."""
        if here.seen in {"", ledger}:
            return
        if ledger and self._leads_back(remote, ledger, here.seen):
            return
        shorter = bool(ledger) and self._plumbing.descends(here.seen, ancestor=ledger)
        happened = "was cut short" if shorter else "was replaced by another one"
        entries = self._plumbing.read((f"{here.seen}:{ENTRY}", f"{ledger or here.seen}:{ENTRY}"))
        seen, now = (_told(each) for each in entries)
        raise lost_entries(
            self._subject,
            f"on {remote} {happened if ledger else 'is gone'}",
            seen=f"{here.seen[:10]} ({seen})",
            now=f"{ledger[:10]} ({now})" if ledger else "",
            forget=f"git update-ref -d {self._seen} && git update-ref -d {self.ledger}",
        )

    def _leads_back(self, remote: str, ledger: str, seen: str) -> bool:
        if self._plumbing.descends(ledger, ancestor=seen):
            return True
        for depth in _DEPTHS if self._plumbing.shallow else ():
            if not self._plumbing.fetch(remote, (self.ledger,), depth=depth):
                return False
            if self._plumbing.descends(ledger, ancestor=seen):
                return True
        return False

    def _behind(self, here: Here, ledger: str) -> bool:
        """Return whether the remote's ledger has all of ours and more; False when it is the other way round."""
        if here.ledger in {"", here.seen}:
            return True
        if self._plumbing.descends(here.ledger, ancestor=ledger):
            return False
        if self._plumbing.descends(ledger, ancestor=here.ledger):
            return True
        raise LedgerError(
            f"{self.ledger} in this clone and on {self._remote} went separate ways",
            hint=f"compare them with git log {self.ledger} and git log {ledger[:10]}; "
            f"to go on with the remote's: git update-ref {self.ledger} {ledger[:10]}",
        )


def _told(found: tuple[str, bytes] | None) -> str:
    """Return an entry's sentence, for people."""
    if found is None:
        return "no entry"
    try:
        entry = decode_entry(found[1])
    except LedgerError:
        return "an entry that cannot be read"
    return f"{entry.message}, {entry.at:%Y-%m-%d %H:%M:%S} UTC"


def _stood(moves: Moves, found: Mapping[str, str], *, after: bool) -> bool:
    return all(found.get(ref, "") == (new if after else old) for ref, (old, new) in moves.items())
