"""What the ledger remembers of an object that was applied: enough to tell Git's changes from everybody else's.

A hash of the whole tells that Git wants what it wanted then. Where drift is left alone, a short hash of each
field tells as much of every one of them, so that what Git changes is applied and what others changed is not.
A hash of a secret would give a short one away: of those it is a keyed one, and the object alone has the key, its
``salt``. Where that is gone, what Git has of a secret counts as what was applied.

While nobody knows whether something was sent, what was applied last is either of two. Only what both have is
remembered then, and no whole: the rest may be our own doing.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.paths import value_at
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.secrecy import fingerprint_of, hidden, secret_in

_WHOLE: Final = 16  # characters
_FIELD: Final = 4  # bytes
_BETWEEN: Final = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was remembered of one object; empty where nothing was."""

    whole: str = ""
    fields: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, fingerprint: str) -> "Memory":
        """Read what ``remember`` wrote, or an earlier version did."""
        whole, _, fields = fingerprint.partition(_BETWEEN)
        content = base64.urlsafe_b64decode(fields)
        return cls(
            whole=whole,
            fields=frozenset(
                content[start : start + _FIELD] for start in range(0, len(content), _FIELD)
            ),
        )

    def holds(self, item: WantedObject) -> bool:
        """Whether an object is wanted just as it was applied last."""
        return bool(self.whole) and fingerprint_of([item]).startswith(self.whole)

    def known(self, item: WantedObject) -> frozenset[Path]:
        """Return the fields of a manifest that are wanted as they were applied last."""
        whole = self.holds(item)
        known = (path for path, digest in _fields(item) if whole or digest in self.fields)
        return frozenset(known) - self._changed_secrets(item)

    def knows_secrets(self, item: WantedObject) -> bool:
        """Whether it tells what Git changed of an object's secrets: under the salt that the object has."""
        return bool(item.salt) and _salted(item.salt, b"") in self.fields

    def complete(self, item: WantedObject) -> bool:
        """Whether nothing is to be added of an object's secrets."""
        return not item.salt or (self.knows_secrets(item) and not self._changed_secrets(item))

    def _changed_secrets(self, item: WantedObject) -> frozenset[Path]:
        if not self.knows_secrets(item):
            return frozenset()
        return frozenset(path for path, digest in _secrets(item) if digest not in self.fields)


def remember(item: WantedObject, *, by_field: bool) -> str:
    """Return what the inventory keeps of an object that is applied."""
    whole = fingerprint_of([item])[:_WHOLE]
    if not by_field:
        return whole
    fields = {digest for _, digest in _fields(item)}
    if item.salt:
        fields |= {_salted(item.salt, b""), *(digest for _, digest in _secrets(item))}
    return _written(whole, fields)


def in_common(before: str, after: str) -> str:
    """Return what is remembered of an object of which nobody knows which of the two was applied last."""
    if before == after or not before:
        return before
    return _written("", Memory.of(before).fields & Memory.of(after).fields)


def _written(whole: str, fields: Iterable[bytes]) -> str:
    content = b"".join(sorted(fields))
    return f"{whole}{_BETWEEN}{base64.urlsafe_b64encode(content).decode()}"


def leaves_of(tree: Tree) -> Iterator[Path]:
    """Yield where the single values of a tree are; a list of plain values is one."""
    return (path for path, _, _ in _leaves(tree, (), ()))


def _fields(item: WantedObject) -> Iterable[tuple[Path, bytes]]:
    for path, named, value in _leaves(cast("Tree", hidden(item)), (), ()):
        yield path, hashlib.sha256(_canonical(named, value)).digest()[:_FIELD]


def _secrets(item: WantedObject) -> Iterator[tuple[Path, bytes]]:
    secret = secret_in(item)
    for path, named, _ in _leaves(cast("Tree", hidden(item)), (), ()):
        if any(path[: len(at)] == at[: len(path)] for at in secret):
            value = value_at(dict(item.value), path)
            yield path, _salted(item.salt, _canonical(named, value))


def _canonical(named: Path, value: Tree) -> bytes:
    return json.dumps([*named, value], sort_keys=True, default=str).encode()


def _salted(salt: str, content: bytes) -> bytes:
    return hmac.digest(salt.encode(), content, "sha256")[:_FIELD]


def _leaves(tree: Tree, path: Path, named: Path) -> Iterator[tuple[Path, Path, Tree]]:
    """Yield each value with its place, and its place by names, which stay when elements move."""
    if isinstance(tree, dict) and tree:
        for key, item in tree.items():
            yield from _leaves(item, (*path, key), (*named, key))
    elif isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        for index, item in enumerate(tree):
            name = item.get("name") if isinstance(item, dict) else None
            step = name if isinstance(name, str) else index
            yield from _leaves(item, (*path, index), (*named, step))
    else:
        yield path, named, tree
