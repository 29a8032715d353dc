"""Patrols: one child for each repository looks at the workloads of many stacks, and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.agent.children import Result
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import NEVER, Agenda, Key, Task
from orchestrator.agent.decisions.looks import seen, sent, to_look_at
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.agent.work.order import Order


@dataclass(slots=True, kw_only=True)
class Patrols:
    """Those that are out, by their repositories, each with the stacks that it looks at."""

    configuration: Configuration
    out: dict[str, tuple[Key, ...]] = field(default_factory=dict)

    def sent(self, ours: Agenda, now: float, *, lot: float) -> tuple[Agenda, tuple[Order, ...]]:
        """Return what the agenda becomes, and what to have looked at now."""
        agenda, orders = ours, []
        for name in self.configuration.repositories.keys() - self.out.keys():
            keys = to_look_at(ours, name, now)
            if keys:
                self.out[name] = keys
                every = {key: self._interval(key) for key in keys}
                agenda = sent(agenda, every, now, lot=lot)
                orders.append(self._order(name, agenda[keys[0]].revision, keys))
        return agenda, tuple(orders)

    def found_well(self, result: Result) -> tuple[Key, ...]:
        """Return the stacks of a patrol that is back which are as they should be, sorted."""
        keys = self.out.get(result.key.repository, ())
        return tuple(key for key in keys if key not in result.astray)

    def ended(
        self, result: Result, agenda: Agenda, verdicts: Mapping[Key, Verdict], now: float
    ) -> Agenda:
        """Return the agenda once a patrol is back: who is astray is seen to.

        So is who drifted when it was looked at last, and does no more: somebody may wait to be told.
        """
        keys = self.out.pop(result.key.repository, ())
        drifted = {key for key in keys if key in verdicts and verdicts[key].end is End.DRIFTED}
        return seen(agenda, result.astray | drifted, now)

    def _interval(self, key: Key) -> float:
        repository = self.configuration.repositories[key.repository]
        settings = repository.settings_of(key.stack) or repository.otherwise
        return settings.drift.workloads or NEVER

    def _order(self, repository: str, revision: str, keys: tuple[Key, ...]) -> Order:
        return Order(
            configuration=self.configuration,
            task=Task.PATROL,
            key=Key(repository=repository),
            revision=revision,
            looks=keys,
        )
