"""Refusals of an update because of fields that cannot be changed once an object exists; pure.

There is no reason of its own for it in the API: it shows in the words of each kind's validation.
"""

import re
from collections.abc import Iterable
from typing import Final

from orchestrator.errors import ClusterError

_IMMUTABLE: Final = re.compile(
    r"immutable"
    r"|may not change once set"
    r"|(may|can) ?not be (changed|updated|modified)"
    r"|cannot change roleRef"
    r"|updates to .+ are forbidden"
    r"|updates may not change fields other than"
    r"|\boldSelf\b"
)
_OTHERS: Final = re.compile(r"(?:other than|except) (.*)")
_NAMES: Final = re.compile(r"[\w.\[\]*]*\w")


class Immutable(ClusterError):
    """Fields of the object cannot be changed; ``fields`` are named as the server does.

    Where one of them is a whole section, ``changeable`` are the names in it that can be changed all the same.
    """

    def __init__(
        self, title: str, *, fields: tuple[str, ...], changeable: frozenset[str] = frozenset()
    ) -> None:
        """Say which fields they are, and keep them."""
        named = ", ".join(fields) or "the server does not say which"
        super().__init__(
            f"{title} exists, and these fields of it cannot be changed: {named}",
            hint="give the object another name, so that a new one replaces it, or delete it first",
        )
        self.fields = fields
        self.changeable = changeable

    def forbids(self, path: str) -> bool:
        """Whether a changed field is one of those, or below one."""
        return any(_is_below(path, name) for name in self.fields) and not any(
            _is_below(path, f"{section}.{name}") or _is_below(path, name)
            for section in self.fields
            for name in self.changeable
        )


def immutable(title: str, causes: Iterable[tuple[str, str]], message: str) -> Immutable | None:
    """Return the error for a refusal because of immutable fields, or None for any other refusal.

    ``causes`` are fields with what the server says of each, ``message`` is what it says of all.
    """
    found = [(field, text.partition("\n")[0]) for field, text in causes if _IMMUTABLE.search(text)]
    if not found and not _IMMUTABLE.search(message):
        return None
    others = [match[1] for _, text in found if (match := _OTHERS.search(text))]
    return Immutable(
        title,
        fields=tuple(sorted({_told(field) for field, _ in found})),
        changeable=frozenset(name for text in others for name in _NAMES.findall(text)),
    )


def _told(field: str) -> str:
    # The server keeps a Service's one address in a list too, which nobody writes.
    return "spec.clusterIP" if field.startswith("spec.clusterIPs") else field


def _is_below(path: str, name: str) -> bool:
    pattern = re.escape(name).replace(r"\[\*\]", r"\[[^]]*\]")
    return re.match(rf"{pattern}($|[.\[])", path) is not None
