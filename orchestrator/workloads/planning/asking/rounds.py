"""Asking the server what applying manifests would do, in as few rounds as that takes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Conflicts
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.asking.cases import Verdict
from orchestrator.workloads.planning.asking.dry_runs import DryRuns
from orchestrator.workloads.planning.asking.namespaces import missing_namespaces
from orchestrator.workloads.planning.asking.submissions import submission_of
from orchestrator.workloads.planning.drift.rules import rules_for
from orchestrator.workloads.planning.taking_over.succession import heirless
from orchestrator.workloads.planning.unchanged.admission import Mutation
from orchestrator.workloads.planning.unchanged.settled import settled


def unasked(
    cluster: Cluster,
    objects: Iterable[WantedObject],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
    owner: Owner,
    mutations: Sequence[Mutation],
) -> dict[ObjectRef, Verdict]:
    """Return a verdict for each object of ours that is live just as Git has it, which costs no request.

    What is exactly as we applied it has not drifted either, so that nothing else has to be looked at. Objects of
    which something may be left to others are not among them. Raises what a cluster does.
    """
    submissions = [
        submission_of(item.ref, item, there, owner)
        for item in objects
        if item.ref and not item.pending
        if (there := live.get(item.ref)) is not None and _all_ours(item, there)
    ]
    found = settled(cluster, submissions, live, kinds=kinds, mutations=mutations)
    return {
        each.ref: Verdict(
            live=live[each.ref],
            result=cast("Mapping[str, Tree]", live[each.ref]),
            force=each.force,
        )
        for each in submissions
        if each.ref in found
    }


def _all_ours(item: WantedObject, live: Live) -> bool:
    """Whether all that Git says of an object is applied, and whatever others had left to us is settled."""
    leaves = item.rights.conflicts is Conflicts.LEAVE or rules_for(item)
    return not leaves and heirless(live)


def ask(
    cluster: Cluster,
    objects: Sequence[tuple[WantedObject, WantedObject]],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
    owner: Owner,
    mutations: Sequence[Mutation],
) -> dict[ObjectRef, Verdict]:
    """Return a verdict for each object that has a reference.

    Each of the ``objects`` is given without what is left to others, and whole, as it is made anew if it has to be.
    ``live`` are the objects that are known to be ours; ``kinds`` tell which kinds the server serves, and
    ``mutations`` the admission that changes what is sent. Raises ClusterError with every refusal, and for
    objects that belong to somebody else.
    """
    named = {item.ref: item for item, _ in objects if item.ref}
    missing = missing_namespaces(cluster, named, live)
    early = {
        ref
        for ref in named
        if (ref.group, ref.version, ref.kind) in kinds.planned or ref.namespace in missing
    }
    waiting = [ref for ref, item in named.items() if ref not in early and item.pending]
    there = {**live, **_found(cluster, [ref for ref in waiting if ref not in live])}
    early |= {ref for ref in waiting if ref not in there}
    submissions = [
        submission_of(ref, item, there.get(ref), owner)
        for ref, item in named.items()
        if ref not in early
    ]
    dry_runs = DryRuns(cluster, named, there, owner=owner, kinds=kinds)
    prepared = dry_runs.prepared(submissions)
    dry_runs.settle(settled(cluster, prepared, there, kinds=kinds, mutations=mutations))
    dry_runs.submit({item.ref: item for _, item in objects if item.ref})
    return dry_runs.verdicts(sorted(early))


def _found(cluster: Cluster, refs: Iterable[ObjectRef]) -> dict[ObjectRef, Live]:
    return {ref: live for ref, live in cluster.get_many(refs).items() if live is not None}
