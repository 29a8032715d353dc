"""What becomes of objects that cannot be as they are wanted: made anew, or refused before anything is begun."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import TooEarly
from orchestrator.workloads.cluster.immutability import Immutable
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import owner_of
from orchestrator.workloads.planning.asking.cases import Cases, brings, limits
from orchestrator.workloads.planning.asking.holders import held
from orchestrator.workloads.planning.asking.overdrafts import overdrafts
from orchestrator.workloads.planning.asking.refusals import invalid_replacement, no_room
from orchestrator.workloads.planning.asking.replacement import may_be_replaced
from orchestrator.workloads.planning.asking.submissions import submission_of
from orchestrator.workloads.planning.asking.successors import (
    Successor,
    refuses_replacement,
    remade,
    successors,
)
from orchestrator.workloads.planning.asking.unhindered import mistakes_of_fields, unhindered
from orchestrator.workloads.records.fields import NOTHING


def replace_all(
    cluster: Cluster, cases: Cases, whole: Mapping[ObjectRef, WantedObject], *, owner: Owner
) -> None:
    """Find what would come of objects that may be deleted and made anew, since they cannot be changed.

    They are asked about ``whole``: nobody keeps what was left to others of the old object.
    """
    allowed = [
        (case, case.reply, case.live)
        for case in cases.values()
        if isinstance(case.reply, Immutable)
        and case.live
        and owner_of(case.live) == owner
        and may_be_replaced(case.submission.manifest, case.live, case.item.rights)
    ]
    for case, _, live in allowed:
        ref = case.submission.ref
        case.item, case.left = whole[ref], NOTHING
        case.submission = submission_of(ref, case.item, live, owner)
    found = successors(cluster, [(case.submission, live) for case, _, live in allowed])
    told = _in_full(cluster, cases, whole, found)
    for (case, error, live), successor in zip(allowed, told, strict=True):
        ref, said, unit = case.submission.ref, successor.reply, case.item.unit
        refusal = refuses_replacement(
            said,
            live,
            brought=unit in brings(cases, whole, said),
            hard=limits(cases, said, unit),
            plural=cluster.resource(ref).qualified,
        )
        if refusal is not None:
            case.reply = invalid_replacement(ref, successor.asked.ref, refusal)
        else:
            case.replaced, case.reply, case.successor = error, None, successor
            case.result = remade(case.item.value, live, successor)


def look_behind(cluster: Cluster, cases: Cases, wanted: Mapping[ObjectRef, WantedObject]) -> None:
    """Find mistakes in objects that are refused for what the plan brings."""
    early = [
        (case, case.reply)
        for case in cases.values()
        if isinstance(case.reply, TooEarly) and brings(cases, wanted, case.reply)
    ]
    said = unhindered(cluster, [(case.submission, reply) for case, reply in early])
    for (case, _), reply in zip(early, said, strict=True):
        case.reply = mistakes_of_fields(reply) or case.reply


def refuse_in_time(
    cluster: Cluster, cases: Cases, wanted: Mapping[ObjectRef, WantedObject]
) -> None:
    """Refuse what there may be no room for with all else that is planned, and claims that Pods go on using.

    That is found before anything is deleted or sent.
    """
    for ref, told in overdrafts(cluster, cases).items():
        case = cases[ref]
        if case.replaced is not None:
            case.replaced, case.reply = None, no_room(ref, told, anew=True)
        elif case.reply is not None and brings(cases, wanted, case.reply):
            case.reply = no_room(ref, told, anew=False)
    for ref, refusal in held(cluster, cases).items():
        cases[ref].replaced, cases[ref].reply = None, refusal


def _in_full(
    cluster: Cluster,
    cases: Cases,
    wanted: Mapping[ObjectRef, WantedObject],
    found: Sequence[Successor],
) -> list[Successor]:
    """Return successors with whatever is said against them beside what they lack, and the plan brings."""
    early = [
        (index, each.asked, each.reply)
        for index, each in enumerate(found)
        if isinstance(each.reply, TooEarly) and brings(cases, wanted, each.reply)
    ]
    said = unhindered(cluster, [(asked, reply) for _, asked, reply in early])
    told = {index: reply for (index, _, _), reply in zip(early, said, strict=True) if reply}
    return [replace(each, reply=told.get(index, each.reply)) for index, each in enumerate(found)]
