"""What a repaired ledger goes on remembering of objects: what is certain, whatever is not in it. Pure.

Another ledger may have applied them since, and so may a run of which nobody has the entries any more. What that took
out or deleted must not be taken for the doing of others later, or a revert would leave it so.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.taking_in import Later
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.stack.model import UnitId
from orchestrator.workloads.planning.drift.memory import in_common


def uncertain(
    kept: LedgerState,
    aside: LedgerState | None,
    there: Collection[ObjectRef],
    *,
    later: Mapping[UnitId, Later],
) -> Iterator[OwnedObject]:
    """Yield the objects of a ledger of which it says more than is certain, with what is.

    ``aside`` is the ledger that is set aside, None where nobody has what was recorded; ``there`` are the objects that
    exist. Of one that does not, and that no other ledger has, nothing is certain: it has no uid then. A Job may be gone
    by itself, so that it is remembered as it ran last: by the ledger that recorded it ``later``.
    """
    theirs = {owned.ref: owned for owned in aside.believed} if aside else {}
    for owned in kept.believed:
        other = theirs.get(owned.ref)
        if _runs_once(owned.ref):
            last = other if other and later.get(owned.unit) is Later.ASIDE else owned
            found = replace(owned, fingerprint=last.fingerprint)
        elif owned.ref not in there and not (other and other.uid):
            found = missed(owned)
        elif other or aside is None:
            said = other.fingerprint if other else ""
            found = replace(owned, fingerprint=in_common(owned.fingerprint, said))
        else:
            found = owned
        if found != owned:
            yield found


def missed(owned: OwnedObject) -> OwnedObject:
    """Return what is certain of an object that was not found, and that nobody may have deleted but the stack itself."""
    return owned if _runs_once(owned.ref) else replace(owned, uid="", fingerprint="")


def _runs_once(ref: ObjectRef) -> bool:
    return (ref.group, ref.kind) == ("batch", "Job")
