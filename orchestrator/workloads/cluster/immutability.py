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
    """Fields of the object cannot be changed; ``fields`` are named as the server does, if it does.

    Where one of them is a whole section, ``changeable`` are the names in it that can be changed all the same.
    ``said`` are the server's words: a policy may refuse a manifest with such ones, whether the object exists or not.
    """

    def __init__(
        self,
        title: str,
        *,
        fields: tuple[str, ...],
        changeable: frozenset[str] = frozenset(),
        said: str = "",
    ) -> None:
        """Say which fields they are, or what the server says, and keep it."""
        told = (
            f"these fields of it cannot be changed: {', '.join(fields)}"
            if fields
            else f"it cannot be changed in this way: {said or 'the server does not say why'}"
        )
        super().__init__(
            f"{title} exists, and {told}",
            hint="give the object another name, so that a new one replaces it, or delete it first",
        )
        self.fields = fields
        self.changeable = changeable
        self.said = said

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
        fields=tuple(sorted({_told(field) for field, _ in found if field})),
        changeable=frozenset(name for text in others for name in _NAMES.findall(text)),
        said="; ".join(text for _, text in found) or message,
    )


def _told(field: str) -> str:
    # The server keeps a Service's one address in a list too, which nobody writes.
    return "spec.clusterIP" if field.startswith("spec.clusterIPs") else field


def _is_below(path: str, name: str) -> bool:
    pattern = re.escape(name).replace(r"\[\*\]", r"\[[^]]*\]")
    return re.match(rf"{pattern}($|[.\[])", path) is not None
