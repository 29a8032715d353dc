"""Taking secrets out of everything that leaves, by value.

Marks on attributes are not enough: a provider may copy a password into an attribute that nobody marked, and
an error text may quote it. So every secret value that is met is learnt once, and its forms (as it is, as
JSON text, as base64, URL-quoted) are taken out of every text afterwards.
"""

import base64
import json
import re
import threading
from urllib.parse import quote

from orchestrator.stack.model import Json

_SHORTEST = 6  # shorter values (true, 443, dev) would blank out half of every report
_REPLACEMENT = "(sensitive)"


class Secrets:
    """The secret values met in one run; safe to use from several threads."""

    def __init__(self) -> None:
        """Start knowing none."""
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: Json) -> None:
        """Learn every text and number inside ``value`` as a secret; too short ones are left out."""
        forms = {form for text in _leaves(value) for form in _forms_of(text)}
        with self._lock:
            if forms <= self._forms:
                return
            self._forms |= forms
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """Return ``text`` without any secret learnt so far."""
        pattern = self._pattern
        return pattern.sub(_REPLACEMENT, text) if pattern else text

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
