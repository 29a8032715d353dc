"""What applying manifest sets would do: one plan for all of them, so that a moved object is a move.

The server decides by dry runs; what it cannot answer yet (a kind or namespace that this very plan creates,
a value that is pending) is planned from the manifest alone and shown as such.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.plans.redaction import Secrets
from orchestrator.stack.model import Drift, UnitId
from orchestrator.workloads.claimed import claimed, has_to_be_known
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.definitions.custom_resources import DEFINITION
from orchestrator.workloads.health.controllers import paused
from orchestrator.workloads.manifests.wanted import RenderedSet, WantedObject, check_identities
from orchestrator.workloads.order import rank
from orchestrator.workloads.ownership import marked, uid_of, waited_for
from orchestrator.workloads.planning.asking.namespaces import namespace_of
from orchestrator.workloads.planning.changes import change_of, deletion_of, stays_as_it_is
from orchestrator.workloads.planning.creation import order_of
from orchestrator.workloads.planning.foundations import check_foundations
from orchestrator.workloads.planning.leftovers import conceded, ignored
from orchestrator.workloads.planning.pending import known
from orchestrator.workloads.planning.steps import ObjectStep, SetPlan
from orchestrator.workloads.planning.world import World, observe
from orchestrator.workloads.records.fields import without
from orchestrator.workloads.secrecy import fingerprint_of, learn_wanted

_TAKEN_IN_LATER: Final = frozenset({("", "ResourceQuota"), DEFINITION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """A plan for each set, and the objects beside them that say that the stack applied them.

    ``claimed`` are in no inventory that was given, whether a set wants them or not, and have to be in one.
    """

    plans: tuple[SetPlan, ...]
    claimed: tuple[OwnedObject, ...] = ()


def plan_sets(
    cluster: Cluster,
    sets: tuple[RenderedSet, ...],
    inventory: tuple[OwnedObject, ...],
    *,
    owner: Owner,
    secrets: Secrets,
    beside: tuple[RenderedSet, ...] = (),
) -> Plans:
    """Return a plan for each set, then one for each unit that only the inventory knows, sorted by name.

    ``beside`` are sets that are not planned, whose objects may not be lost either. Raises InvalidStack when two
    sets declare the same object, objects break a definition of this plan, or what they live in would go;
    ClusterError with all refusals of the server, ClusterUnreachable, AccessDenied.
    """
    check_identities(sets)
    objects = tuple(item for rendered in sets for item in rendered.objects)
    learn_wanted(objects, secrets)
    world = observe(cluster, objects, inventory, owner=owner, secrets=secrets)
    gone = sorted({item.unit for item in inventory} - {rendered.unit for rendered in sets})
    found = (
        *(_set_plan(rendered, world) for rendered in sets),
        *(_set_plan(RenderedSet(unit=unit, objects=()), world, removed=True) for unit in gone),
    )
    changed = frozenset(_changed(found))
    plans = tuple(replace(plan, changed=changed) for plan in found) if changed else found
    others = (item for rendered in beside for item in rendered.objects)
    check_foundations(plans, (*objects, *others), world)
    return Plans(plans=plans, claimed=_claimed(world, {item.ref for item in inventory}))


def _changed(plans: Iterable[SetPlan]) -> Iterator[ObjectRef]:
    """Yield the quotas and definitions that change: what others are sent for their sake may be refused for a moment."""
    for step in (step for plan in plans for step in plan.steps):
        if step.action is not Action.NO_OP and (step.ref.group, step.ref.kind) in _TAKEN_IN_LATER:
            yield step.ref


def _claimed(world: World, known: Collection[ObjectRef]) -> tuple[OwnedObject, ...]:
    found = (
        claimed(ref, live)
        for ref, live in world.live.items()
        if ref not in known and has_to_be_known(live)
    )
    return tuple(owned for owned in found if owned)


def _set_plan(rendered: RenderedSet, world: World, *, removed: bool = False) -> SetPlan:
    ordered = sorted(map(world.salted, rendered.objects), key=order_of)
    changes = [change_of(item, world) for item in ordered]
    steps = [
        _step(item, change.action, world)
        for item, change in zip(ordered, changes, strict=True)
        if not (item.pending or stays_as_it_is(item, world))
    ]
    drifted = [
        (item, change)
        for item in ordered
        if not world.why_left_alone(item)
        if (change := world.surveyed.left(item, world.live_of(item)))
    ]
    leaving = [(item.ref, deletion_of(item, world)) for item in _unwanted(rendered.unit, world)]
    doomed = [ref for ref, change in leaving if change.action is Action.DELETE]
    return SetPlan(
        unit=rendered.unit,
        changes=(*changes, *(change for _, change in leaving)),
        steps=tuple(steps),
        prune=tuple(
            OwnedObject(ref=ref, unit=rendered.unit, uid=uid_of(world.live[ref])) for ref in doomed
        ),
        forgotten=tuple(ref for ref, change in leaving if change.action is Action.FORGET),
        drift=tuple(change for item, change in drifted if item.drift is Drift.REPORT),
        ignored=sum(1 for item, _ in drifted if item.drift is not Drift.REPORT),
        left=(
            *ignored(drifted),
            *(
                left
                for item, change in zip(ordered, changes, strict=True)
                for left in conceded(item, change, world)
            ),
        ),
        pending=rendered.pending,
        removed=removed,
        fingerprint=fingerprint_of(ordered),
        resting=tuple(
            f"{change.name}: {change.reason}"
            for item, change in zip(ordered, changes, strict=True)
            if world.why_left_alone(item)
        ),
    )


def _step(item: WantedObject, action: Action, world: World) -> ObjectStep:
    assert item.ref is not None  # noqa: S101 - whatever is not pending has a name
    verdict = world.verdicts[item.ref]
    wanted = known(without(world.surveyed.applied(item).value, verdict.left))
    manifest = marked(wanted, owner=world.owner, unit=item.unit, masks=item.masks, salt=item.salt)
    earlier = world.inventory.get(item.ref)
    return ObjectStep(
        ref=item.ref,
        action=action,
        manifest=manifest,
        force=verdict.force,
        wait=waited_for(manifest) and not paused(manifest),
        uid=uid_of(verdict.live)
        if verdict.live
        else (earlier.uid if earlier and action is Action.NO_OP else ""),
        absent=action is Action.REPLACE
        or (action is Action.CREATE and not _populated(item.ref, world)),
        succession=verdict.succession,
        remembered=partial(world.surveyed.remembered, item, action),
    )


def _populated(ref: ObjectRef, world: World) -> bool:
    """Whether controllers may make an object before us: a new namespace gets its service account from one."""
    space = world.verdicts.get(namespace_of(ref))
    return space is not None and space.live is None


def _unwanted(unit: UnitId, world: World) -> Iterator[OwnedObject]:
    """Yield what nobody wants any more, in the order of deletion.

    Where a wanted object's name is pending, another one of its kind may turn out to be it: those wait.
    """
    mine = (item for item in world.inventory.values() if item.unit == unit)
    for item in sorted(mine, key=lambda found: (rank(found.ref), found.ref), reverse=True):
        undecided = (unit, item.ref.group, item.ref.kind) in world.unnamed
        if item.ref not in world.verdicts and not undecided:
            yield item
