"""Once, and no more: what an agent that does what is due, and ends, has left to do. Pure.

Each stack has one turn, and one more for each revision that comes meanwhile. What falls due again while others have
theirs is for the next time: where all takes longer than that, it would never end.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Whose turn is over, and whose workloads were looked at."""

    over: frozenset[Key] = frozenset()
    looked: frozenset[Key] = frozenset()

    def ended(self, key: Key) -> "Turns":
        """Return them once a task of a stack ended."""
        return replace(self, over=self.over | {key})

    def sent(self, keys: Collection[Key]) -> "Turns":
        """Return them once somebody went to look at stacks."""
        return replace(self, looked=self.looked.union(keys))

    def left(self, agenda: Agenda) -> Agenda:
        """Return what may still be begun with."""
        return {
            key: replace(item, look=NEVER) if key in self.looked else item
            for key, item in agenda.items()
            if key not in self.over or item.urgent or item.running
        }

    def unseen(self, agenda: Agenda) -> Agenda:
        """Return what may still be looked at."""
        seen = self.over | self.looked
        return {key: item for key, item in agenda.items() if key not in seen}
