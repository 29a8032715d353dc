"""What is there and what is wanted: everything that a plan asks a cluster, before it decides about single objects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from orchestrator.errors import together
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.plans.redaction import Secrets
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.api import views
from orchestrator.workloads.definitions.custom_resources import (
    DEFINITION,
    Definition,
    check_custom_resources,
    definitions_in,
)
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.asking.cases import Verdict
from orchestrator.workloads.planning.asking.rehearsal import rehearse
from orchestrator.workloads.planning.asking.rounds import ask, unasked
from orchestrator.workloads.planning.drift.salts import salted, salts_for
from orchestrator.workloads.planning.drift.upkeep import Surveyed, surveys
from orchestrator.workloads.planning.pending import completed
from orchestrator.workloads.planning.resting import why_left_alone
from orchestrator.workloads.planning.unchanged.admission import admission_kinds, mutations_of
from orchestrator.workloads.secrecy import learn_live


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is there and what is wanted, as far as it decides about single objects."""

    owner: Owner
    live: Mapping[ObjectRef, Live]
    inventory: Mapping[ObjectRef, OwnedObject]
    surveyed: Surveyed
    verdicts: Mapping[ObjectRef, Verdict]
    strangers: Mapping[ObjectRef, Live | None]
    unnamed: frozenset[tuple[UnitId, str, str]]
    definitions: Mapping[tuple[str, str], Definition]
    left_alone: Mapping[ObjectRef, str]
    salts: Mapping[ObjectRef, str]

    def salted(self, item: WantedObject) -> WantedObject:
        """Return a wanted object with its salt."""
        return salted(item, self.salts)

    def why_left_alone(self, item: WantedObject) -> str:
        """Return why an object is neither created nor changed, or an empty text for all others."""
        return self.left_alone.get(item.ref, "") if item.ref else why_left_alone(item, None)

    def live_of(self, item: WantedObject) -> Live | None:
        """Return what is there of a wanted object, whoever it belongs to."""
        return self.verdicts[item.ref].live if item.ref else None


def observe(
    cluster: Cluster,
    objects: tuple[WantedObject, ...],
    inventory: tuple[OwnedObject, ...],
    *,
    owner: Owner,
    secrets: Secrets,
) -> World:
    """Ask a cluster for all that decides about objects and what the inventory has of them.

    Raises InvalidStack when objects break a definition of this plan, and what ``plan_sets`` raises for a cluster.
    """
    served = _served(cluster, objects, inventory)
    refs = [item.ref for item in objects if item.ref]
    wanted = views(served, [*refs, *(item.ref for item in inventory)])
    live, admission = cluster.survey(wanted, owner, admission_kinds(served) if refs else ())
    learn_live(live.values(), secrets)
    salts = salts_for(objects, live)
    secrets.learn([*salts.values()])
    every = tuple(salted(item, salts) for item in objects)
    acted, resting = _parted(every, live)
    definitions = definitions_in(acted, live)
    check_custom_resources(acted, definitions)
    kinds = _with_definitions(served, acted, definitions)
    mutations = mutations_of(admission)
    as_wanted = unasked(cluster, acted, live, kinds=kinds, owner=owner, mutations=mutations)
    others = [item for item in acted if item.ref not in as_wanted]
    surveyed = surveys(cluster, others, live, inventory, owner=owner)
    refused = rehearse(cluster, acted, live, kinds=kinds, owner=owner)
    if refused:
        raise together(refused)
    asked = [(surveyed.applied(item), item) for item in others]
    verdicts = ask(cluster, asked, live, kinds=kinds, owner=owner, mutations=mutations)
    surveyed = surveyed.with_whole(
        item for item in others if item.ref and verdicts[item.ref].replaced is not None
    )
    learn_live((found.live for found in verdicts.values() if found.live), secrets)
    verdicts |= as_wanted
    verdicts |= {item.ref: _unchanged(live.get(item.ref)) for item in resting if item.ref}
    unmarked = [item.ref for item in inventory if item.ref not in live and item.ref not in verdicts]
    return World(
        owner=owner,
        live=live,
        inventory=surveyed.inventory,
        surveyed=surveyed,
        verdicts=verdicts,
        strangers=cluster.get_many(unmarked),
        unnamed=frozenset((item.unit, *item.group_kind) for item in acted if not item.ref),
        definitions=definitions,
        left_alone={
            item.ref: why
            for item in every
            if item.ref and (why := why_left_alone(item, verdicts[item.ref].live))
        },
        salts=salts,
    )


def _served(
    cluster: Cluster, objects: Iterable[WantedObject], inventory: Iterable[OwnedObject]
) -> Kinds:
    """Return what the server serves, all that is asked about included; raises ClusterUnreachable."""
    cluster.check_answering(
        [
            *(item.group_kind for item in objects),
            *((item.ref.group, item.ref.kind) for item in inventory),
        ]
    )
    return cluster.kinds()


def _parted(
    objects: Iterable[WantedObject], live: Mapping[ObjectRef, Live]
) -> tuple[tuple[WantedObject, ...], tuple[WantedObject, ...]]:
    """Return the objects that an apply may do something about, and those that are left alone."""
    acted: list[WantedObject] = []
    resting: list[WantedObject] = []
    for item in objects:
        there = live.get(item.ref) if item.ref else None
        (resting if why_left_alone(item, there) else acted).append(item)
    return tuple(acted), tuple(resting)


def _with_definitions(
    served: Kinds,
    objects: Iterable[WantedObject],
    definitions: Mapping[tuple[str, str], Definition],
) -> Kinds:
    """Return the kinds that there are with the objects, of which ``definitions`` are about to change."""
    manifests = (completed(item.value, None) for item in objects if item.group_kind == DEFINITION)
    return replace(served.with_definitions(manifests), defined=frozenset(definitions))


def _unchanged(live: Live | None) -> Verdict:
    return Verdict(live=live, result=cast("Mapping[str, Tree]", live or {}))
