"""What an object says itself of a stack that applied it. Pure."""

from dataclasses import replace

from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.ownership import prunable, uid_of, unit_of
from orchestrator.workloads.records.owned import Record, records_of


def claimed(ref: ObjectRef, live: Live) -> OwnedObject | None:
    """Return an object that carries our marks as what it is to its stack, or None if we never applied it.

    Controllers copy labels and annotations to what they make of it, but not the record of who set what. Some kinds are
    served by two groups: that record says in which one it was applied.
    """
    unit = unit_of(live)
    ours = next((record for record in records_of(live) if record.ours), None)
    if unit is None or ours is None or _group(ours) != ref.group:
        return None
    version = ours.version.rpartition("/")[2]
    return OwnedObject(ref=replace(ref, version=version), unit=unit, uid=uid_of(live))


def has_to_be_known(live: Live) -> bool:
    """Whether a ledger that applied an object still has it: one that asks to stay is forgotten, as one that goes."""
    return prunable(live) and "deletionTimestamp" not in mapping(live, "metadata")


def _group(record: Record) -> str:
    return record.version.rpartition("/")[0]
