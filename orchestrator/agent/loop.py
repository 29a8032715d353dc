"""The loop: one thread that knows everything, told by others what happened, and deciding what comes next.

Whatever waits for something, a remote or a child, waits in a thread of its own and puts what it learnt into the
loop's queue. All that is known of stacks is one frozen agenda, which only the loop replaces.
"""

import random
from dataclasses import dataclass, field, replace
from queue import Empty, Queue
from typing import Final, TypeAlias, assert_never

from orchestrator import clock
from orchestrator.agent import events
from orchestrator.agent.children import Children, Result, carry_out, children_of
from orchestrator.agent.configuration.model import Configuration, StackSettings, Vanished
from orchestrator.agent.crew import Crew, crew
from orchestrator.agent.decisions.agenda import (
    Agenda,
    Item,
    Key,
    Task,
    begun,
    believed,
    chosen,
    idle,
    next_moment,
    stacks_of,
)
from orchestrator.agent.decisions.endings import Pace, ended, over, surveyed_badly
from orchestrator.agent.decisions.naming import doubt, outcome
from orchestrator.agent.decisions.revisions import (
    back,
    hurried,
    left_alone,
    moved,
    recorded,
    surveyed,
    vanished,
)
from orchestrator.agent.decisions.turns import Turns
from orchestrator.agent.memory import Memory, own_directory
from orchestrator.agent.own_file import OwnFile
from orchestrator.agent.patrols import Patrols
from orchestrator.agent.replicas.share import Alone, Share, Sharing, own, regained
from orchestrator.agent.surveys import Survey
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.agent.watches import Watches, watches_of
from orchestrator.agent.watching import Sight
from orchestrator.agent.work.order import Order, ordered, tell_newer
from orchestrator.processes import Stop
from orchestrator.settings import Settings

_LONGEST: Final = 24 * 3600.0
"""How long anything is put off at most, in seconds, after a start; a clock may have been set."""

_LOOK_SECONDS: Final = 0.5
"""How often the loop looks whether somebody asked to stop, at least."""

_LEAST_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Somebody told that a repository moved."""

    repository: str


Message: TypeAlias = Sight | Result | Told


@dataclass(slots=True, kw_only=True)
class Loop:
    """The agent at work; ``once`` ends it when everything that is due was done.

    ``verdicts`` say how the last task of each stack ended, and the last look at each repository.
    ``beat`` is when it last went round. ``agenda`` is replaced as a whole, so that others may look at it.
    ``sharing`` knows which stacks are other replicas' business, and ``share`` is what it said last; ``file`` knows
    whether the agent's file was changed.
    """

    configuration: Configuration
    settings: Settings
    stop: Stop
    listeners: list[events.Listener]
    once: bool = False
    sharing: Sharing = field(default_factory=Alone)
    share: Share = field(default_factory=Share)
    agenda: Agenda = field(default_factory=dict)
    verdicts: dict[Key, Verdict] = field(default_factory=dict)
    beat: float = field(default_factory=clock.lasting)
    file: OwnFile = field(init=False)
    _messages: Queue[Message] = field(default_factory=Queue)
    _watches: Watches = field(init=False)
    _patrols: Patrols = field(init=False)
    _turns: Turns = field(default_factory=Turns)
    _children: Children = field(init=False)
    _stops: dict[Key, Stop] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=random.SystemRandom)

    def __post_init__(self) -> None:
        """Begin without any patrol."""
        self.file = OwnFile(configuration=self.configuration)
        self._patrols = Patrols(configuration=self.configuration)

    @property
    def ends(self) -> frozenset[End]:
        """Return how the last tasks ended of all stacks that are kept, and of their repositories."""
        return frozenset(self.verdicts[key].end for key in self.agenda if key in self.verdicts)

    @property
    def _running(self) -> int:
        return sum(item.running is not None for item in self.agenda.values())

    def tell(self, repository: str) -> None:
        """Say that a repository may have moved; any thread may do so."""
        self._messages.put(Told(repository=repository))
        self.sharing.tell(repository)

    def run(self) -> None:
        """Work until somebody asks to stop, or, once, until nothing is due.

        Raises Locked when another agent works in the same directory, StorageError.
        """
        soon = not self.once
        with (
            own_directory(self.configuration) as memory,
            children_of(self.settings, soon=soon) as self._children,
        ):
            self._open(memory)
            try:
                self._work(memory)
            finally:
                try:
                    self._take_all()  # what children said when they were told to stop
                finally:
                    memory.keep(self.agenda, self.verdicts)

    def _work(self, memory: Memory) -> None:
        kept = self.agenda
        few = len(self.configuration.repositories)
        with crew(self.stop, workers=self.configuration.children, askers=few) as threads:
            while not self.stop.requested:
                self.beat = now = clock.lasting()
                if changed := self.file.look():
                    self._announce(changed)
                self._watches.ask(threads.askers, now, stop=self.stop, answer=self._messages.put)
                self._divide(now)
                self._begin(threads, now)
                self._patrol(threads, now)
                if self.once and self._done(now):
                    return
                self._await(now)
                if kept != self.agenda:
                    kept = self.agenda
                    memory.keep(kept, self.verdicts)
            self._announce(events.Stopping(running=self._running))

    def _open(self, memory: Memory) -> None:
        now = clock.lasting()
        self.agenda, verdicts = memory.recall(longest=_LONGEST)
        self.verdicts |= verdicts
        self._watches = watches_of(self.configuration, self.settings, now)
        for name in self._watches.each:
            key = Key(repository=name)
            self._replace(self.agenda.get(key, Item(key=key)))
        self._announce(events.Began(repositories=tuple(self._watches.each)))

    def _divide(self, now: float) -> None:
        """Learn which stacks are ours now: whose others are is broken off, whose are new to us is looked at."""
        running = frozenset(key for key, item in self.agenda.items() if item.running)
        before, self.share = self.share, self.sharing.exchange(running)
        for key in running:
            if not self.share.goes_on(key):
                self._break_off(key)
        if gained := self.share.gained(before):
            self.agenda = regained(self.agenda, gained, now)
            self._watches.doubt(now)  # whoever had them may know a newer revision
        for repository in self.share.told:
            self._watches.told(repository, now)

    def _begin(self, threads: Crew, now: float) -> None:
        """Begin with what comes first of the repositories that were asked, as long as there are workers."""
        asked = self._watches.known
        agenda = {key: item for key, item in self.agenda.items() if key.repository in asked}
        ours = self._left(agenda)
        for start in chosen(ours, now, workers=self.configuration.workers):
            item = begun(self.agenda[start.key], start.task, now)
            self._replace(item)
            order = ordered(self.configuration, start, item)
            self._announce(events.Started(key=start.key, task=start.task, revision=item.revision))
            stop = self._stops[start.key] = Stop(above=self.stop)
            self._send(threads, order, stop)

    def _patrol(self, threads: Crew, now: float) -> None:
        """Have the workloads looked at of the stacks whose time has come."""
        ours = believed(own(self.agenda, self.share))
        ours = self._turns.unseen(ours) if self.once else ours
        after, orders = self._patrols.sent(ours, now, lot=self._chance.random())
        self.agenda = {**self.agenda, **after} if orders else self.agenda
        for order in orders:
            self._turns = self._turns.sent(order.looks)
            self._send(threads, order, self.stop)

    def _send(self, threads: Crew, order: Order, stop: Stop) -> None:
        child = threads.workers.submit(carry_out, order, self._children, stop)
        child.add_done_callback(lambda each: self._messages.put(each.result()))

    def _done(self, now: float) -> bool:
        quiet = self._watches.answered and not self._patrols.out and self._messages.empty()
        return quiet and idle(self._left(self.agenda), now)

    def _left(self, agenda: Agenda) -> Agenda:
        """Return what of an agenda is ours to do, and was not done yet where all is done once."""
        ours = believed(own(agenda, self.share))
        return self._turns.left(ours) if self.once else ours

    def _await(self, now: float) -> None:
        """Wait until something is due or is told, and take in what was told."""
        ours = self._left(self.agenda)
        due = min(next_moment(ours), self._watches.due)
        busy = self._running >= self.configuration.workers
        pause = _LOOK_SECONDS if busy else min(max(due - now, _LEAST_SECONDS), _LOOK_SECONDS)
        try:
            self._take(self._messages.get(timeout=pause))
        except Empty:
            return
        self._take_all()

    def _take_all(self) -> None:
        while True:
            try:
                self._take(self._messages.get_nowait())
            except Empty:
                return

    def _take(self, message: Message) -> None:
        match message:
            case Sight():
                self._seen(message)
            case Result():
                self._ended(message)
            case Told():
                self._watches.told(message.repository, clock.lasting())
            case _:
                assert_never(message)

    def _seen(self, sight: Sight) -> None:
        now, watch = clock.lasting(), self._watches.each[sight.repository]
        repository, before = self.configuration.repositories[sight.repository], watch.ledgers
        lot, retry = self._chance.random(), self.configuration.retry
        watch.answered(sight, now, poll=repository.poll, retry=retry, lot=lot)
        self._announce(
            events.Looked(
                repository=sight.repository,
                reached=sight.reached,
                revision=sight.revision,
                locks=sight.locks,
                error=sight.error,
            )
        )
        item = self.agenda[Key(repository=sight.repository)]
        revision = item.revision if sight.error else sight.revision
        self._replace(moved(item, revision, now, signers=sight.signers))
        if before is not None and not sight.error:
            self.agenda = recorded(
                self.agenda, before, sight.ledgers, now, repository=sight.repository
            )

    def _ended(self, result: Result) -> None:
        if result.task is Task.PATROL:
            now = clock.lasting()
            self._announce(events.Patrolled(keys=self._patrols.found_well(result)))
            self.agenda = self._patrols.ended(result, self.agenda, self.verdicts, now)
            return
        item = self.agenda.get(result.key)
        if result.task is Task.SURVEY:
            self._surveyed(result)
        elif result.verdict is not None and item is not None:
            self._settled(result, result.verdict, item)

    def _settled(self, result: Result, verdict: Verdict, item: Item) -> None:
        now, settings = clock.lasting(), self._settings(result.key)
        pace = Pace(retry=self.configuration.retry, drift=settings.drift)
        after = ended(item, verdict, now, pace=pace, lot=self._chance.random())
        gone, before = over(item, verdict), self.verdicts.get(result.key)
        if gone:
            self._forget(result.key)
        else:
            self._replace(after)
            self.verdicts[result.key] = verdict
        if verdict.end is End.OVERTAKEN:  # somebody knows a newer revision
            self._watches.told(result.key.repository, now)
        self._turns = self._turns.ended(result.key)
        self._announce(
            events.Ended(
                key=result.key,
                task=result.task,
                verdict=verdict,
                seconds=now - item.started,
                failures=after.failures,
                due=after.next - now,
                before=before,
                leaving=gone and item.leaving,
            )
        )
        taken = gone and result.task is Task.DESTROY
        if taken and verdict.end is End.UNCHANGED and verdict.message:  # it is left where it is
            why = {"why": verdict.message, "hint": verdict.hint}
            left = events.Gone(key=result.key, revision=verdict.revision, destroyed=False, **why)
            self._announce(left)

    def _surveyed(self, result: Result) -> None:
        now, found = clock.lasting(), result.survey
        item = self.agenda[result.key]
        if found is None:
            retry, lot = self.configuration.retry, self._chance.random()
            self._replace(surveyed_badly(item, now, retry=retry, lot=lot))
            name, revision = result.key.repository, result.revision
            self.verdicts[result.key] = Verdict(end=End.FAILED, message=result.error)
            self._announce(events.Surveyed(repository=name, revision=revision, error=result.error))
            return
        after = replace(item, revision=found.revision, settled=found.signers)
        self._replace(replace(after, running=None, failures=0))
        self._take_in(result.key.repository, found, now)

    def _take_in(self, repository: str, found: Survey, now: float) -> None:
        """Take in what a revision declares; a stack that cannot be read is left as it is."""
        self.verdicts[Key(repository=repository)] = outcome(found)
        for each in found.declared:
            if not each.trouble:
                continue
            key = Key(repository=repository, stack=each.stack)
            if self.share.begins(key):
                self._announce(
                    events.Unreadable(key=key, revision=found.revision, error=each.trouble)
                )
        self.agenda, gone = surveyed(self.agenda, found, now, repository=repository)
        for key in gone:
            self._gone(key, found, now)
        self._announce(
            events.Surveyed(
                repository=repository,
                revision=found.revision,
                subject=found.subject,
                signer=found.signer,
                stacks=stacks_of(self.agenda, repository),
                undeclared=found.undeclared,
            )
        )
        self._overtake(repository, found.revision)

    def _gone(self, key: Key, found: Survey, now: float) -> None:
        revision, destroyed = found.revision, self._settings(key).vanished is Vanished.DESTROY
        if self.share.begins(key):
            hint = doubt(found)
            self._announce(events.Gone(key=key, revision=revision, destroyed=destroyed, hint=hint))
        item = self.agenda[key]
        after = vanished(item, revision, now) if destroyed else left_alone(item, revision)
        if after is not None:
            self._replace(after)
        else:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        self.agenda = {each: item for each, item in self.agenda.items() if each != key}
        self.verdicts.pop(key, None)
        self._stops.pop(key, None)

    def _overtake(self, repository: str, revision: str) -> None:
        """Tell the children that are at an older revision that a newer one waits for them to end."""
        ours = {key: item for key, item in self.agenda.items() if key.repository == repository}
        for key, item in ours.items():
            if hurried(item):
                tell_newer(self.configuration, key, revision[:10])
            if back(item):
                self._break_off(key)

    def _break_off(self, key: Key) -> None:
        """Ask a child to stop, once: another request would say that the patience is over."""
        if not self._stops[key].requested:
            self._stops[key].request()

    def _settings(self, key: Key) -> StackSettings:
        repository = self.configuration.repositories[key.repository]
        return repository.settings_of(key.stack) or repository.otherwise

    def _replace(self, item: Item) -> None:
        self.agenda = {**self.agenda, item.key: item}

    def _announce(self, event: events.Event) -> None:
        for listen in self.listeners:
            listen(event)
