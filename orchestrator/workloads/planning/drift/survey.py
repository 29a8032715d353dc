"""Drift: what others changed in objects since they were applied, and what follows from it. Pure.

The server takes a field out of our record as soon as somebody else writes it or removes it. So a field that Git
wants as it was applied last, and that is not in our record any more, has drifted; one that is still in our
record has the value that we gave it, and differs only where Git changed. Where nothing is remembered of an
object, a field counts as drifted when somebody wrote it after our own last apply.

Records have the paths of the version of the API that they were written in. Where a manifest came to another
version, a field that has the place and the value that it was applied with is the same one, and so is one that a
rule names and somebody else set; of all others it cannot be told, and they are applied.

What is not to be healed is left out of what is applied. That is right by the rules of server-side apply: a field
that is in nobody's manifest stays as it is, as long as it is not in our record, and those that are left out
are just those that are not, or that others own beside us.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from orchestrator.plans.change import Touch
from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Drift
from orchestrator.stack.paths import value_at
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.drift.memory import Memory, leaves_of
from orchestrator.workloads.planning.drift.rules import places, rules_for, single_fields
from orchestrator.workloads.records.owned import Record, records_of, unowned

Touched: TypeAlias = Mapping[Path, Touch]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """One object: what is applied of it, and what others changed.

    ``item`` is the object without what is left to others. ``healed`` are drifted fields of it with who changed
    them; ``left`` are those that were left out of it because of drift, ``ignored`` those because of a rule; both
    by their paths in the whole object. ``former`` is the version that it was applied in where that is another one.
    """

    item: WantedObject
    healed: Touched = field(default_factory=dict)
    left: Touched = field(default_factory=dict)
    ignored: frozenset[Path] = frozenset()
    former: str = ""


def survey(
    item: WantedObject,
    live: Live | None,
    fingerprint: str,
    *,
    leaving: Collection[str] = (),
) -> Survey:
    """Look at who owns what of an object that is there, or return all of it for one that is not.

    ``fingerprint`` is what the inventory remembers of it; ``leaving`` are managers whose fields become ours.
    """
    if live is None:
        return Survey(item=item)
    records = records_of(live)
    ours = next((record for record in records if record.ours), None)
    others = [
        record for record in records if not record.ours and (ours or record.manager not in leaving)
    ]
    former = ours.version if ours and ours.version != item.value.get("apiVersion") else ""
    rules = rules_for(item)
    if ours and not rules and not unowned(item.value, ours):
        return Survey(item=item, former=former)
    ignored = {path for path in single_fields(item, rules) if _touched(item, path, others)}
    told_apart = not former or item.drift is not Drift.HEAL  # else nobody is to be blamed
    drifted = _drifted(item, ours, others, fingerprint) if ours and told_apart else {}
    ignored |= {path for path in drifted if any(overlap(path, at) for at in places(item, rules))}
    rest = {path: touch for path, touch in drifted.items() if path not in ignored}
    if item.drift is Drift.HEAL:
        healed = {moved(path, ignored): touch for path, touch in rest.items()}
        found = Survey(item=without(item, ignored), healed=healed, ignored=frozenset(ignored))
    else:
        cut = without(item, ignored | {*rest})
        found = Survey(item=cut, left=rest, ignored=frozenset(ignored))
    return replace(found, former=former)


def made_anew(item: WantedObject, found: Survey) -> Survey:
    """Return what is told of an object that is deleted and made anew, where ``found`` is what others did to it.

    All of it is as Git has it afterwards, so that what was left to others is healed too.
    """
    # Their paths lead through what is left of the object.
    told = {} if found.ignored else found.healed
    return Survey(item=item, healed={**told, **found.left})


def touch_at(touched: Touched, at: Path | None) -> Touch | None:
    """Return who changed what the manifest has at ``at``, or None where nobody did."""
    if at is None:
        return None
    return next((touch for path, touch in touched.items() if overlap(path, at)), None)


def told(touches: Iterable[Touch]) -> str:
    """Return who changed something and when: ``changed by kubectl-edit at 2026-03-14 09:26:53 UTC``."""
    known = sorted({touch for touch in touches if touch.by}, key=_moment_and_name)
    return f"changed {' and '.join(map(str, known))}" if known else "changed outside of this stack"


def without(item: WantedObject, paths: Collection[Path]) -> WantedObject:
    """Return an object without what it has at these paths, and without the maps and lists that leaves empty."""
    if not paths:
        return item
    value = _cut(dict(item.value), frozenset(paths), ())
    assert isinstance(value, dict)  # noqa: S101 - its apiVersion and kind are never taken out
    sensitive = frozenset(
        moved(path, paths) for path in item.sensitive if not any(_within(path, at) for at in paths)
    )
    return replace(item, value=value, sensitive=sensitive, whole=False)


def moved(path: Path, taken: Collection[Path]) -> Path:
    """Return where a path leads after others were taken out: elements move up in their list."""
    return tuple(
        step - sum(1 for at in taken if _before(at, path[:depth], step))
        if isinstance(step, int)
        else step
        for depth, step in enumerate(path)
    )


def _before(at: Path, parent: Path, index: int) -> bool:
    last = at[-1]
    return at[:-1] == parent and isinstance(last, int) and last < index


def _cut(tree: Tree, paths: frozenset[Path], here: Path) -> "Tree | Absent":
    if here in paths:
        return ABSENT
    if not isinstance(tree, dict | list) or not any(path[: len(here)] == here for path in paths):
        return tree
    if isinstance(tree, dict):
        pairs = {key: _cut(value, paths, (*here, key)) for key, value in tree.items()}
        kept = {key: value for key, value in pairs.items() if not isinstance(value, Absent)}
        # What was emptied would be applied as empty; an element of a list stays what it is.
        return ABSENT if tree and not kept and isinstance(here[-1], str) else kept
    items = [_cut(value, paths, (*here, index)) for index, value in enumerate(tree)]
    left = [value for value in items if not isinstance(value, Absent)]
    return left or ABSENT


def _drifted(
    item: WantedObject, ours: Record, others: Sequence[Record], fingerprint: str
) -> dict[Path, Touch]:
    found = {path: _touch(item, path, others) for path in unowned(item.value, ours)}
    if not found:
        return {}
    memory = Memory.of(fingerprint)
    known = memory.known(item)
    by_time = not memory.fields and ours.version == item.value.get("apiVersion")
    return {
        path: touch
        for path, touch in found.items()
        if _as_applied(item, path, known) or (by_time and _later(touch, ours))
    }


def _as_applied(item: WantedObject, path: Path, known: frozenset[Path]) -> bool:
    below = [(*path, *leaf) for leaf in leaves_of(value_at(dict(item.value), path))]
    # What is secret is remembered as one, whatever it is made of.
    return all(any(leaf[:depth] in known for depth in range(1, len(leaf) + 1)) for leaf in below)


def _later(touch: Touch, ours: Record) -> bool:
    return bool(touch.at and ours.at and touch.at >= ours.at)


def _touch(item: WantedObject, path: Path, others: Sequence[Record]) -> Touch:
    owners = [record for record in others if record.owns(dict(item.value), path)]
    last = max(owners, key=lambda record: (record.at is not None, record.at), default=None)
    if last is None:
        return Touch()
    return Touch(by=last.manager, at=last.at, through=last.subresource)


def _touched(item: WantedObject, path: Path, others: Sequence[Record]) -> bool:
    return any(record.owns(dict(item.value), path) for record in others)


def _within(path: Path, at: Path) -> bool:
    return path[: len(at)] == at


def overlap(path: Path, other: Path) -> bool:
    """Whether one of two places is in the other, or is it."""
    return _within(path, other) or _within(other, path)


def _moment_and_name(touch: Touch) -> tuple[str, str]:
    return (touch.at.isoformat() if touch.at else "", touch.by)
