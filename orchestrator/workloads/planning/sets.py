"""What applying manifest sets would do: one plan for all of them, so that a moved object is a move.

The server decides by dry runs; what it cannot answer yet (a kind or namespace that this very plan creates,
a value that is pending) is planned from the manifest alone and shown as such.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

from orchestrator.plans.change import Action, Change, FieldChange, Subject
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.plans.redaction import Secrets
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Drift, Json, UnitId
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.comparison.differences import Intent, compare
from orchestrator.workloads.definitions.custom_resources import (
    DEFINITION,
    Definition,
    check_custom_resources,
    definitions_in,
    left_to_the_server,
)
from orchestrator.workloads.manifests.rendering import RenderedSet, WantedObject, check_identities
from orchestrator.workloads.order import rank
from orchestrator.workloads.ownership import marked, owner_of, uid_of, unit_of, waited_for
from orchestrator.workloads.planning.asking.dry_runs import Verdict, namespace_of
from orchestrator.workloads.planning.asking.refusals import together
from orchestrator.workloads.planning.asking.rehearsal import rehearse
from orchestrator.workloads.planning.asking.replacement import forcing
from orchestrator.workloads.planning.asking.rounds import ask
from orchestrator.workloads.planning.drift.upkeep import Surveyed, healing, lasting, surveys
from orchestrator.workloads.planning.pending import completed, known
from orchestrator.workloads.planning.reasons import reason_of
from orchestrator.workloads.planning.resting import why_kept, why_left_alone
from orchestrator.workloads.planning.taking_over.succession import Succession
from orchestrator.workloads.records.fields import without
from orchestrator.workloads.secrecy import fingerprint_of, learn_live, learn_wanted, secret_in

Live: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStep:
    """What is done to one object: its whole manifest with our marks, and how it is applied.

    A no-op is a step too, since an apply waits for all objects of a set; ``uid`` is the live object's, empty
    for one that is to be created; ``absent`` says that there must be none then. ``succession`` says which fields
    of others become ours first. ``fingerprint`` goes into the inventory.
    """

    ref: ObjectRef
    action: Action
    manifest: Mapping[str, Json] = field(repr=False)
    force: bool = False
    wait: bool = True
    uid: str = ""
    absent: bool = False
    succession: Succession | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What would happen to one manifest set.

    ``steps`` are complete only when nothing is ``pending``. ``prune`` are objects of the inventory that no set
    wants any more, also those that are gone or not ours any more: they are only forgotten. ``drift`` is what
    others did to objects and what is left so; ``ignored`` counts those of which that is not even told.
    ``removed`` marks a set that Git no longer declares; ``resting`` tells what is left alone wholly, and why.
    """

    unit: UnitId
    changes: tuple[Change, ...] = ()
    steps: tuple[ObjectStep, ...] = ()
    prune: tuple[OwnedObject, ...] = ()
    drift: tuple[Change, ...] = ()
    ignored: int = 0
    pending: tuple[str, ...] = ()
    removed: bool = False
    fingerprint: str = ""
    resting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What is there and what is wanted, as far as it decides about single objects."""

    owner: Owner
    live: Mapping[ObjectRef, Live]
    inventory: Mapping[ObjectRef, OwnedObject]
    surveyed: Surveyed
    verdicts: Mapping[ObjectRef, Verdict]
    strangers: Mapping[ObjectRef, Live | None]
    unnamed: frozenset[tuple[UnitId, str, str]]
    definitions: Mapping[tuple[str, str], Definition]


def plan_sets(
    cluster: Cluster,
    sets: tuple[RenderedSet, ...],
    inventory: tuple[OwnedObject, ...],
    *,
    owner: Owner,
    secrets: Secrets,
) -> tuple[SetPlan, ...]:
    """Return a plan for each set, then one for each unit that only the inventory knows, sorted by name.

    Raises InvalidStack when two sets declare the same object, or objects break a definition of this plan;
    ClusterError with all refusals of the server, ClusterUnreachable, AccessDenied.
    """
    check_identities(sets)
    objects = tuple(item for rendered in sets for item in rendered.objects)
    learn_wanted(objects, secrets)
    world = _observe(cluster, objects, inventory, owner=owner, secrets=secrets)
    gone = sorted({item.unit for item in inventory} - {rendered.unit for rendered in sets})
    return (
        *(_set_plan(rendered, world) for rendered in sets),
        *(_set_plan(RenderedSet(unit=unit, objects=()), world, removed=True) for unit in gone),
    )


def _observe(
    cluster: Cluster,
    objects: tuple[WantedObject, ...],
    inventory: tuple[OwnedObject, ...],
    *,
    owner: Owner,
    secrets: Secrets,
) -> _World:
    cluster.check_answering(
        [
            *(item.group_kind for item in objects),
            *((item.ref.group, item.ref.kind) for item in inventory),
        ]
    )
    served = cluster.kinds()
    refs = [item.ref for item in objects if item.ref]
    live = cluster.list_owned(
        collections(served, [*refs, *(item.ref for item in inventory)]), owner
    )
    learn_live(live.values(), secrets)
    resting = [item for item in objects if why_left_alone(item, _found(live, item))]
    objects = tuple(item for item in objects if not why_left_alone(item, _found(live, item)))
    definitions = definitions_in(objects, live)
    check_custom_resources(objects, definitions)
    kinds = served.with_definitions(
        completed(item.value, None) for item in objects if item.group_kind == DEFINITION
    )
    kinds = replace(kinds, defined=frozenset(definitions))
    surveyed = surveys(cluster, objects, live, inventory, owner=owner)
    asked = [surveyed.applied(item) for item in objects]
    refused = rehearse(cluster, objects, live, kinds=kinds, owner=owner)
    if refused:
        raise together(refused)
    verdicts = ask(cluster, asked, live, kinds=kinds, owner=owner)
    learn_live((found.live for found in verdicts.values() if found.live), secrets)
    verdicts |= {item.ref: _unchanged(live.get(item.ref)) for item in resting if item.ref}
    unmarked = [item.ref for item in inventory if item.ref not in live and item.ref not in verdicts]
    return _World(
        owner=owner,
        live=live,
        inventory=surveyed.inventory,
        surveyed=surveyed,
        verdicts=verdicts,
        strangers=cluster.get_many(unmarked),
        unnamed=frozenset((item.unit, *item.group_kind) for item in objects if not item.ref),
        definitions=definitions,
    )


def _set_plan(rendered: RenderedSet, world: _World, *, removed: bool = False) -> SetPlan:
    ordered = sorted(rendered.objects, key=_order)
    changes = [_change(item, world) for item in ordered]
    steps = [
        _step(item, change.action, world)
        for item, change in zip(ordered, changes, strict=True)
        if not (item.pending or _stays_as_it_is(item, world))
    ]
    drifted = [
        (item, change)
        for item in ordered
        if not why_left_alone(item, _live(item, world))
        if (change := world.surveyed.left(item, _live(item, world)))
    ]
    prune = tuple(_to_prune(rendered.unit, world))
    deletions = [_deletion(item, world) for item in prune]
    return SetPlan(
        unit=rendered.unit,
        changes=(*changes, *deletions),
        steps=tuple(steps),
        prune=prune,
        drift=tuple(change for item, change in drifted if item.drift is Drift.REPORT),
        ignored=sum(1 for item, _ in drifted if item.drift is not Drift.REPORT),
        pending=rendered.pending,
        removed=removed,
        fingerprint=fingerprint_of(ordered),
        resting=tuple(
            f"{change.name}: {change.reason}"
            for item, change in zip(ordered, changes, strict=True)
            if why_left_alone(item, _live(item, world))
        ),
    )


def _found(live: Mapping[ObjectRef, Live], item: WantedObject) -> Live | None:
    return live.get(item.ref) if item.ref else None


def _unchanged(live: Live | None) -> Verdict:
    return Verdict(live=live, result=cast("Mapping[str, Tree]", live or {}))


def _stays_as_it_is(item: WantedObject, world: _World) -> bool:
    """Whether an object is neither applied nor waited for, though Git declares it."""
    live = _live(item, world)
    return bool(why_left_alone(item, live)) or world.surveyed.left_gone(item, live)


def _live(item: WantedObject, world: _World) -> Live | None:
    return world.verdicts[item.ref].live if item.ref else None


def _order(item: WantedObject) -> tuple[bool, int, str, str]:
    return (
        item.ref is None,
        rank(item.ref) if item.ref else 0,
        item.title,
        str(item.place) if item.ref is None else "",
    )


def _change(item: WantedObject, world: _World) -> Change:
    resting = why_left_alone(item, _live(item, world))
    if resting:
        return Change(subject=Subject.OBJECT, name=item.title, action=Action.NO_OP, reason=resting)
    if item.ref is None:
        fields = compare(None, item.value, intent=_intent(item))
        return Change(subject=Subject.OBJECT, name=item.title, action=Action.CREATE, fields=fields)
    verdict = world.verdicts[item.ref]
    fields = world.surveyed.told(item, verdict.live, verdict.result)
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
    world: _World,
    *,
    moved: bool,
    fields: tuple[FieldChange, ...],
) -> tuple[Action, str]:
    if verdict.live is None:
        return _creation(item, world)
    reason = reason_of(verdict, healing(fields) if owner_of(verdict.live) == world.owner else "")
    if owner_of(verdict.live) != world.owner:
        return Action.ADOPT, reason
    if verdict.replaced is not None:
        return Action.REPLACE, reason
    if moved:
        return Action.MOVE, reason
    return (Action.UPDATE if fields or verdict.succession else Action.NO_OP), reason


def _creation(item: WantedObject, world: _World) -> tuple[Action, str]:
    earlier = world.inventory.get(item.ref) if item.ref else None
    definition = world.definitions.get(item.group_kind)
    if earlier is None or not earlier.uid:
        return Action.CREATE, left_to_the_server(item, definition) if definition else ""
    if lasting(item) and world.surveyed.as_applied(item):
        return Action.NO_OP, "ran before; the cluster removed it when its time was up"
    if world.surveyed.left_gone(item, None):
        return Action.NO_OP, "was deleted by somebody else, and is left so"
    return Action.CREATE, "was applied before, and is gone"


def _previous_unit(item: WantedObject, verdict: Verdict, world: _World) -> str:
    """Return the unit that an object of ours comes from when that is another one, or an empty text."""
    if item.ref is None or verdict.live is None:
        return ""
    earlier = world.inventory.get(item.ref)
    unit = earlier.unit if earlier else unit_of(verdict.live)
    return unit if unit and unit != item.unit else ""


def _step(item: WantedObject, action: Action, world: _World) -> ObjectStep:
    assert item.ref is not None  # noqa: S101 - whatever is not pending has a name
    verdict = world.verdicts[item.ref]
    wanted = known(without(world.surveyed.applied(item).value, verdict.left))
    manifest = marked(wanted, owner=world.owner, unit=item.unit)
    earlier = world.inventory.get(item.ref)
    return ObjectStep(
        ref=item.ref,
        action=action,
        manifest=manifest,
        force=verdict.force,
        wait=waited_for(manifest),
        uid=uid_of(verdict.live)
        if verdict.live
        else (earlier.uid if earlier and action is Action.NO_OP else ""),
        absent=action is Action.REPLACE
        or (action is Action.CREATE and not _populated(item.ref, world)),
        succession=verdict.succession,
        fingerprint=world.surveyed.remembered(item, action),
    )


def _populated(ref: ObjectRef, world: _World) -> bool:
    """Whether controllers may make an object before us: a new namespace gets its service account from one."""
    space = world.verdicts.get(namespace_of(ref))
    return space is not None and space.live is None


def _to_prune(unit: UnitId, world: _World) -> Iterator[OwnedObject]:
    """Yield what nobody wants any more, in the order of deletion.

    Where a wanted object's name is pending, another one of its kind may turn out to be it: those wait.
    """
    mine = (item for item in world.inventory.values() if item.unit == unit)
    for item in sorted(mine, key=lambda found: (rank(found.ref), found.ref), reverse=True):
        undecided = (unit, item.ref.group, item.ref.kind) in world.unnamed
        if item.ref not in world.verdicts and not undecided:
            yield item


def _deletion(item: OwnedObject, world: _World) -> Change:
    live = world.live.get(item.ref)
    action, reason = (Action.DELETE, _consequence(item.ref)) if live else (Action.FORGET, "")
    if live is None:
        reason = _why_forgotten(world.strangers.get(item.ref))
    elif kept := why_kept(live):
        action, reason = Action.FORGET, kept
    return Change(subject=Subject.OBJECT, name=str(item.ref), action=action, reason=reason)


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


def _intent(item: WantedObject) -> Intent:
    return Intent(value=dict(item.value), secret=secret_in(item))
