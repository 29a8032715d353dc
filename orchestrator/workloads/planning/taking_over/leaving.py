"""Which fields of a manifest are left to other controllers, since they set them (``conflicts: leave``). Pure."""

from collections.abc import Collection, Mapping
from typing import Final

from orchestrator.stack.expressions import Tree
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import FIELD_MANAGER, MARKS
from orchestrator.workloads.planning.taking_over.succession import by_hand, declared_by_us
from orchestrator.workloads.records.fields import (
    NOTHING,
    FieldSet,
    entries,
    leaves,
    others_wrote,
    present,
    shown,
    union,
)

_MOST_NAMED: Final = 3
_OUR_MARKS: Final = frozenset(
    ("f:metadata", section, f"f:{mark}")
    for section in ("f:labels", "f:annotations")
    for mark in MARKS
)


def left_to_others(
    manifest: Mapping[str, Tree], live: Live, heirs: Collection[str] = ()
) -> FieldSet:
    """Return what a manifest sets although others set it and we do not.

    What was set by hand is not left, nor what the managers set whose successors we are (``heirs``). Our marks
    and the keys of elements of lists are nobody else's.
    """
    if not others_wrote(live, FIELD_MANAGER):
        return NOTHING
    others = union(
        entry
        for entry in entries(live)
        if not by_hand(entry.manager)
        and entry.manager not in heirs
        and entry.subresource != "status"
    )
    theirs = leaves(others) - declared_by_us(live) - _OUR_MARKS
    return present(manifest, theirs) if theirs else NOTHING


def who_keeps(live: Live, fields: FieldSet) -> tuple[str, ...]:
    """Return sentences that say what is left to whom, by manager."""
    kept = {
        entry.manager: sorted(map(shown, entry.fields & fields))
        for entry in entries(live)
        if not entry.fields.isdisjoint(fields)
    }
    return tuple(f"leaves {_some(paths)} to {manager}" for manager, paths in sorted(kept.items()))


def _some(paths: list[str]) -> str:
    more = len(paths) - _MOST_NAMED
    return ", ".join(paths[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
