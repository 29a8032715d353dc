"""Taking secrets out of everything that leaves, by value.

Marks on attributes are not enough: a provider may copy a password into an attribute that nobody marked, and
an error text may quote it. So every secret value that is met is learnt once, and its forms (as it is, as
JSON text, as base64, URL-quoted) are taken out of every text afterwards.
"""

import base64
import json
import threading
from dataclasses import replace
from urllib.parse import quote

from orchestrator.plans.change import Change
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value, fingerprint
from orchestrator.stack.model import Json

_SHORTEST = 6  # shorter values (true, 443, dev) would blank out half of every report
_FEW = 64
_REPLACEMENT = "(sensitive)"


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

    def learn(self, value: Json) -> None:
        """Learn every text and number inside ``value`` as a secret; too short ones are left out."""
        forms = {form for text in _leaves(value) for form in _forms_of(text)}
        with self._lock:
            for form in forms:
                if self._by_head.setdefault(form[:_SHORTEST], _Alike()).add(form):
                    self._first_few = (*self._first_few, form)[: _FEW + 1]

    def redact(self, text: str) -> str:
        """Return ``text`` without any secret learnt so far."""
        few = self._first_few
        if len(few) <= _FEW and not any(form in text for form in few):
            return text
        return self._taken_out(text)

    def _taken_out(self, text: str) -> str:
        by_head = self._by_head
        kept: list[str] = []
        end = 0
        for start in range(len(text) - _SHORTEST + 1):
            alike = by_head.get(text[start : start + _SHORTEST])
            if alike is None or start < end:
                continue
            found = alike.at(text, start)
            if found:
                kept += [text[end:start], _REPLACEMENT]
                end = start + len(found)
        return "".join((*kept, text[end:])) if kept else text

    def redact_json(self, value: Json) -> Json:
        """Return ``value`` with every text inside it redacted, keys included."""
        match value:
            case str():
                return self.redact(value)
            case list():
                return [self.redact_json(item) for item in value]
            case dict():
                return {self.redact(key): self.redact_json(item) for key, item in value.items()}
            case _:
                return value


def without_secrets(unit: UnitPlan, secrets: Secrets) -> UnitPlan:
    """Return a unit's plan with every secret taken out of its values: those that nobody marked there, too.

    It has to come before a value is cut to be shown, which would leave parts of a secret that nothing finds.
    """
    return replace(
        unit,
        changes=tuple(_without_secrets(change, secrets) for change in unit.changes),
        drift=tuple(_without_secrets(change, secrets) for change in unit.drift),
    )


def _without_secrets(change: Change, secrets: Secrets) -> Change:
    fields = tuple(
        replace(item, before=_redacted(item.before, secrets), after=_redacted(item.after, secrets))
        for item in change.fields
    )
    return change if fields == change.fields else replace(change, fields=fields)


def _redacted(value: Value, secrets: Secrets) -> Value:
    if isinstance(value, Absent | Unknown | Masked | Redacted):
        return value
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


def _forms_of(text: str) -> set[str]:
    if len(text.strip()) < _SHORTEST:
        return set()
    encoded = base64.b64encode(text.encode())
    forms = {
        text,
        text.strip(),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        encoded.decode(),
        encoded.decode().rstrip("="),
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        quote(text, safe=""),
    }
    return {form for form in forms if len(form) >= _SHORTEST}
