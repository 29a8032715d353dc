"""What happens to one object, and why, decided from what was observed. Pure."""

from collections.abc import Iterator

from orchestrator.plans.change import Action, Change, FieldChange, Subject
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.workloads.definitions.custom_resources import (
    left_to_the_server,
)
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import masks_in, owner_of, salt_in, unit_of
from orchestrator.workloads.planning.asking.cases import Verdict
from orchestrator.workloads.planning.asking.replacement import forcing
from orchestrator.workloads.planning.creation import creation
from orchestrator.workloads.planning.drift.upkeep import healing, removed_by_itself
from orchestrator.workloads.planning.reasons import reason_of
from orchestrator.workloads.planning.resting import why_kept
from orchestrator.workloads.planning.taking_over.usurpers import blamed
from orchestrator.workloads.planning.world import World


def stays_as_it_is(item: WantedObject, world: World) -> bool:
    """Whether an object is neither applied nor waited for, though Git declares it."""
    return bool(world.why_left_alone(item)) or world.surveyed.left_gone(item, world.live_of(item))


def change_of(item: WantedObject, world: World) -> Change:
    """Return what an apply does to an object, a no-op included."""
    resting = world.why_left_alone(item)
    if resting:
        return Change(subject=Subject.OBJECT, name=item.title, action=Action.NO_OP, reason=resting)
    if item.ref is None:
        return creation(item)
    verdict = world.verdicts[item.ref]
    fields = world.surveyed.told(item, verdict.live, verdict.result)
    if verdict.succession and verdict.live is not None:
        fields = blamed(fields, verdict.live, verdict.succession.usurped)
    previous = _previous_unit(item, verdict, world)
    action, reason = _decision(item, verdict, world, moved=bool(previous), fields=fields)
    if action is Action.ADOPT:
        previous = verdict.claim.id if verdict.claim else ""
    if verdict.replaced is not None:
        fields = forcing(fields, verdict.replaced)
    return Change(
        subject=Subject.OBJECT,
        name=item.title,
        action=action,
        fields=() if action is Action.NO_OP else fields,
        reason=reason,
        previous=previous if action in {Action.MOVE, Action.ADOPT} else "",
    )


def _decision(
    item: WantedObject,
    verdict: Verdict,
    world: World,
    *,
    moved: bool,
    fields: tuple[FieldChange, ...],
) -> tuple[Action, str]:
    if verdict.live is None:
        return _coming(item, world)
    if owner_of(verdict.live) != world.owner:
        return Action.ADOPT, reason_of(verdict)
    why = reason_of(verdict, healing(fields)), world.surveyed.untold(item) if fields else ""
    reason = "; ".join(filter(None, why))
    if verdict.replaced is not None:
        return Action.REPLACE, reason
    if moved:
        return Action.MOVE, reason
    if fields or verdict.succession:
        return Action.UPDATE, reason
    noted = tuple(_noted(item, verdict.live))
    return Action.UPDATE if noted else Action.NO_OP, "; ".join(filter(None, (reason, *noted)))


def _noted(item: WantedObject, live: Live) -> Iterator[str]:
    """Yield what an object does not say of its secrets yet, without which nobody could tell it later."""
    if not item.masks <= masks_in(live):
        yield "notes which of its fields are secret"
    if item.salt and item.salt != salt_in(live):
        yield "notes how to tell what Git changes of its secrets"


def _coming(item: WantedObject, world: World) -> tuple[Action, str]:
    earlier = world.inventory.get(item.ref) if item.ref else None
    definition = world.definitions.get(item.group_kind)
    if earlier and earlier.fingerprint and not earlier.uid:
        return Action.CREATE, "was deleted by an apply that did not succeed"
    if earlier is None or not earlier.uid:
        return Action.CREATE, left_to_the_server(item, definition) if definition else ""
    if removed_by_itself(item.value) and world.surveyed.as_applied(item):
        return Action.NO_OP, "ran before; the cluster removed it when its time was up"
    if world.surveyed.left_gone(item, None):
        return Action.NO_OP, "was deleted by somebody else, and is left so"
    return Action.CREATE, "was applied before, and is gone"


def _previous_unit(item: WantedObject, verdict: Verdict, world: World) -> str:
    """Return the unit that an object of ours comes from when that is another one, or an empty text."""
    if item.ref is None or verdict.live is None:
        return ""
    earlier = world.inventory.get(item.ref)
    unit = earlier.unit if earlier else unit_of(verdict.live)
    return unit if unit and unit != item.unit else ""


def deletion_of(item: OwnedObject, world: World) -> Change:
    """Return what becomes of an object that nobody wants any more: it is deleted, or only forgotten."""
    action, reason = _going(item.ref, world)
    return Change(subject=Subject.OBJECT, name=str(item.ref), action=action, reason=reason)


def _going(ref: ObjectRef, world: World) -> tuple[Action, str]:
    live = world.live.get(ref)
    if live is None:
        return Action.FORGET, _why_forgotten(world.strangers.get(ref))
    if kept := why_kept(live):
        return Action.FORGET, kept
    return Action.DELETE, _consequence(ref)


def _why_forgotten(stranger: Live | None) -> str:
    if stranger is None:
        return "is gone already"
    owner = owner_of(stranger)
    return f"stays, since it belongs to {owner} now" if owner else "stays, since it lost our labels"


def _consequence(ref: ObjectRef) -> str:
    match ref.group, ref.kind:
        case "", "Namespace":
            return "with everything in it"
        case "apiextensions.k8s.io", "CustomResourceDefinition":
            return "with every object of its kind"
        case _:
            return ""
