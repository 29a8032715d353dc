"""Following a chain of documents: back from its head, forth from its beginning, and against what was seen before."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from orchestrator.errors import LedgerError, LedgerLost, NewerFormat
from orchestrator.ledger.entry import Entry, LedgerState, Operation
from orchestrator.ledger.fields import Fields, decode, encode
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.stores.chapters import CHAPTER, bound, entries_of
from orchestrator.ledger.stores.documents import (
    ENTRY,
    HEAD,
    Head,
    Numbered,
    Reference,
    holds,
    lenient_head,
    readable,
    referred,
)
from orchestrator.ledger.stores.shelf import Document, Shelf
from orchestrator.ledger.troubles import (
    LedgerReplaced,
    cut_short,
    damaged,
    forgotten,
    gone_after,
    repaired_by,
)
from orchestrator.ledger.verification import Link
from orchestrator.stack.model import Json

_SEEN = "seen"
_FEW = 50  # entries that are read one by one; more are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What this clone saw last of a ledger, as a head that names that entry, and the version of what says so."""

    head: Head = field(default_factory=Head)
    version: str = ""


Steps = list[tuple[Reference, Numbered]]
"""Entries with where they are kept, oldest first."""


class Trail:
    """The entries of one ledger on a shelf, and the memory of its last one."""

    def __init__(
        self, subject: str, shelf: Shelf, memory: Shelf | None, tell: Callable[[str], None]
    ) -> None:
        """Take whose ledger, the place, where this clone keeps what it saw (None: nowhere), and who is told of that."""
        self._subject = subject
        self._shelf = shelf
        self._memory = memory
        self._tell = tell
        self._told = False

    def back(self, last: Reference | None, limit: int) -> Iterator[Numbered]:
        """Yield up to ``limit`` entries, the last one first; raises LedgerError for one that is not as it was."""
        known: Mapping[str, Document] = self._shelf.find(ENTRY) if limit > _FEW else {}
        reference, all_known = last, False
        for _ in range(limit):
            if reference is None:
                return
            found = known.get(reference.name)
            if found is None and not all_known:
                found = self._shelf.read(reference.name)
            if found is None and not all_known:  # it is old enough to be bound
                known, all_known = entries_of(self._shelf), True
                found = known.get(reference.name)
            numbered, _ = _checked(reference, found)
            if numbered is None:
                raise gone_after(
                    self._subject, self._shelf.place(reference.name), found=found is not None
                )
            yield numbered
            reference = numbered.before

    def forth(
        self, head: Head, state_of: Callable[[Reference | None], LedgerState]
    ) -> Iterator[Link]:
        """Yield what is kept, oldest first: up to the head where all leads there, else as far as anything leads."""
        steps, missing = self._steps(head)
        in_chapters = {name: each.chapter for name, each in bound(self._shelf).items()}
        last = steps[-1][0] if steps else None
        for reference, numbered in steps:
            ends = reference == head.entry == last
            state, trouble = _tried(state_of, head) if ends else (None, "")
            place = self._shelf.place(in_chapters.get(reference.name, reference.name))
            yield Link(place=place, entry=numbered.entry, state=state, trouble=trouble)
        if missing is not None or last != head.entry:
            yield self._gap(head, missing)

    def head(self) -> tuple[Head, str]:
        """Return the head and its version: an empty one of a new ledger, or that it is lost; raises NewerFormat."""
        found = self._shelf.read(HEAD)
        if found is None and self._begun():
            found = self._shelf.read(HEAD)  # somebody may have begun just now
            return (lenient_head(found.content), found.version) if found else (Head(lost=b""), "")
        return (lenient_head(found.content), found.version) if found else (Head(), "")

    def _begun(self) -> bool:
        """Whether anything is kept here that entries are in."""
        return bool(self._shelf.find(ENTRY) or self._shelf.find(CHAPTER))

    def path(self, head: Head) -> Steps:
        """Return the entries that can be reached, oldest first."""
        return self._steps(head)[0]

    def check(self, head: Head, seen: Seen) -> None:
        """Raise LedgerLost when what was seen is no part of what a head names that was read later; else remember it.

        LedgerReplaced where the head, or what was seen, leads to entries of a ledger that is not gone on with.
        Raises LedgerError for a head that is lost, where nothing tells what was in its place.
        """
        last = seen.head
        if head.lost is not None and (head.lost or last.entry is None):
            raise damaged(self._subject, self._shelf.place(HEAD), _wrong(head.lost))
        if last.entry == head.entry and last.number == head.number:
            return
        if last.entry is not None and not self._leads_back(head, last):
            raise self._lost(head, last)
        if last.entry != head.entry:
            self.remember(head, over=seen.version)

    def _leads_back(self, head: Head, last: Head) -> bool:
        if head.number <= last.number:
            return False
        steps = self.back(head.entry, head.number - last.number)
        return [*steps][-1].before == last.entry

    def _lost(self, head: Head, seen: Head) -> LedgerLost:
        steps = self._steps(head)[0]
        lost = cut_short(
            self._subject,
            self._shelf.title,
            seen=seen.number,
            now=head.number,
            accepted=self._repaired(head, seen),
        )
        gone_on_with = {reference for reference, _ in steps}
        kept = entries_of(self._shelf)
        for last in (head.entry, seen.entry):
            aside = [*_leading_to(last, kept)] if last not in gone_on_with else []
            if aside:
                return LedgerReplaced(lost, state=fold_all(reversed(aside)))
        return lost

    def _repaired(self, head: Head, seen: Head) -> str:
        """Return how to go on where a repair took the place of what was seen, as far as one can tell."""
        leading = self.back(head.entry, head.number)
        with suppress(LedgerError):
            for each in leading:
                repairs = each.entry.run.operation is Operation.REPAIR
                if repairs and each.number <= seen.number and self._memory is not None:
                    return repaired_by(each.number, each.entry, memory=self._memory.place(_SEEN))
        return ""

    def remember(self, head: Head, *, over: str | None = None) -> None:
        """Keep what is there now, for the next look; where that cannot be kept, nothing is noticed later.

        With ``over`` only in the place of that version: another process of this clone may have seen more since.
        """
        if self._memory is None or head.entry is None:
            return
        known: Json = {"name": head.entry.name, "digest": head.entry.digest}
        content = encode({"number": head.number, "entry": known})
        with suppress(LedgerError):
            before = self._memory.read(_SEEN) if over is None else None
            self._memory.write(_SEEN, content, over=before.version if before else over or "")

    def seen(self) -> Seen:
        """Return what this clone saw last; a head that is compared with it has to be read after it.

        A memory that cannot be read, such as one that a full disk cut off, is none, which is told once.
        """
        found = self._memory.read(_SEEN) if self._memory else None
        if found is None:
            return Seen()
        try:
            return Seen(head=decode(found.content, _read_seen), version=found.version)
        except NewerFormat:
            raise
        except LedgerError:
            self._forgot()
            return Seen(version=found.version)

    def _forgot(self) -> None:
        if self._memory is not None and not self._told:
            self._told = True
            self._tell(forgotten(self._subject, self._memory.place(_SEEN)))

    def _steps(self, head: Head) -> tuple[Steps, Reference | None]:
        """Return the entries, oldest first, and the reference that led to nothing, if there was one."""
        kept = entries_of(self._shelf)
        steps: Steps = []
        reference = head.entry
        while reference is not None:
            numbered, _ = _checked(reference, kept.get(reference.name))
            if numbered is None:
                return _longest(kept), reference
            steps.append((reference, numbered))
            reference = numbered.before
        steps.reverse()
        lost = head.lost is not None or self.seen().head.number > len(steps)
        return (_longest(kept) if lost or _left_behind(steps, kept) else steps), None

    def _gap(self, head: Head, missing: Reference | None) -> Link:
        if missing is None:
            lost = head.lost
            why = f"names entry {head.number} as the last" if lost is None else _wrong(lost)
            return Link(place=self._shelf.place(HEAD), trouble=why, ends=True)
        found = entries_of(self._shelf).get(missing.name)
        _, why = _checked(missing, found)
        return Link(place=self._shelf.place(missing.name), trouble=why)


def _wrong(lost: bytes) -> str:
    """Return what is wrong with a head that is lost, for the end of a sentence."""
    return "cannot be read" if lost else "is missing or empty"


def _checked(reference: Reference, found: Document | None) -> tuple[Numbered | None, str]:
    """Return the entry that a reference means, or what is wrong with what is there."""
    if found is None:
        return None, "is missing"
    if not holds(reference, found.content):
        return None, "was changed: it has not the digest that the entry after it names"
    return readable(found.content)


def _leading_to(last: Reference | None, kept: Mapping[str, Document]) -> Iterator[Entry]:
    """Yield the entries that lead to one, newest first, as far as they are there."""
    while last is not None:
        numbered, _ = _checked(last, kept.get(last.name))
        if numbered is None:
            return
        yield numbered.entry
        last = numbered.before


def _tried(
    state_of: Callable[[Reference | None], LedgerState], head: Head
) -> tuple[LedgerState | None, str]:
    try:
        return state_of(head.state), ""
    except LedgerError as error:
        return None, error.message


def _longest(kept: Mapping[str, Document]) -> Steps:
    """Return the longest chain that begins with a first entry; what nothing leads to is left out."""
    found = dict(_readable(kept))
    after: dict[Reference | None, list[Reference]] = {}
    for reference in sorted(found, key=lambda each: each.name):
        after.setdefault(found[reference].before, []).append(reference)
    lengths: dict[Reference, int] = {}
    for reference in sorted(found, key=lambda each: found[each].number, reverse=True):
        lengths[reference] = 1 + max((lengths[one] for one in after.get(reference, ())), default=0)
    steps: Steps = []
    last: Reference | None = None
    while nexts := after.get(last):
        last = max(nexts, key=lambda each: lengths[each])
        steps.append((last, found[last]))
    return steps


def _left_behind(steps: Steps, kept: Mapping[str, Document]) -> bool:
    """Whether entries follow the last one that a head names. One may: whoever wrote it did not come to name it."""
    least = referred(ENTRY, len(steps) + 2, b"").name.rpartition("-")[0]
    if not any(name.rpartition("-")[0] >= least for name in kept):
        return False
    longest = _longest(kept)
    return len(longest) > len(steps) + 1 and longest[: len(steps)] == steps


def _readable(kept: Mapping[str, Document]) -> Iterator[tuple[Reference, Numbered]]:
    """Yield the entries that are what their names say."""
    for name, document in kept.items():
        numbered, _ = readable(document.content)
        if numbered is None:
            continue
        reference = referred(ENTRY, numbered.number, document.content)
        if reference.name == name:
            yield reference, numbered


def _read_seen(fields: Fields) -> Head:
    entry = fields.inner("entry")
    return Head(
        number=fields.number("number"),
        entry=Reference(name=entry.text("name"), digest=entry.text("digest")),
    )
