"""What a plan says of drift: what it heals and from whom, and what it leaves as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from orchestrator.plans.change import Action, Change, FieldChange, Subject, Touch
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Drift
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.comparison.differences import differences
from orchestrator.workloads.comparison.intent import Intent
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.masks import NO_MASKS
from orchestrator.workloads.ownership import masks_in
from orchestrator.workloads.planning.drift.memory import Memory, remember
from orchestrator.workloads.planning.drift.rules import rules_for
from orchestrator.workloads.planning.drift.survey import (
    Survey,
    made_anew,
    overlap,
    survey,
    told,
    touch_at,
)
from orchestrator.workloads.planning.pending import overlaid
from orchestrator.workloads.planning.taking_over.claims import claim_of
from orchestrator.workloads.planning.taking_over.succession import DECLARING
from orchestrator.workloads.secrecy import secret_in

Inventory: TypeAlias = Mapping[ObjectRef, OwnedObject]

_UNTOLD: Final = "; whether Git changed its secrets, too, is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What others did to the objects that are wanted, as far as it can be told."""

    inventory: Inventory
    found: Mapping[ObjectRef, Survey]

    def applied(self, item: WantedObject) -> WantedObject:
        """Return an object as it is applied: without what is left to others."""
        surveyed = self.found.get(item.ref) if item.ref else None
        return surveyed.item if surveyed else item

    def with_whole(self, replaced: Iterable[WantedObject]) -> "Surveyed":
        """Return the same with nothing left to others of objects that are made anew: nobody has it then."""
        anew = {item.ref: made_anew(item, self.found[item.ref]) for item in replaced if item.ref}
        return replace(self, found={**self.found, **anew}) if anew else self

    def left_gone(self, item: WantedObject, live: Live | None) -> bool:
        """Whether others deleted an object that Git wants as it was, and its set does not heal that."""
        earlier = self.inventory.get(item.ref) if item.ref else None
        if live is not None or earlier is None or not earlier.uid:
            return False
        return (
            item.drift is not Drift.HEAL
            and not removed_by_itself(item.value)
            and self.as_applied(item)
        )

    def as_applied(self, item: WantedObject) -> bool:
        """Whether an object is wanted just as it was applied last."""
        earlier = self.inventory.get(item.ref) if item.ref else None
        return earlier is not None and Memory.of(earlier.fingerprint).holds(item)

    def remembered(self, item: WantedObject, action: Action) -> str:
        """Return what the inventory keeps of an object; of one that is wanted as before, what it kept before.

        What is there just as it is wanted counts as applied, whoever made it so: from here on it is Git's.
        """
        earlier = self.inventory.get(item.ref) if item.ref else None
        if action is Action.NO_OP and earlier:
            memory = Memory.of(earlier.fingerprint)
            if memory.holds(item) and memory.complete(item):
                return earlier.fingerprint
        return remember(item, by_field=item.drift is not Drift.HEAL)

    def told(
        self, item: WantedObject, live: Live | None, result: Mapping[str, Tree]
    ) -> tuple[FieldChange, ...]:
        """Return the fields in which an apply changes an object, and who changed those that it heals."""
        if result is live and not item.pending:
            return ()
        surveyed = self.found.get(item.ref) if item.ref else None
        applied = self.applied(item)
        former = masks_in(live) if live else NO_MASKS
        intent = Intent(value=dict(applied.value), secret=secret_in(applied), former=former)
        healed = surveyed.healed if surveyed else {}
        found = differences(live, result, intent=intent)
        if not healed:
            return tuple(each.change for each in found)
        return tuple(replace(each.change, touch=touch_at(healed, each.at)) for each in found)

    def untold(self, item: WantedObject) -> str:
        """Return why drift that the set leaves may be taken back all the same, or an empty text."""
        surveyed = self.found.get(item.ref) if item.ref else None
        if item.drift is Drift.HEAL or surveyed is None or not surveyed.former:
            return ""
        return f"was applied as {surveyed.former}: drift of what has another place now is not told"

    def left(self, item: WantedObject, live: Live | None) -> Change | None:
        """Return what others did to an object and what is left so, from what was applied to what is live."""
        if self.left_gone(item, live):
            # The salt went with it.
            return _drift(item, Action.DELETE, f"left as it is{_UNTOLD if secret_in(item) else ''}")
        surveyed = self.found.get(item.ref) if item.ref else None
        if live is None or surveyed is None or not (surveyed.left or surveyed.ignored):
            return None
        touched = {**surveyed.left, **dict.fromkeys(surveyed.ignored, Touch())}
        former = masks_in(live)
        intent = Intent(value=dict(item.value), secret=secret_in(item), former=former)
        fields = tuple(
            replace(found.change, before=found.change.after, after=found.change.before, touch=touch)
            for found in differences(live, overlaid(live, item.value), intent=intent)
            if (touch := touch_at(touched, found.at))
        )
        why = f"{_by(fields)}left as it is{self._untold_secrets(item, surveyed.left)}"
        return _drift(item, Action.UPDATE, why, fields) if fields else None

    def _untold_secrets(self, item: WantedObject, left: Iterable[Path]) -> str:
        earlier = self.inventory.get(item.ref) if item.ref else None
        secret = secret_in(item)
        if not any(overlap(path, at) for path in left for at in secret):
            return ""
        known = earlier is not None and Memory.of(earlier.fingerprint).knows_secrets(item)
        return "" if known else _UNTOLD


def surveys(
    cluster: Cluster,
    objects: Sequence[WantedObject],
    live: Mapping[ObjectRef, Live],
    inventory: Iterable[OwnedObject],
    *,
    owner: Owner,
) -> Surveyed:
    """Look at what others changed in the objects that are there.

    One that is not known to be ours is looked at where a rule leaves fields of it to others.
    """
    recorded = {item.ref: item for item in inventory}
    unseen = [item.ref for item in objects if item.ref and item.ref not in live and rules_for(item)]
    there = {**cluster.get_many(unseen), **live} if unseen else live
    return Surveyed(
        inventory=recorded,
        found={
            item.ref: survey(
                item,
                there.get(item.ref),
                _fingerprint(item.ref, recorded),
                leaving=() if item.ref in live else _leaving(there.get(item.ref), owner),
            )
            for item in objects
            if item.ref
        },
    )


def _leaving(live: Live | None, owner: Owner) -> frozenset[str]:
    """Return the managers from whom an object is taken over with all that they declared."""
    claim = claim_of(live, owner) if live is not None else None
    return DECLARING | (claim.managers if claim else frozenset())


def healing(fields: Iterable[FieldChange]) -> str:
    """Return what a change takes back that others did, and who did; empty where there is nothing of that."""
    touches = [item.touch for item in fields if item.touch]
    return f"heals drift: {told(touches)}" if touches else ""


def removed_by_itself(manifest: Mapping[str, object]) -> bool:
    """Whether this is a Job that the cluster removes when its time is up, and that is not to run again for that."""
    spec = manifest.get("spec")
    return (
        manifest.get("kind") == "Job"
        and str(manifest.get("apiVersion")).startswith("batch/")
        and isinstance(spec, dict)
        and "ttlSecondsAfterFinished" in spec
    )


def _fingerprint(ref: ObjectRef, inventory: Inventory) -> str:
    return inventory[ref].fingerprint if ref in inventory else ""


def _by(fields: Iterable[FieldChange]) -> str:
    known = [item.touch for item in fields if item.touch and item.touch.by]
    return f"{told(known).removeprefix('changed ')}; " if known else ""


def _drift(
    item: WantedObject, action: Action, reason: str, fields: tuple[FieldChange, ...] = ()
) -> Change:
    return Change(
        subject=Subject.OBJECT, name=item.title, action=action, reason=reason, fields=fields
    )
