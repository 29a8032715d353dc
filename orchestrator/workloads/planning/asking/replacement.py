"""Objects that have to be deleted and made anew, since fields of theirs cannot be changed. Pure.

Of the successor that the server shows, only what the manifest declares, or declared, is taken, since the rest
(addresses, ids) is drawn by lot.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias, cast

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Json, Rights
from orchestrator.workloads.cluster.immutability import Immutable
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import annotation, prunable
from orchestrator.workloads.records.fields import FieldPath, FieldSet, prefixes_of
from orchestrator.workloads.records.notation import names

Side: TypeAlias = "Tree | Absent"

REPLACE: Final = "orchestrator/replace"


def may_be_replaced(manifest: Mapping[str, Json], live: Live, rights: Rights) -> bool:
    """Whether an object may be deleted and made anew where it cannot be changed.

    What must not be pruned has to ask for it by itself.
    """
    by_set = rights.replace and prunable(live)
    return by_set or annotation(manifest, REPLACE) == "enabled"


def made_anew(live: Live, made: Live, *, declared: FieldSet, former: FieldSet) -> dict[str, Tree]:
    """Return the live object with what its successor would have of fields that are or were declared.

    ``made`` is the successor, ``declared`` and ``former`` are our fields of it and of the live object.
    """
    making = _Making(declared, former)
    result = making.anew(cast(Tree, dict(live)), cast(Tree, dict(made)), ())
    return cast("dict[str, Tree]", result)


def forcing(fields: tuple[FieldChange, ...], error: Immutable) -> tuple[FieldChange, ...]:
    """Return changed fields with those marked that make a replacement out of the update."""
    marked = [replace(item, forces_replacement=error.forbids(item.path)) for item in fields]
    if any(item.forces_replacement for item in marked):
        return tuple(marked)
    whole = Immutable("", fields=error.fields)
    return tuple(replace(item, forces_replacement=whole.forbids(item.path)) for item in fields)


class _Making:
    """Two objects side by side, and which of their fields count."""

    def __init__(self, declared: FieldSet, former: FieldSet) -> None:
        inner = {path[:length] for path in declared for length in range(1, len(path))}
        self._whole = declared - inner
        self._known = prefixes_of(declared | former)
        self._elements: dict[FieldPath, list[str]] = {}
        for path in sorted(self._known):
            self._elements.setdefault(path[:-1], []).append(path[-1])

    def anew(self, live: Side, made: Side, path: FieldPath) -> Side:
        """Return what is at a path afterwards."""
        if path in self._whole:
            return made
        if path and path not in self._known:
            return live
        match live, made:
            case dict(), dict():
                return self._maps(live, made, path)
            case list(), list() if path in self._elements:
                return self._lists(live, made, path)
            case _:
                return made

    def _maps(self, live: dict[str, Tree], made: dict[str, Tree], path: FieldPath) -> Tree:
        pairs = {
            key: self.anew(live.get(key, ABSENT), made.get(key, ABSENT), (*path, f"f:{key}"))
            for key in {**live, **made}
        }
        return {key: value for key, value in pairs.items() if not isinstance(value, Absent)}

    def _lists(self, live: list[Tree], made: list[Tree], path: FieldPath) -> Tree:
        """Return the elements that are declared as they are made, and of others those that are there."""
        steps = self._elements[path]
        before, after = _by_step(live, steps), _by_step(made, steps)
        kept = [item for item in live if not any(item is known for known in before.values())]
        found = [
            self.anew(before.get(step, ABSENT), item, (*path, step)) for step, item in after.items()
        ]
        return [*(item for item in found if not isinstance(item, Absent)), *kept]


def _by_step(items: list[Tree], steps: list[str]) -> dict[str, Tree]:
    """Return elements by the words in which a set of fields names them, in the list's order."""
    named = ((next((step for step in steps if names(step, item)), ""), item) for item in items)
    return {step: item for step, item in named if step}
