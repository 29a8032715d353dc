"""Reading runs out of a ledger: the newest ones, or one by the id of any of its entries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.runs import RecordedRun, endings_of, line_of, runs_of, whole
from orchestrator.engine.turns import is_dead
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import Entry
from orchestrator.plans.history import History, RunDetail

EVERYTHING = 10_000_000
"""More entries than a ledger has."""

_FIRST_LOOK = 32
_ENTRIES_OF_A_RUN = 4  # mostly three; those of many phases a few more
_FEWEST_LETTERS = 4
_ENOUGH_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The newest entries of a ledger, newest first, whose runs are whole; ``all`` says that there are no others."""

    entries: Sequence[Entry]
    all: bool


def read_history(book: Book, limit: int) -> History:
    """Return up to ``limit`` runs, newest first; raises LedgerError."""
    runs: Sequence[RecordedRun] = ()
    working = at_work(book)
    for look in looks(book, max(1, limit) * _ENTRIES_OF_A_RUN):
        runs = runs_of(look.entries, book.state, at_work=working)
        if len(runs) >= limit:
            break
    return History(
        stack=book.owner.stack,
        environment=book.owner.environment,
        runs=tuple(line_of(run) for run in runs[:limit]),
    )


def read_run(book: Book, entry: str) -> RunDetail:
    """Return the run that an entry belongs to, whole; ``entry`` is its id, or how that begins.

    Raises UsageError when that names no entry, or more than one, LedgerError.
    """
    entries, named = entries_to(book, entry)
    runs = runs_of(entries, book.state, at_work=at_work(book))
    run = next(run for run in runs if named in run.entries)
    return RunDetail(
        stack=book.owner.stack,
        environment=book.owner.environment,
        run=line_of(run),
        plan=run.plan,
        units=endings_of(run),
    )


def entries_to(book: Book, wanted: str) -> tuple[Sequence[Entry], Entry]:
    """Return the newest entries, newest first, as far as the run of one that is named, and that one.

    As many letters as tables show are enough to stop at: nobody has two entries that begin alike so far.
    Raises UsageError when ``wanted`` names no entry, or more than one.
    """
    for look in looks(book):
        plain = len(wanted) >= _ENOUGH_LETTERS and any(
            _begins(each, wanted) for each in look.entries
        )
        if plain or look.all:
            return look.entries, found(look.entries, wanted)
    raise AssertionError("the last look is at all entries")


def looks(book: Book, first: int = _FIRST_LOOK) -> Iterator[Look]:
    """Yield the newest entries of a ledger, each time more of them, until it has no more."""
    wanted = first
    while True:
        entries = tuple(book.store.history(wanted))
        more = len(entries) >= wanted
        yield Look(entries=whole(entries, more=more), all=not more)
        if not more:
            return
        wanted *= 4


def found(entries: Sequence[Entry], wanted: str) -> Entry:
    """Return the entry whose id is ``wanted``, or alone begins so; raises UsageError."""
    fitting = [entry for entry in entries if _begins(entry, wanted)]
    exact = [entry for entry in fitting if entry.id == wanted.lower()]
    if len(wanted) < _FEWEST_LETTERS and not exact:
        message = f"{wanted!r} is too short for the id of an entry"
        raise UsageError(message, hint=f"give {_FEWEST_LETTERS} letters of it, or more")
    match exact or fitting:
        case [entry]:
            return entry
        case []:
            message = f"there is no entry {wanted!r} in this ledger"
            raise UsageError(message, hint="`orchestrator history` lists them")
        case several:
            ids = ", ".join(entry.id[: len(wanted) + 6] for entry in several[:6])
            message = f"{len(several)} entries begin with {wanted!r}: {ids}"
            raise UsageError(message, hint="give more of it")


def _begins(entry: Entry, wanted: str) -> bool:
    return entry.id.startswith(wanted.lower())


def at_work(book: Book) -> bool:
    """Return whether somebody who may be alive holds the ledger's lock."""
    if book.state.open is None:  # nobody wants to know
        return False
    hold = book.store.sight().hold
    return hold is not None and not is_dead(book.session, hold.holder)
