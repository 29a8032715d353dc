"""Quotas that all objects of a plan exceed together, though each of them alone is accepted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import TooEarly
from orchestrator.workloads.cluster.requests import Accepted
from orchestrator.workloads.exceeding import exceeded
from orchestrator.workloads.live import Live, mapping, text
from orchestrator.workloads.planning.asking.cases import Case, Cases
from orchestrator.workloads.planning.asking.quotas import Taking, overdrawn, taken, uncounted


def overdrafts(cluster: Cluster, cases: Cases) -> dict[ObjectRef, str]:
    """Return what must not be begun, with what of which quota would be exceeded by all that is planned beside it.

    That is what is deleted to be made anew, and what a quota refuses that the plan changes; where there is neither,
    nobody is asked. Quotas that we may not list are known only where the plan has them: what one of them refuses beside
    the old object is not made anew then.
    """
    staked = [case for case in cases.values() if _at_stake(case)]
    found: dict[ObjectRef, str] = {}
    for namespace in sorted({case.submission.ref.namespace for case in staked} - {""}):
        found |= _Space.of(cluster, namespace, cases).overdrafts()
    return found


def _at_stake(case: Case) -> bool:
    return case.replaced is not None or (
        isinstance(case.reply, TooEarly) and case.reply.lacks.too_small
    )


def _acts(case: Case) -> bool:
    return isinstance(case.reply, Accepted | TooEarly) or case.replaced is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Space:
    """A namespace: the quotas that are ``there``, those that are ``planned``, and what takes of them.

    Where we may not list quotas, what is ``there`` is None.
    """

    cluster: Cluster
    there: Mapping[str, Live] | None
    planned: Mapping[str, tuple[UnitId, Live]]
    staked: Sequence[Case]
    takings: Mapping[ObjectRef, Taking]

    @classmethod
    def of(cls, cluster: Cluster, namespace: str, cases: Cases) -> "_Space":
        within = [case for ref, case in cases.items() if ref.namespace == namespace]
        some = ObjectRef(
            group="", version="v1", kind="ResourceQuota", namespace=namespace, name="any"
        )
        listed = _listed(cluster, some)
        return cls(
            cluster=cluster,
            there=None if listed is None else {_name(live): live for live in listed},
            planned={
                case.submission.ref.name: (case.item.unit, case.reply.live)
                for case in within
                if case.submission.ref.kind == "ResourceQuota" and isinstance(case.reply, Accepted)
            },
            staked=[case for case in within if _at_stake(case)],
            takings={case.submission.ref: _taking(cluster, case) for case in within if _acts(case)},
        )

    def overdrafts(self) -> dict[ObjectRef, str]:
        """Return what a quota may have no room for, with what is too much of what."""
        found = self._unseen()
        objects = [*self.takings.values()]
        for unit in sorted({_first(case) for case in self.staked}, key=str):
            refs = [case.submission.ref for case in self.staked if _first(case) == unit]
            for quota in self._quotas(unit):
                counted = self._count(quota, [self.takings[ref] for ref in refs])
                found = {**overdrawn(quota, objects, refs, counted=counted), **found}
        return found

    def _unseen(self) -> dict[ObjectRef, str]:
        """Return what only the server knows of, which names one quota that has no room beside the old object."""
        return {
            ref: f"the quota {item.refused_by} has no room beside the old one, and without the right to list "
            f"resourcequotas in namespace {ref.namespace} nobody can tell whether all quotas have once that is gone"
            for ref, item in self.takings.items()
            if self.there is None and item.hidden
        }

    def _quotas(self, unit: UnitId | None) -> Iterator[Live]:
        """Yield the quotas as they are after the plan, those that are left alone included.

        What a ``unit`` makes anew meets those that others change as they are now, too: nobody knows which comes first.
        """
        yield from (live for _, live in self.planned.values())
        for name, live in (self.there or {}).items():
            by = self.planned.get(name)
            if by is None or (unit is not None and by[0] != unit):
                yield live

    def _count(self, quota: Live, staked: Sequence[Taking]) -> dict[str, Fraction]:
        """Return what is used of a quota that no controller has looked at yet, of what is at stake."""
        names, found = uncounted(quota, staked), dict[str, Fraction]()
        for plural, ref in {item.plural: item.ref for item in staked}.items() if names else ():
            there = _listed(self.cluster, ref)
            for name in names if there is not None else ():
                used = sum((taken(name, live, plural) for live in there or ()), Fraction(0))
                found[name] = found.get(name, Fraction(0)) + used
        return found


def _first(case: Case) -> UnitId | None:
    """Return the set whose quotas certainly come before an object; of what is deleted first, no other's do."""
    return case.item.unit if case.replaced is not None else None


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
        refused_by=refused.quota if refused else "",
        anew=case.replaced is not None,
    )


def _name(live: Live) -> str:
    return text(mapping(live, "metadata"), "name")


def _listed(cluster: Cluster, some: ObjectRef) -> list[Live] | None:
    """Return all objects of a kind in the namespace of one, or None where we may not."""
    try:
        return cluster.list_in(cluster.resource(some), some.namespace, query={})
    except AccessDenied:
        return None
