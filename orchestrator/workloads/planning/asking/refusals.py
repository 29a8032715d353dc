"""Why objects cannot be applied, in words that say what to do about it. Pure."""

from datetime import datetime
from typing import Final

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster.answers import FieldConflict, Invalid, TooEarly
from orchestrator.workloads.cluster.immutability import Immutable
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.planning.taking_over.claims import Claim
from orchestrator.workloads.records.fields import entries

_ROOM: Final = "let the quota allow more, or want less of it; where the same plan changes the quota, apply that first"
_FIRST: Final = "have the same set bring it, or apply first what does"
_BY_HAND: Final = (
    "where it is said only because the old object is there, or of another name, delete that by hand: "
    "the next apply makes it anew"
)


def claimed(ref: ObjectRef, claim: Claim, unit: UnitId) -> ClusterError:
    """Return the refusal of an object that belongs to somebody else."""
    return ClusterError(
        f"{ref} belongs to {claim.title}",
        hint=f"{claim.consequence}; then allow it with 'adopt: [{claim.id}]' on {unit}",
    )


def being_deleted(ref: ObjectRef, live: Live) -> ClusterError | None:
    """Return the refusal of an object that is on its way out, or None when it is not."""
    fields = mapping(live, "metadata")
    if not fields.get("deletionTimestamp"):
        return None
    finalizers = fields.get("finalizers")
    named = ", ".join(map(str, finalizers)) if isinstance(finalizers, list) else ""
    waits = f", which waits for {named}" if named else ""
    return ClusterError(f"{ref} is being deleted{waits}", hint="plan again when it is gone")


def conflict(ref: ObjectRef, error: FieldConflict, live: Live, unit: UnitId) -> FieldConflict:
    """Return the refusal because of fields of others, with the times at which these were set."""
    times = _times(live)
    told = "; ".join(
        f"{manager} set {', '.join(fields)}{times.get(manager, '')}"
        for manager, fields in error.owners.items()
    )
    return FieldConflict(
        f"{ref} is also managed by others: {told}",
        owners=error.owners,
        hint=f"leave these fields out of the manifest, or say 'conflicts: leave' on {unit}; to take them over, "
        "say 'conflicts: take' there, or annotate the object with orchestrator/force: enabled",
    )


def unchangeable(error: Immutable, unit: UnitId) -> Immutable:
    """Return the refusal because of immutable fields, with how to allow that the object is replaced."""
    error.hint = (
        "give the object another name, so that a new one replaces it; or let it be deleted and made anew: "
        f"annotate it with orchestrator/replace: enabled, or say 'replace: true' on {unit}"
    )
    return error


def not_ours_to_replace(ref: ObjectRef, error: Immutable) -> ClusterError:
    """Return the refusal to delete an object that was never applied by this stack."""
    what = f"{', '.join(error.fields)} cannot be changed" if error.fields else error.said
    return ClusterError(
        f"{ref} exists, does not belong to this stack, and would have to be replaced: {what}",
        hint="let the manifest agree with it first, so that it can be adopted; or delete it by hand",
    )


def invalid_replacement(ref: ObjectRef, stand_in: ObjectRef, error: ClusterError) -> ClusterError:
    """Return the refusal of a replacement that the server would not accept once the old object is gone."""
    why = error.message.removeprefix(f"{stand_in} is not valid: ").replace(stand_in.name, ref.name)
    what = "is not valid" if isinstance(error, Invalid) else "would be refused"
    return ClusterError(
        f"{ref} has to be replaced, and its replacement {what}: {why}",
        hint=error.hint or _how_to_go_on(error),
    )


def no_room(ref: ObjectRef, told: str, *, anew: bool) -> ClusterError:
    """Return the refusal of an object that quotas may have no room for, when the old one is gone or its turn comes."""
    what = f"{ref} has to be replaced, and its replacement" if anew else str(ref)
    return ClusterError(f"{what} may be refused: {told}", hint=_ROOM)


def _how_to_go_on(error: ClusterError) -> str:
    if isinstance(error, TooEarly):
        return _ROOM if error.lacks.too_small else _FIRST
    return "" if _is_a_mistake(error) else _BY_HAND


def _is_a_mistake(error: ClusterError) -> bool:
    """Whether a refusal is about fields, and none of them the name, so that it holds for any object."""
    fields = error.causes.values() if isinstance(error, Invalid) else ()
    return bool(fields) and all(at and at != "metadata.name" for at in fields)


def _times(live: Live) -> dict[str, str]:
    """Return when each manager wrote last, by its name in conflicts."""
    latest: dict[str, str] = {}
    for entry in entries(live):
        name = f"{entry.manager} ({entry.subresource})" if entry.subresource else entry.manager
        latest[name] = max(entry.time, latest.get(name, ""))
    return {name: f" at {_minute(time)}" for name, time in latest.items() if time}


def _minute(time: str) -> str:
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M} UTC"
