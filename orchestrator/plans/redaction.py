"""Taking secrets out of everything that leaves, by value.

Marks on attributes are not enough: a provider may copy a password into an attribute that nobody marked, and
an error text may quote it. So every secret value that is met is learnt once, and its forms (as it is, as
JSON text, as base64, URL-quoted) are taken out of every text afterwards.

Names that stand in Git for everybody to read are no secrets, even where one is made of the same word as a value:
a whole name is left as it is, since what a plan is about, and what has to be typed, must be readable. A value that
is a whole name is a value all the same.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product

from orchestrator.plans.change import Change, FieldChange, Subject
from orchestrator.plans.forms import SHORTEST, forms_of
from orchestrator.plans.plan import Plan, Revision, UnitPlan
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value, fingerprint
from orchestrator.stack.model import Json

_FEW = 64
REPLACEMENT = "(sensitive)"
"""What stands in the place of a secret."""

_AROUND = "'\"`()[]{}<>,.;:"  # what stands around a name in a sentence


class _Alike:
    """Forms of secrets that begin with the same characters."""

    __slots__ = ("_forms", "_lengths")

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._lengths: tuple[int, ...] = ()  # longest first

    def add(self, form: str) -> bool:
        """Keep a form; return whether it is new."""
        if form in self._forms:
            return False
        self._forms.add(form)
        if len(form) not in self._lengths:
            self._lengths = tuple(sorted((*self._lengths, len(form)), reverse=True))
        return True

    def at(self, text: str, start: int) -> str:
        """Return the longest form that stands at a place of a text, or nothing."""
        parts = (text[start : start + length] for length in self._lengths)
        return next((part for part in parts if part in self._forms), "")


class Secrets:
    """The secret values met in one run; safe to use from several threads.

    They are kept by their first characters: one look at each place of a text tells that none begins there,
    where a pattern of thousands of alternatives would try them all. Below that they are kept by their length,
    since thousands may begin alike, as addresses and keys do. A few are looked for one by one first, which is
    faster still, and most texts hold none.
    """

    def __init__(self) -> None:
        """Start knowing none."""
        self._lock = threading.Lock()
        self._by_head: dict[str, _Alike] = {}
        self._first_few: tuple[str, ...] = ()
        self._public: list[Iterable[object]] = []
        self._names: set[str] = set()

    def spare(self, names: Iterable[object]) -> None:
        """Leave names as they are from now on; they are written out when one is looked for, not before."""
        with self._lock:
            self._public.append(names)

    def learn(self, value: Json) -> None:
        """Learn every text and number inside ``value`` as a secret; too short ones are left out."""
        forms = {form for text in _leaves(value) for form in forms_of(text)}
        with self._lock:
            for form in forms:
                if self._by_head.setdefault(form[:SHORTEST], _Alike()).add(form):
                    self._first_few = (*self._first_few, form)[: _FEW + 1]

    def redact(self, text: str) -> str:
        """Return ``text`` without any secret learnt so far, but with the names that are spared."""
        return self._without(text, self._is_in_a_name)

    def redact_json(self, value: Json) -> Json:
        """Return ``value`` with every text and number inside it redacted, keys included; no name is spared."""
        match value:
            case str():
                return self._without(value, _nowhere)
            case list():
                return [self.redact_json(item) for item in value]
            case dict():
                return {
                    self._without(key, _nowhere): self.redact_json(item)
                    for key, item in value.items()
                }
            case bool() | None:
                return value
            case int() | float():
                shown = self._without(str(value), _nowhere)
                return value if shown == str(value) else shown

    def _without(self, text: str, spared: Callable[[str, int, int], bool]) -> str:
        few = self._first_few
        if len(few) <= _FEW and not any(form in text for form in few):
            return text
        return self._taken_out(text, spared)

    def _taken_out(self, text: str, spared: Callable[[str, int, int], bool]) -> str:
        by_head = self._by_head
        kept: list[str] = []
        end = 0
        for start in range(len(text) - SHORTEST + 1):
            alike = by_head.get(text[start : start + SHORTEST])
            if alike is None or start < end:
                continue
            found = alike.at(text, start)
            if found and not spared(text, start, start + len(found)):
                kept += [text[end:start], REPLACEMENT]
                end = start + len(found)
        return "".join((*kept, text[end:])) if kept else text

    def _is_in_a_name(self, text: str, start: int, end: int) -> bool:
        """Whether what stands there is a part, and not all, of a name that is spared."""
        names = self._written_out()
        found = text[start:end]
        return any(name in names and name != found for name in _around(text, start, end))

    def _written_out(self) -> set[str]:
        with self._lock:
            while self._public:
                self._names.update(str(name).strip(_AROUND) for name in self._public.pop())
            return self._names


def without_secrets(unit: UnitPlan, secrets: Secrets) -> UnitPlan:
    """Return a unit's plan with every secret taken out of its values and sentences: those nobody marked, too.

    It has to come before a value is cut to be shown, which would leave parts of a secret that nothing finds.
    """
    return replace(
        unit,
        deferred=secrets.redact(unit.deferred),
        warnings=tuple(map(secrets.redact, unit.warnings)),
        unlooked=secrets.redact(unit.unlooked),
        left=tuple(replace(one, name=secrets.redact(one.name)) for one in unit.left),
        changes=tuple(_without_secrets(change, secrets) for change in unit.changes),
        drift=tuple(_without_secrets(change, secrets) for change in unit.drift),
    )


def _without_secrets(change: Change, secrets: Secrets) -> Change:
    fields = tuple(_field_without(item, secrets) for item in change.fields)
    reason = secrets.redact(change.reason)
    name, previous = change.name, change.previous
    if change.subject is not Subject.OUTPUT:
        # One that is not spared comes from a secret output, or has the key of an instance that nobody marked.
        name, previous = secrets.redact(name), secrets.redact(previous)
    told = (change.name, change.previous, change.fields, change.reason)
    if (name, previous, fields, reason) == told:
        return change
    return replace(change, name=name, previous=previous, fields=fields, reason=reason)


def _field_without(item: FieldChange, secrets: Secrets) -> FieldChange:
    before, after = _redacted(item.before, secrets), _redacted(item.after, secrets)
    if before is item.before and after is item.after:
        return item
    return replace(item, before=before, after=after)


def without_secrets_of_others(plan: Plan, secrets: Secrets) -> Plan:
    """Return a plan without the secrets that were learnt after it was made, by plans beside it."""
    return replace(plan, units=tuple(without_secrets(unit, secrets) for unit in plan.units))


def with_sentences_redacted(plan: Plan, redact: Callable[[str], str]) -> Plan:
    """Return a plan, made of units without secrets, with what it says beside them redacted too, to be shown."""
    since = plan.since and replace(
        plan.since,
        revision=_told(plan.since.revision, redact),
        considered=tuple(
            replace(each, reason=redact(each.reason)) for each in plan.since.considered
        ),
    )
    restores = plan.restores and replace(
        plan.restores,
        revision=_told(plan.restores.revision, redact),
        over=_told(plan.restores.over, redact),
    )
    return replace(
        plan,
        revision=_told(plan.revision, redact),
        notes=tuple(map(redact, plan.notes)),
        since=since,
        restores=restores,
    )


def _told(revision: Revision, redact: Callable[[str], str]) -> Revision:
    return replace(revision, subject=redact(revision.subject))


def _nowhere(_text: str, _start: int, _end: int) -> bool:
    return False


def _around(text: str, start: int, end: int) -> Iterator[str]:
    """Yield what may be a name around a place: its word, with the one before, the one after, and both."""
    first = _start_of_word(text, start)
    last = _end_of_word(text, end)
    for begin, stop in product(
        (first, _start_of_word(text, first - 1)), (last, _end_of_word(text, last + 1))
    ):
        phrase = text[begin:stop].strip(_AROUND)
        yield phrase
        # The key of an instance is no part of what stands in Git.
        address, key, _ = phrase.partition("[")
        if key and end <= begin + len(address):
            yield address
        # As acknowledged: "destroy:manifests.shop", "manifests.shop/PersistentVolumeClaim shop/files".
        for label, _, rest in (phrase.partition(":"), phrase.partition("/")):
            if start >= begin + len(label):
                yield rest.strip(_AROUND)


def _start_of_word(text: str, end: int) -> int:
    return max(text.rfind(blank, 0, max(end, 0)) for blank in " \n") + 1


def _end_of_word(text: str, start: int) -> int:
    return min(found if (found := text.find(blank, start)) >= 0 else len(text) for blank in " \n")


def _redacted(value: Value, secrets: Secrets) -> Value:
    if isinstance(value, Absent | Unknown | Masked):
        return value
    if isinstance(value, Redacted):
        return replace(value, value=secrets.redact_json(value.value))
    shown = secrets.redact_json(value)
    return value if shown == value else Redacted(value=shown, fingerprint=fingerprint(value))


def _leaves(value: Json) -> list[str]:
    match value:
        case str():
            return [value, *value.splitlines()]
        case bool() | None:
            return []
        case int() | float():
            return [str(value)]
        case list():
            return [leaf for item in value for leaf in _leaves(item)]
        case dict():
            return [leaf for item in value.values() for leaf in _leaves(item)]
