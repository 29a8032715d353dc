"""Fields that differ from Git and stay so, since the stack leaves them to others: nobody calls that equal. Pure."""

from collections.abc import Iterable, Iterator
from typing import cast

from orchestrator.plans.change import Action, Change
from orchestrator.plans.plan import Left
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Drift
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.world import World
from orchestrator.workloads.records.fields import FieldPath, entries, shown, value_of


def ignored(drifted: Iterable[tuple[WantedObject, Change]]) -> Iterator[Left]:
    """Yield what ``ignore`` and ``drift: ignore`` leave as others made it; a set that reports drift tells it there."""
    for item, change in drifted:
        if item.drift is not Drift.REPORT and change.action is Action.UPDATE:
            paths = tuple(one.path for one in change.fields)
            by = sorted({one.touch.by for one in change.fields if one.touch and one.touch.by})
            yield Left(name=change.name, fields=paths, to=", ".join(by))


def conceded(item: WantedObject, change: Change, world: World) -> Iterator[Left]:
    """Yield what ``conflicts: leave`` leaves of an object that nothing else happens to: a change says it itself."""
    if change.action is not Action.NO_OP or item.ref is None:
        return
    verdict = world.verdicts[item.ref]
    if verdict.live is None or not verdict.left:
        return
    there = cast("dict[str, Tree]", dict(verdict.live))
    differing = {
        path for path in verdict.left if value_of(there, path) != value_of(dict(item.value), path)
    }
    for manager, paths in _by_manager(verdict.live, differing).items():
        yield Left(name=change.name, fields=tuple(sorted(map(shown, paths))), to=manager)


def _by_manager(live: Live, fields: set[FieldPath]) -> dict[str, set[FieldPath]]:
    """Return fields by who sets them; what several set is counted for the first of them."""
    found: dict[str, set[FieldPath]] = {}
    for entry in sorted(entries(live), key=lambda entry: entry.manager):
        if mine := entry.fields & fields:
            found.setdefault(entry.manager, set()).update(mine)
            fields = fields - mine
    return found
