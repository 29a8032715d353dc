"""Quotas that all objects of a plan exceed together, though each of them alone is accepted."""

from collections.abc import Iterable, Iterator

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import TooEarly
from orchestrator.workloads.cluster.requests import Accepted
from orchestrator.workloads.exceeding import exceeded
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.planning.asking.cases import Case, Cases
from orchestrator.workloads.planning.asking.quotas import Taking, overdrawn


def overdrafts(cluster: Cluster, cases: Cases) -> dict[ObjectRef, str]:
    """Return what must not be begun, with what of which quota would be exceeded by all that is planned beside it.

    That is what is deleted to be made anew, and what a quota refuses that the plan changes; where there is neither,
    nobody is asked. Quotas that we may not list are known only where the plan has them.
    """
    staked = [case for case in cases.values() if _at_stake(case)]
    found: dict[ObjectRef, str] = {}
    for namespace in sorted({case.submission.ref.namespace for case in staked} - {""}):
        within = [case for ref, case in cases.items() if ref.namespace == namespace]
        objects = [_taking(cluster, case) for case in within if _acts(case)]
        refs = [case.submission.ref for case in staked if case in within]
        for quota in _quotas(cluster, namespace, within):
            found = {**overdrawn(quota, objects, refs), **found}
    return found


def _at_stake(case: Case) -> bool:
    return case.replaced is not None or (
        isinstance(case.reply, TooEarly) and case.reply.lacks.too_small
    )


def _acts(case: Case) -> bool:
    return isinstance(case.reply, Accepted | TooEarly) or case.replaced is not None


def _taking(cluster: Cluster, case: Case) -> Taking:
    ref = case.submission.ref
    said = case.successor.reply if case.successor else case.reply
    refused = exceeded(said.message) if isinstance(said, TooEarly) else None
    return Taking(
        ref=ref,
        plural=cluster.resource(ref).qualified,
        before=case.live or {},
        after=case.made,
        requested=refused.requested if refused else {},
    )


def _quotas(cluster: Cluster, namespace: str, cases: Iterable[Case]) -> Iterator[Live]:
    """Yield the quotas of a namespace as they are after the plan, those that are left alone included."""
    planned = {
        case.submission.ref.name: case.reply.live
        for case in cases
        if case.submission.ref.kind == "ResourceQuota" and isinstance(case.reply, Accepted)
    }
    yield from planned.values()
    some = ObjectRef(group="", version="v1", kind="ResourceQuota", namespace=namespace, name="any")
    try:
        there = cluster.list_in(cluster.resource(some), namespace, query={})
    except AccessDenied:
        return
    yield from (live for live in there if mapping(live, "metadata").get("name") not in planned)
