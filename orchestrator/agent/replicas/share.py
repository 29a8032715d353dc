"""Which stacks are an agent's own business at a moment: all of them, or those of its shards."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from orchestrator.agent.decisions.agenda import Agenda, Key, Task
from orchestrator.agent.replicas.shards import shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What an agent may do: begin with the stacks of some shards, and go on with those of some more; None is all.

    ``told`` are the repositories of which others were told that they moved.
    """

    begin: frozenset[int] | None = None
    held: frozenset[int] | None = None
    told: tuple[str, ...] = ()

    def begins(self, key: Key) -> bool:
        """Whether something may be begun with a stack; a repository is looked at by everybody."""
        return not key.stack or self.begin is None or shard_of(key) in self.begin

    def goes_on(self, key: Key) -> bool:
        """Whether what is at work on a stack may go on."""
        return not key.stack or self.held is None or shard_of(key) in self.held

    def tells(self, key: Key) -> bool:
        """Whether it is ours to tell others of a stack, or of a repository as a whole: one replica does."""
        return self.begin is None or shard_of(key) in self.begin

    def gained(self, before: "Share") -> frozenset[int]:
        """Return the shards that may be begun with now and could not before."""
        if self.begin is None:
            return frozenset()
        return self.begin - (before.begin or frozenset())


def own(agenda: Agenda, share: Share) -> Agenda:
    """Return what of an agenda is an agent's own business, and what it is at work on."""
    if share.begin is None:
        return agenda
    return {key: item for key, item in agenda.items() if item.running or share.begins(key)}


def regained(agenda: Agenda, shards: Collection[int], now: float) -> Agenda:
    """Return an agenda once shards came to us: whoever had them may have left something half done."""
    return {
        key: replace(item, due={**item.due, Task.RECONCILE: now})
        if key.stack and not item.goes and shard_of(key) in shards
        else item
        for key, item in agenda.items()
    }


class Sharing(Protocol):
    """Who knows which share of the work is ours."""

    def exchange(self, busy: Collection[Key]) -> Share:
        """Say what is at work, and return what we may do now; asked before anything is begun."""

    def tell(self, repository: str) -> None:
        """Have the others know that a repository may have moved."""


class Alone:
    """Nobody else: all the work is ours."""

    def exchange(self, busy: Collection[Key]) -> Share:  # noqa: ARG002 - as the Protocol has it
        """Return that everything may be done."""
        return Share()

    def tell(self, repository: str) -> None:
        """Do nothing: there is nobody to tell."""
