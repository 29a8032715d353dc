"""What a manifest says about each node of an object that is compared: where it is, and what of it is secret or open."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.expressions import Path, Tree
from orchestrator.workloads.masks import NO_MASKS, Masks, below_element, below_key

Side: TypeAlias = "Tree | Absent"

_PLAIN_KEY: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a manifest says about one node: where it is, its value, and which paths below it are secret.

    ``path`` is how people write it, and empty for the object itself; ``at`` is where it stands in the
    manifest, None where it cannot be told or does not stand there. ``certain`` says that the manifest has
    no such node when ``value`` is absent, ``known`` that nothing in the whole manifest is pending.
    ``former`` is what was secret of the object when it was applied last.
    """

    path: str = ""
    value: Side = ABSENT
    at: Path | None = ()
    secret: frozenset[Path] = field(default_factory=frozenset)
    certain: bool = True
    known: bool = False
    former: Masks = NO_MASKS

    @property
    def silent(self) -> bool:
        """Whether the manifest says nothing here; null leaves a field to the server too."""
        return self.certain and (isinstance(self.value, Absent) or self.value is None)

    @property
    def hides(self) -> bool:
        """Whether anything here or below is secret, or was."""
        return bool(self.secret or self.former)

    @property
    def indivisible(self) -> bool:
        """Whether all of it is secret, or was, so that nobody is told how many elements there are."""
        return () in self.secret or () in self.former

    def of_key(self, key: str) -> "Intent":
        """Return the intent for one key of a map; below a secret everything is secret."""
        path, former = join(self.path, key), below_key(self.former, key)
        if isinstance(self.value, dict) and key in self.value:
            return self._inner(path, key, self.value[key], former=former)
        return self._absent(path, self._below(key), certain=self.certain, former=former)

    def of_element(self, name: str, matching: Sequence[int], before: Side) -> "Intent":
        """Return the intent for one element of a list, which the manifest has at one of ``matching``, if any.

        ``before`` is what the object has of it so far. Where it cannot be told which one it is, all of it is
        kept secret if anything in the list is.
        """
        path, former = f"{self.path}[{name}]", below_element(self.former, before)
        if len(matching) == 1 and isinstance(self.value, list):
            (index,) = matching
            return self._inner(path, index, self.value[index], former=former)
        secret = frozenset({()}) if self.secret else frozenset[Path]()
        return self._absent(path, secret, certain=self.certain and not matching, former=former)

    def _inner(self, path: str, key: str | int, value: Tree, *, former: Masks) -> "Intent":
        at, secret = deeper(self.at, key), self._below(key)
        return Intent(path=path, value=value, at=at, secret=secret, known=self.known, former=former)

    def _absent(
        self, path: str, secret: frozenset[Path], *, certain: bool, former: Masks
    ) -> "Intent":
        return Intent(
            path=path, at=None, secret=secret, certain=certain, known=self.known, former=former
        )

    def _below(self, key: str | int) -> frozenset[Path]:
        if not self.secret:
            return self.secret
        return frozenset(path[1:] for path in self.secret if not path or path[0] == key)


def join(path: str, key: str) -> str:
    """Return the path of a key below another path, as people write it."""
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def deeper(path: Path | None, step: str | int) -> Path | None:
    """Return where a key or an element below a place stands; None stays None."""
    return None if path is None else (*path, step)
