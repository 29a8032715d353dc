"""A replica among others: a thread of its own renews its Lease, sees who else lives, and takes and gives shards.

It goes on while the agent stops, until nothing is at work any more; only then the others may take over.
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from orchestrator import clock, log
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.replicas.leases import (
    AGENT,
    LEASE,
    MEMBER,
    Holding,
    Member,
    Object,
    View,
    member_lease,
    member_name,
    read_holding,
    read_member,
    shard_lease,
    view,
)
from orchestrator.agent.replicas.liveness import Pace, Sightings, forgotten, living, observed
from orchestrator.agent.replicas.moves import Moves, moves
from orchestrator.agent.replicas.shards import shard_of
from orchestrator.agent.replicas.share import Share
from orchestrator.errors import ClusterError, Interrupted, OrchestratorError, unexpected
from orchestrator.processes import Stop

_LEAVING_SECONDS: Final = 3.0
"""How long it may take to say that we leave; the others notice it anyway."""


class Leases(Protocol):
    """The Leases of one namespace, each replaced or removed only as the version that was seen.

    Every method raises ClusterError when the server refuses or does not answer.
    """

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None when there is none of that name."""

    def put(self, manifest: Object) -> Object | None:
        """Replace the version that the manifest names, or create what names none; None when it is another one."""

    def drop(self, kind: str, name: str, *, version: str) -> bool:
        """Delete that version of an object; return whether it was the one that is there, or none was."""

    def select(self, kind: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects of a kind that carry these labels."""


@dataclass(slots=True, kw_only=True)
class Membership:
    """One replica; ``stop`` is asked when what ``leases`` are asked has to end, ``reading`` is its clock.

    What the loop and the thread tell one another goes through ``exchange`` and ``tell``, under the guard.
    """

    leases: Leases
    agent: str
    myself: Member
    pace: Pace
    stop: Stop
    reading: Callable[[], float] = clock.lasting
    _mine: frozenset[int] = frozenset()
    _begin: frozenset[int] = frozenset()
    _until: float = float("-inf")
    _last: Share = field(default_factory=lambda: Share(begin=frozenset(), held=frozenset()))
    _busy: frozenset[int] = frozenset()
    _told: dict[str, int] = field(default_factory=dict)
    _news: frozenset[str] = frozenset()
    _heard: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    _sightings: Sightings = field(default_factory=dict)
    _trouble: str = ""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _wake: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def exchange(self, busy: Collection[Key]) -> Share:
        """Take in what is at work, and return what may be done from now on."""
        with self._guard:
            lapsed = self.reading() >= self._until
            begin, held = (frozenset[int](),) * 2 if lapsed else (self._begin, self._mine)
            told, self._news = tuple(sorted(self._news)), frozenset()
            self._busy = frozenset(shard_of(key) for key in busy if key.stack)
            self._last = Share(begin=begin, held=held, told=told)
            return self._last

    def tell(self, repository: str) -> None:
        """Have the others know, by our Lease, that a repository may have moved."""
        with self._guard:
            self._told[repository] = self._told.get(repository, 0) + 1
        self._wake.set()

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """Be one of the replicas while the block lasts, and leave at its end."""
        thread = threading.Thread(target=self._run, name="replica", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._wake.set()
            thread.join(_LEAVING_SECONDS)
            self.stop.request()
            thread.join()

    def attempt(self) -> None:
        """Renew, look, and move what has to be moved; what the server says against it is a trouble, and no more."""
        try:
            self._round()
        except (ClusterError, Interrupted) as error:
            self._tell(error)
        else:
            self._trouble = ""

    def _tell(self, error: OrchestratorError) -> None:
        if error.message != self._trouble:
            log.trouble("replicas cannot be asked", why=error.message, hint=error.hint)
        self._trouble = error.message

    def leave(self) -> None:
        """Say that we are gone, so that the others take over at once."""
        with contextlib.suppress(ClusterError, Interrupted):
            name = member_name(self.agent, self.myself.name)
            self.leases.drop(LEASE, name, version=self.myself.version)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.attempt()
            except Exception as error:  # noqa: BLE001 - else nobody would ever renew again, nor know why
                self._tell(unexpected(error))
            self._wake.wait(self.pace.look)
            self._wake.clear()
        self.leave()

    def _round(self) -> None:
        """Renew, look, and move what has to be moved; raises ClusterError."""
        self._renew(self.reading())
        before = self.reading()
        seen = view(self.leases.select(LEASE, {AGENT: self.agent}))
        versions = {name: each.version for name, each in seen.members.items()}
        self._sightings = observed(self._sightings, versions, self.reading())
        self._hear(seen)
        alive = living(self._sightings, before, self.pace)
        self._move(moves(seen, alive, myself=self.myself.name, mine=self._mine))
        self._clear_away(seen, forgotten(self._sightings, before, self.pace))

    def _renew(self, began: float) -> None:
        """Write our Lease; where another one is there than we wrote, all that we had is lost."""
        with self._guard:
            told = dict(self._told)
        wanted = replace(self.myself, beat=self.myself.beat + 1, told=told)
        found = self.leases.put(self._written(wanted))
        if found is None:  # the answer to a first try may have been lost
            there = self.leases.select(LEASE, {AGENT: self.agent, MEMBER: wanted.name})
            found = next(iter(there), None)
        now = read_member(found) if found else None
        version = now.version if now else ""
        self.myself = replace(wanted, version=version)
        if now is None or now.beat != wanted.beat:
            self._lose(self._mine)
            return
        # Others may have taken us for dead before this was stored.
        if self.reading() >= self._until:
            self._lose(self._mine)
        with self._guard:
            self._until = began + self.pace.trusted

    def _written(self, member: Member) -> Object:
        return member_lease(self.agent, member, now=clock.now(), seconds=self.pace.lease)

    def _move(self, wanted: Moves) -> None:
        self._lose(wanted.lost)
        giving = frozenset(each.shard for each in wanted.give)
        with self._guard:
            self._begin = self._mine - giving
            still = self._busy | (self._last.begin or frozenset())
        for each in wanted.give:
            if each.shard not in still:
                self._give(each)
        for each in wanted.take:
            self._take(each)

    def _take(self, wanted: Holding) -> None:
        found = self.leases.put(shard_lease(self.agent, wanted, now=clock.now()))
        if found is None or read_holding(found) is None:
            return
        with self._guard:
            self._mine |= {wanted.shard}
            self._begin |= {wanted.shard}
        log.tell("shard taken", shard=wanted.shard, agent=self.agent)

    def _give(self, wanted: Holding) -> None:
        self._lose(frozenset({wanted.shard}))
        self.leases.put(shard_lease(self.agent, wanted, now=clock.now()))
        log.tell("shard given away", shard=wanted.shard, agent=self.agent)

    def _lose(self, shards: frozenset[int]) -> None:
        with self._guard:
            lost = shards & self._mine
            self._mine -= shards
            self._begin -= shards
        if lost:
            log.step("shards are not ours any more", shards=sorted(lost))

    def _hear(self, seen: View) -> None:
        """Take in what others were told since we looked last."""
        others = {
            name: each.told for name, each in seen.members.items() if name != self.myself.name
        }
        news = {
            repository
            for name, told in others.items()
            if name in self._heard
            for repository, count in told.items()
            if count != self._heard[name].get(repository, 0)
        }
        self._heard = others
        with self._guard:
            self._news |= news

    def _clear_away(self, seen: View, dead: Collection[str]) -> None:
        """Remove the Leases of replicas that died long ago."""
        for name in sorted(set(dead) & seen.members.keys() - {self.myself.name}):
            gone = seen.members[name]
            self.leases.drop(LEASE, member_name(self.agent, name), version=gone.version)
