"""Looking at the workloads of many stacks at once: whose turn it is, and what a look means. Pure.

Starting a child costs more than a look does. So one child looks at all stacks of a repository whose turn it is, or
soon is, and changes nothing; a stack that is not as it should be, or of which nobody can tell, gets a child of its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from orchestrator.agent.decisions.agenda import REVISIONS, Agenda, Item, Key, Task, waited
from orchestrator.agent.decisions.backoff import spread

_SOON: Final = 120.0
"""How much sooner than its time a stack is looked at along with others, in seconds, at most."""


def to_look_at(agenda: Agenda, repository: str, now: float) -> tuple[Key, ...]:
    """Return the stacks of a repository to look at now, sorted: none before one of them is due.

    All of them are at one revision. While another one is still to be looked at, only those go that waited for that
    before: new revisions may come faster than they are looked at.
    """
    whole = agenda.get(Key(repository=repository))
    if whole is None:
        return ()
    moving = whole.running is not None or whole.next <= now
    free = [item for item in agenda.values() if item.key.repository == repository and _free(item)]
    due = [item for item in free if item.look <= now and (not moving or waited(item.look, whole))]
    if not due:
        return ()
    longest = min(due, key=lambda item: (item.look, item.key))
    soon = now if moving else now + _SOON
    return tuple(
        sorted(item.key for item in free if item.look <= soon and item.revision == longest.revision)
    )


def sent(agenda: Agenda, every: Mapping[Key, float], now: float, *, lot: float) -> Agenda:
    """Return the agenda once somebody went to look at stacks: their next turn comes after so many seconds each."""
    after = {
        key: replace(agenda[key], look=now + spread(interval, lot))
        for key, interval in every.items()
    }
    return {**agenda, **after}


def seen(agenda: Agenda, astray: Collection[Key], now: float) -> Agenda:
    """Return the agenda after a look: who went astray is seen to, unless that is done anyway."""
    found = {
        key: replace(agenda[key], due={**agenda[key].due, Task.WORKLOADS: now})
        for key in astray
        if key in agenda and _free(agenda[key])
    }
    return {**agenda, **found}


def _free(item: Item) -> bool:
    """Whether nothing is being done to a stack, or about to be, that looks at it anyway."""
    moves = REVISIONS & item.due.keys()
    return item.running is None and not item.waits and not moves
