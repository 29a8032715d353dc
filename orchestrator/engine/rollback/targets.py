"""Which revision a rollback goes back to: one that was named, or the last ones that went well."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import RepositoryError, UsageError
from orchestrator.ledger.entry import LedgerState, PastRun
from orchestrator.ledger.store import Store
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository

_ENTRY: Final = re.compile(r"[0-9a-f]{6,32}")
_MOST_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What somebody wants back: a revision or an entry by name, the last healthy one, or just the one before.

    ``unit`` is the only one that is brought back, or empty for all of the stack.
    """

    to: str = ""
    last_healthy: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A revision to go back to, and the run that brought all of the stack to it last, if any did."""

    revision: Revision
    run: PastRun | None = None

    def __str__(self) -> str:
        """Return ``3f2c1a9d7e (Scale the shop), applied 2026-11-20 09:12 UTC by Ada Lovelace``."""
        subject = f" ({self.revision.subject})" if self.revision.subject else ""
        if self.run is None:
            return f"{self.revision}{subject}"
        when = f"applied {self.run.at:%Y-%m-%d %H:%M} UTC by {self.run.who.partition(' <')[0]}"
        return f"{self.revision}{subject}, {when}"


def targets(aim: Aim, state: LedgerState, store: Store, repository: Repository) -> Iterator[Target]:
    """Yield the revision that was named; without a name those that were applied with success, newest first.

    Raises UsageError when there is none.
    """
    if aim.to:
        yield _target(_named(aim.to, state, store, repository), state)
    elif aim.last_healthy:
        yield _target(_healthy(state), state)
    else:
        yield from _successes(state)


def _named(name: str, state: LedgerState, store: Store, repository: Repository) -> Revision:
    """Return the revision of an entry, or the one that Git knows by that name."""
    is_entry = _ENTRY.fullmatch(name) is not None
    for run in state.runs if is_entry else ():
        if run.entry.startswith(name):
            return run.revision
    try:
        return repository.revision(name)
    except RepositoryError as error:
        for entry in store.history(_MOST_ENTRIES) if is_entry else ():
            if entry.id.startswith(name):
                return entry.run.revision
        raise UsageError(
            f"{name} is neither a revision of this repository nor an entry of the ledger",
            hint=error.hint,
        ) from error


def _healthy(state: LedgerState) -> Revision:
    if state.healthy is None:
        message = "the ledger knows no revision that all of the stack was brought to with success"
        raise UsageError(message, hint="name one: --to REVISION")
    return state.healthy.revision


def _successes(state: LedgerState) -> Iterator[Target]:
    known: set[str] = set()
    for run in state.runs:
        if run.succeeded and not run.revision.dirty and run.revision.commit not in known:
            known.add(run.revision.commit)
            yield Target(revision=run.revision, run=run)
    if not known:
        message = "the ledger knows no earlier revision that all of the stack was brought to"
        raise UsageError(message, hint="name one: --to REVISION")


def _target(revision: Revision, state: LedgerState) -> Target:
    if revision.dirty:
        message = f"what was applied at {revision} is in no commit: the working tree differed"
        raise UsageError(message, hint="name another revision: --to REVISION")
    same = (run for run in state.runs if run.succeeded and run.revision.commit == revision.commit)
    return Target(revision=revision, run=next(same, None))
