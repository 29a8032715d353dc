"""Where the refs of a ledger stand, here and on the remote, and how they are moved in step.

With a remote, the remote's refs decide and this clone's follow them. ``refs/orchestrator-remote/…`` says where
the remote's ledger stood when it was seen last: this clone is ahead of it while an outcome could not be
pushed, or since the ledger was kept here alone, and the next entry brings everything there. Where others went on
first, what this clone is ahead with is kept aside, and follows theirs.

Without a remote ``refs/orchestrator-seen/…`` moves along with the ledger, so that it is missed when it is gone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestrator import clock, log
from orchestrator.errors import LedgerError, LedgerLost, RepositoryError
from orchestrator.ledger.encoding import decode_state
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.holder import Hold, Waiter
from orchestrator.ledger.lock_encoding import decode_hold, decode_waiter
from orchestrator.ledger.stores.aside import Aside
from orchestrator.ledger.stores.insisting import insist
from orchestrator.ledger.stores.marks import SEEN, seen_on
from orchestrator.ledger.stores.plumbing import Moves, Plumbing, brought
from orchestrator.ledger.stores.standing import HOLDER, STATE, WAITER, Here, Lineage
from orchestrator.ledger.troubles import restore
from orchestrator.plans.objects import Owner

_ATTEMPTS = 5
_MOMENT_SECONDS = 1.0
_NO_GLIMPSE: Final[tuple[float, Mapping[str, str]]] = (float("-inf"), {})
_NOWHERE = "0" * 40  # the name of no object


class LedgerRefs:
    """The refs of one ledger."""

    def __init__(self, owner: Owner, plumbing: Plumbing, *, remote: str | None) -> None:
        """Take whose ledger, the repository, and the remote to share it through (None: not at all)."""
        self.ledger = f"refs/orchestrator/{owner}"
        self.lock = f"refs/orchestrator-lock/{owner}"
        self._queue = f"refs/orchestrator-queue/{owner}"
        self._seen = f"{SEEN}/{remote}/{owner}" if remote else f"refs/orchestrator-seen/{owner}"
        self._owner = owner
        self._plumbing = plumbing
        self._remote = remote
        self._decoded = ("", LedgerState())
        self._glimpse = _NO_GLIMPSE
        self._stuck: dict[str, str] = {}
        self.aside = Aside(owner=owner, plumbing=plumbing)
        self._lineage = Lineage(
            subject=str(self._owner),
            ref=self.ledger,
            seen=self._seen,
            remote=remote,
            plumbing=plumbing,
        )

    def here(self) -> Here:
        """Return what this clone knows, without asking the remote."""
        at, held = self._name(self.ledger), self._name(self.lock)
        # One is read after the other, and other processes move them meanwhile: what was seen comes first, so that the
        # ledger is never behind it.
        names = (self._name(self._seen), at, f"{at}:{STATE}", held, f"{held}:{HOLDER}")
        seen, ledger, state, lock, holder, aside = self._plumbing.read((*names, self.aside.ref))
        return Here(
            ledger=ledger[0] if ledger else "",
            kept=state,
            lock=lock[0] if lock else "",
            hold=decode_hold(holder[1], mark=lock[0]) if lock and holder else None,
            seen=seen[0] if seen else "",
            aside=aside[0] if aside else "",
        )

    def _name(self, ref: str) -> str:
        """Return what a ref stands at by: itself, or where it would stand if it could be moved."""
        return self._stuck.get(ref, ref) or _NOWHERE

    def state(self, here: Here) -> LedgerState:
        """Return what the ledger says; one that was read last is not decoded anew."""
        if not here.ledger:
            return LedgerState()
        if here.kept is None:
            raise LedgerError(
                f"{self.ledger} is no ledger: its commit holds no {STATE}",
                hint=restore(str(self._owner)),
            )
        blob, content = here.kept
        if self._decoded[0] != blob:
            self._decoded = blob, decode_state(content)
        return self._decoded[1]

    def present(self) -> Here:
        """Return what this clone knows after it was brought in line with the remote.

        Raises LedgerLost when entries that were seen there are not there any more.
        """
        try:
            return self._present()
        except LedgerLost:
            # A glimpse of a moment ago has less than other processes of this clone may have seen by now.
            return self._present()

    def _present(self) -> Here:
        here = self._followed(self._to_follow)
        if self._remote is None:
            self._lineage.check(here, here.ledger)
        return here

    def as_listed(self, listed: Mapping[str, str]) -> Here | None:
        """Return what this clone knows, if the remote's refs were seen to stand just so, and None if not."""
        here = self.here()
        at = (listed.get(self.ledger, ""), listed.get(self.lock, ""))
        return here if at == (here.ledger, here.lock) and here.ledger == here.seen else None

    def present_lock(self) -> Here:
        """Return what this clone knows after its lock was brought in line with the remote's."""
        return self._followed(self._to_follow_lock)

    def _followed(self, to_follow: Callable[[Here, str], Moves | None]) -> Here:
        for _ in range(_ATTEMPTS):
            here = self.here()
            if self._remote is None:
                return here
            moves = to_follow(here, self._remote)
            if moves is not None and (not moves or self._follow(moves)):
                return self.here() if moves else here
        raise self.restless()

    def _follow(self, moves: Moves) -> bool:
        """Move this clone's refs after the remote's; return whether they stood where they had to.

        Where Git cannot move them, the remote has them all the same: this process knows where they would stand.
        """
        try:
            if self._stuck:
                wanted = {**self._stuck, **{ref: new for ref, (_, new) in moves.items()}}
                there = self._stand_here(tuple(wanted))
                moves = {ref: (there.get(ref, ""), new) for ref, new in wanted.items()}
            moved = self._plumbing.move(moves)
        except RepositoryError as error:
            log.step("refs of this clone not moved", error=error.message)
            self._stuck |= {ref: new for ref, (_, new) in moves.items()}
            return True
        self._stuck = {} if moved else self._stuck
        return moved

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
            if not brought(self._plumbing, self._remote, found):
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
            self._follow(moves)
        return moved

    def settled(self, here: Here) -> bool:
        """Whether what stands here is what was seen last; with a remote, it has the same then."""
        return here.ledger == here.seen != ""

    def move_lock(self, here: Here, lock: str) -> bool:
        """Move the lock; return whether it stood where ``here`` says.

        It takes along to the remote what was recorded in this clone alone: a run that finds nothing to do
        records no entry that would. What is of another remote begins no ledger on this one.
        """
        moves = {self.lock: (here.lock, lock)}
        if self._remote is None:
            return self._move(moves)
        # Without a look at the results: another process of this clone may have followed the remote already.
        own = here.ledger != here.seen and (here.seen or not self._of_another_remote())
        ahead = {self.ledger: (here.seen, here.ledger)} if own else {}
        if ahead and self._push(self._remote, {**moves, **ahead}):
            self._follow(moves)
            self._follow({self._seen: (here.seen, here.ledger)})
            return True
        moved = self._push(self._remote, moves)
        if moved:
            self._follow(moves)
        return moved

    def append(self, here: Here, *, lock: str, ledger: str) -> bool:
        """Move lock and ledger, both or none; return whether both stood where ``here`` says.

        Raises RepositoryError when the remote refuses or does not answer.
        """
        moves = {self.lock: (here.lock, lock), self.ledger: (here.ledger, ledger)}
        follow = {**moves, self._seen: (here.seen, ledger)}
        if self._remote is None:
            return self._move(follow)
        pushed = self._push(self._remote, {**moves, self.ledger: (here.seen, ledger)})
        if pushed:
            self._follow(follow)
        return pushed

    def rehearse(self, here: Here) -> None:
        """Raise RepositoryError when the refs of this clone cannot be moved, such as for a lock file of a crash."""
        refs = {self.ledger: here.ledger, self._seen: here.seen}
        moves = {ref: (at, at) for ref, at in refs.items()}
        # What deletes takes more than what moves: the lock is given back in the end.
        self._plumbing.rehearse({**moves, self.lock: (here.lock, "" if here.lock else here.lock)})

    def unsettled(self) -> bool:
        """Whether this clone has something to record that it could not until now."""
        here = self.here()
        return bool(here.aside) or (self._remote is not None and here.ledger != here.seen != "")

    def rooted(self) -> bool:
        """Whether the ledger has been in this place, and is not merely what another one left in this clone."""
        return self.here().seen != "" if self._remote is not None else not self._of_another_remote()

    def _of_another_remote(self) -> bool:
        """Whether this ledger was seen on another remote, which is still one, and did not move on from there."""
        marks = self._seen_on_others()
        remotes = self._plumbing.remotes() if marks else ()
        at = [f"{commit}:{STATE}" for remote, commit in marks.items() if remote in remotes]
        states = self._plumbing.read(at) if at else ()
        return not all(each is not None and decode_state(each[1]).moved for each in states)

    def _seen_on_others(self) -> Mapping[str, str]:
        """Return where the ledger stood on each other remote when it was seen there last."""
        marks = seen_on(self._plumbing, self._owner)
        return {remote: at for remote, at in marks.items() if remote != self._remote}

    def keep(self, here: Here, *, ledger: str) -> bool:
        """Move the ledger of this clone alone, ahead of the remote; return whether that could be done."""
        try:
            return self._move({self.ledger: (here.ledger, ledger)})
        except (LedgerError, RepositoryError) as error:
            log.step("ledger of this clone not moved", error=error.message)
            return False

    def restless(self) -> LedgerError:
        """Return the error for refs that others moved each time when we were to."""
        return LedgerError(
            f"{self.ledger} kept moving while it was read", hint="run again in a moment"
        )

    def _move(self, moves: Moves) -> bool:
        return insist(moves, self._plumbing.move, self._stand_here)

    def _push(self, remote: str, moves: Moves) -> bool:
        self._glimpse = _NO_GLIMPSE  # it is no longer what is there
        return insist(
            moves,
            lambda wanted: self._plumbing.push(remote, wanted),
            lambda refs: self._plumbing.list_remote(remote, refs),
        )

    def _stand_here(self, refs: Sequence[str]) -> Mapping[str, str]:
        found = zip(refs, self._plumbing.read(refs), strict=True)
        return {ref: each[0] for ref, each in found if each}

    def replace(self, here: Here, *, lock: str, ledger: str) -> bool:
        """Keep what stands in the ledger's place under a name of its own, then move lock and ledger.

        Return whether the lock stood where ``here`` says. Raises LedgerError for what cannot be kept; nothing moved.
        """
        before = self._lineage.brought(here)
        self._lineage.keep(here.ledger, before, beside=ledger)
        moves = {self.lock: (here.lock, lock), self.ledger: (before, ledger)}
        local = {**moves, self.ledger: (here.ledger, ledger), self._seen: (here.seen, ledger)}
        if self._remote is None:
            moved = self._move(local)
        elif moved := self._push(self._remote, moves):
            self._follow(local)
        return moved

    def known(self) -> str:
        """Return where the ledger stands: as the remote has it, or as this clone knew it where that lost some."""
        try:
            return self.present().ledger
        except LedgerLost:
            here = self.here()
            return here.ledger if self._remote and here.ledger else here.seen

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
        self._lineage.check(here, ledger)
        follow: bool | None = False
        if ledger and ledger != here.ledger:
            follow = self._lineage.behind(here, ledger)
            if follow is False:
                self._lineage.refuse_moved(ledger)
        aside = here.aside if follow is not None else self._outrun(here, ledger)
        return {
            ref: (old, new)
            for ref, old, new in (
                (self.lock, here.lock, lock),
                (self.aside.ref, here.aside, aside),
                (self.ledger, here.ledger, here.ledger if follow is False else ledger),
                (self._seen, here.seen, ledger),
            )
            if old != new
        }

    def _outrun(self, here: Here, ledger: str) -> str:
        """Keep what this clone is ahead with aside, since others went on; raises LedgerError where runs began here."""
        found = (self.aside.ahead(here.ledger, mark) for mark in self._ends_of(here, ledger))
        ahead = next(filter(None, found), ())
        if not ahead:
            raise self._lineage.parted(ledger)
        return self.aside.chained(ahead, tip=here.aside)

    def _ends_of(self, here: Here, ledger: str) -> Sequence[str]:
        """Return where what this clone shares with a ledger may end: as it was seen here, or where it moved from."""
        if here.seen:
            return (here.seen,)
        marks = self._seen_on_others().values()
        return [at for at in marks if self._lineage.leads_back(ledger, at)]

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
