"""What became of a request's plans after it was merged, read from the entries of their ledgers; pure."""

from collections.abc import Callable, Iterable, Sequence

from orchestrator.ledger.entry import IMMATERIAL, Entry, Kind, Operation
from orchestrator.plans.approvals import SHOWN
from orchestrator.plans.events import Outcome
from orchestrator.plans.preview import Afterwards, Became

_DONE = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})

MOST_IMMATERIAL = 50
"""How many entries in a row may give no reason to make a plan again; nobody looks at what is below."""

_ANOTHER = "its ledger does not have what it was made after"


def afterwards(
    name: str, shown: str, entries: Iterable[Entry], *, holds: Callable[[str], bool]
) -> Afterwards:
    """Return what became of the plan called ``name``, whose digest begins with ``shown``.

    ``entries`` stand newest first; ``holds`` says whether a commit has the change in its history. Of the runs that
    applied it, the first one that succeeded counts, else the last one.
    """
    runs = [entry for entry in _last_of_each_run(entries) if holds(entry.run.revision.commit)]
    done = [entry for entry in runs if entry.outcome in _DONE]
    if not runs:
        return Afterwards(name=name, became=Became.NOTHING)
    entry = done[-1] if done else runs[0]
    return Afterwards(
        name=name,
        became=_became(entry),
        at=entry.at,
        who=entry.run.who,
        as_shown=bool(shown) and entry.run.plan[:SHOWN] == shown,
        ci_run=entry.run.ci_run,
    )


def moved_on(entries: Iterable[Entry], since: str, *, most: int = MOST_IMMATERIAL) -> str:
    """Return what the newest of the entries says, newest first, that came after ``since`` and may matter; else nothing.

    Who approves a plan, tells an agent to stand still or moves a ledger gives no reason to make a plan again.
    After ``most`` of those nobody looks at what is below: the next one counts as something that may matter.
    A ledger that ends without ``since`` is not the one that the plan was made after.
    """
    for number, entry in enumerate(entries):
        if entry.id == since:
            return ""
        if number >= most or entry.run.operation not in IMMATERIAL:
            return entry.message
    return _ANOTHER if since else ""


def _last_of_each_run(entries: Iterable[Entry]) -> Sequence[Entry]:
    """Return the newest entry of each run that applied the stack, newest first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.run.operation is Operation.APPLY and entry.kind is not Kind.NOTED:
            found.setdefault(entry.run.id, entry)
    return tuple(found.values())


def _became(entry: Entry) -> Became:
    if entry.kind is not Kind.FINISHED:
        return Became.BEGUN
    return Became.APPLIED if entry.outcome in _DONE else Became.FAILED
