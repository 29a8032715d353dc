"""Whether a plan goes back to what was applied before, told by what the ledger and Git know."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Final

from orchestrator.engine.planning.paths import own_files, stack_made_of
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.engine.remotes import remote_of
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, PastRun
from orchestrator.ledger.store import Store
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Plan, Restored
from orchestrator.plans.restoring import Ended, GoingBack, Undone, going_back, unrestored
from orchestrator.stack.said import said

_STEPS: Final = (16, 64, 256)  # of entries read, until the one that is gone back to is among them


def with_restored(
    plan: Plan, session: Session, *, wanted: Wanted, ledger: LedgerState, store: Store
) -> Plan:
    """Return a plan of a whole stack with what it brings back, if its revision goes back to an earlier one.

    A revision does when all that the stack is made of is as it was when that one was applied, whatever else the
    repository holds, and in however many commits that came about. Raises LedgerError, RepositoryError.
    """
    runs = ledger.past
    if session.revision.dirty:
        return plan
    lacking = _brought(session, runs)
    found = _going_back(session, wanted, runs)
    if found is None:
        return replace(plan, notes=(*plan.notes, *_untold(lacking)))
    to, over = runs[found.to], runs[found.over]
    undone = tuple(_undone(store, to.entry))
    restored = Restored(
        revision=to.revision,
        entry=to.entry,
        at=to.at,
        by=to.who,
        over=over.revision,
        unrestored=unrestored(plan, undone, session.stack.risks),
    )
    return replace(plan, restores=restored)


def _brought(session: Session, runs: tuple[PastRun, ...]) -> tuple[str, ...]:
    """Fetch what was applied into a shallow clone, and return the commits that cannot be had."""
    if not session.repository.shallow:
        return ()
    commits = tuple(dict.fromkeys(run.revision.commit for run in runs))
    return session.repository.bring(
        commits, remote=remote_of(session), stop=session.surroundings.stop
    )


def _untold(lacking: tuple[str, ...]) -> Iterator[str]:
    if lacking:
        commits = ", ".join(each[:10] for each in lacking)
        yield (
            f"this clone is shallow, and {commits} cannot be fetched: whether this goes back to what was applied there"
            " cannot be told (git fetch --unshallow; in CI: a fetch depth of 0)"
        )


def _going_back(session: Session, wanted: Wanted, runs: tuple[PastRun, ...]) -> GoingBack | None:
    paths = stack_made_of(session.tree, wanted).all
    commits = dict.fromkeys([session.revision.commit, *(run.revision.commit for run in runs)])
    held = session.repository.contents(tuple(commits), paths)
    now = held[session.revision.commit]
    # What may be, and is not, is none.
    there = (os.path.lexists(session.tree / path) for path in paths)
    if not all(found for found, is_there in zip(now, there, strict=True) if is_there):
        return None  # it lies in a repository inside this one: nobody can tell from here
    told = _told(session, paths, held)
    ended = [
        Ended(
            content="" if run.revision.dirty else told[run.revision.commit],
            applied=run.succeeded,
            destroyed=run.operation is Operation.DESTROY and run.whole,
        )
        for run in runs
    ]
    return going_back(told[session.revision.commit], ended)


def _told(
    session: Session, paths: tuple[str, ...], held: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Return what the stack is made of at each commit: of its own files what they say here, of others all."""
    own = own_files(session.tree, session.stack)
    files = [place for place, path in enumerate(paths) if path in own]
    ids = tuple(dict.fromkeys(found[place] for found in held.values() for place in files))
    blobs = dict(zip(ids, session.repository.plumbing().read(ids), strict=True))
    says = {
        each: said(blob[1].decode(errors="replace"), session.stack.environment) if blob else ""
        for each, blob in blobs.items()
    }
    return {
        commit: "\n".join(says.get(each, each) for each in found) for commit, found in held.items()
    }


def _undone(store: Store, entry: str) -> Iterator[Undone]:
    """Yield the changes of the runs after an entry, the oldest first, but for units that they never came to."""
    entries = _after(store, entry)
    skipped = {
        (each.run.id, record.unit)
        for each in entries
        if each.kind is Kind.FINISHED
        for record in each.units
        if record.outcome is Outcome.SKIPPED
    }
    for each in reversed(entries):
        for unit in each.plan.units if each.plan and each.run.operation is Operation.APPLY else ():
            if (each.run.id, unit.unit) not in skipped:
                for change in unit.changes:
                    yield Undone(
                        unit=unit.unit, action=change.action, name=change.name, type=change.type
                    )


def _after(store: Store, entry: str) -> tuple[Entry, ...]:
    """Return the entries after one, newest first, as far as they are worth reading."""
    newer: tuple[Entry, ...] = ()
    for limit in _STEPS:
        entries = tuple(store.history(limit))
        newer = tuple(takewhile(lambda each: each.id != entry, entries))
        if len(newer) < limit:
            break
    return newer
