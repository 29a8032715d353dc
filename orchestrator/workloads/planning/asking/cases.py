"""Objects that a server is asked about in a plan, on their way to a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster.answers import TooEarly
from orchestrator.workloads.cluster.immutability import Immutable
from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.asking.successors import Successor
from orchestrator.workloads.planning.taking_over.claims import Claim
from orchestrator.workloads.planning.taking_over.succession import Succession
from orchestrator.workloads.planning.taking_over.usurpers import Usurped
from orchestrator.workloads.records.fields import NOTHING, FieldSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is there, and what there would be after an apply.

    ``result`` is the manifest itself where the server could not be asked. ``taken_from`` are the managers
    whose fields would be taken over, for which the apply has to be forced, and ``succession`` says what
    else is theirs no longer. ``left`` are fields of the manifest that are left to others, ``claim`` is whose
    the object was, and ``replaced`` says what cannot be changed of it, so that it is deleted and made anew.
    """

    live: Live | None
    result: Mapping[str, Tree]
    force: bool = False
    taken_from: tuple[str, ...] = ()
    succession: Succession | None = None
    left: FieldSet = NOTHING
    claim: Claim | None = None
    replaced: Immutable | None = None


@dataclass(slots=True, kw_only=True)
class Case:
    """One object on its way to a verdict; ``successor`` is what would come after it where it is ``replaced``."""

    item: WantedObject
    submission: Submission
    live: Live | None = None
    reply: Reply | None = None
    taken: frozenset[str] = frozenset()
    left: FieldSet = NOTHING
    claim: Claim | None = None
    succession: Succession | None = None
    result: Mapping[str, Tree] | None = None
    replaced: Immutable | None = None
    successor: Successor | None = None
    usurped: Usurped = field(default_factory=Usurped)

    @property
    def made(self) -> Live:
        """Return what there would be of it, as far as the server said so, and else what is sent."""
        reply = self.successor.reply if self.successor else self.reply
        return reply.live if isinstance(reply, Accepted) else self.submission.manifest


Cases = Mapping[ObjectRef, Case]


def brings(cases: Cases, wanted: Mapping[ObjectRef, WantedObject], refusal: Reply) -> set[UnitId]:
    """Return the sets that bring what an object lacks, or change what is too small for it."""
    if not isinstance(refusal, TooEarly):
        return set()
    lacks = refusal.lacks
    return {
        item.unit
        for ref, item in wanted.items()
        if lacks.met_by(ref) and not (lacks.too_small and _stays(cases.get(ref)))
    }


def limits(cases: Cases, refusal: Reply, unit: UnitId) -> Live:
    """Return the limits that a set gives to the quota that an object exceeds."""
    if not (isinstance(refusal, TooEarly) and refusal.lacks.too_small):
        return {}
    mine = (case for case in cases.values() if case.item.unit == unit)
    quotas = [case.reply for case in mine if refusal.lacks.met_by(case.submission.ref)]
    found = [reply.live for reply in quotas if isinstance(reply, Accepted)]
    return mapping(mapping(found[0], "spec"), "hard") if found else {}


def _stays(quota: Case | None) -> bool:
    """Whether a quota allows afterwards what it allows now; one that is not asked about is as it was."""
    if quota is None or quota.live is None or not isinstance(quota.reply, Accepted):
        return True
    return mapping(quota.live, "spec") == mapping(quota.reply.live, "spec")
