"""The dry runs of one plan: what the server says of each object, and what follows from its refusals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from orchestrator.errors import ClusterError, together
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Conflicts, Drift, Json
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import (
    FieldConflict,
    Invalid,
    NamespaceMissing,
    Refused,
    TooEarly,
)
from orchestrator.workloads.cluster.immutability import Immutable
from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.ownership import owner_of, uid_of
from orchestrator.workloads.planning.asking.anew import look_behind, refuse_in_time, replace_all
from orchestrator.workloads.planning.asking.cases import Case, Verdict, brings
from orchestrator.workloads.planning.asking.merging import merge_patch
from orchestrator.workloads.planning.asking.namespaces import namespace_of
from orchestrator.workloads.planning.asking.refusals import (
    being_deleted,
    claimed,
    conflict,
    not_ours_to_replace,
    unchangeable,
)
from orchestrator.workloads.planning.pending import overlaid
from orchestrator.workloads.planning.taking_over.claims import claim_of
from orchestrator.workloads.planning.taking_over.leaving import left_to_others
from orchestrator.workloads.planning.taking_over.succession import (
    Succession,
    by_hand,
    declared_by_us,
    heirless,
    losers,
    outliving,
    predecessors,
    untouched,
)
from orchestrator.workloads.planning.taking_over.usurpers import (
    Usurped,
    usurped,
    with_lost,
    without_lost,
)
from orchestrator.workloads.records.fields import without


class DryRuns:
    """The dry runs of one plan: replies, and what follows from refusals."""

    def __init__(
        self,
        cluster: Cluster,
        named: Mapping[ObjectRef, WantedObject],
        live: Mapping[ObjectRef, Live],
        *,
        owner: Owner,
        kinds: Kinds,
    ) -> None:
        """Plan for the objects ``named``, of which ``live`` are known to be ours."""
        self._kinds = kinds
        self._cluster = cluster
        self._named = named
        self._live = live
        self._owner = owner
        self._cases: dict[ObjectRef, Case] = {}

    def prepared(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Return what is submitted, without the fields that are known to be left to others."""
        cases = [self._case(item) for item in submissions]
        self._leave_to_others(cases)
        return [case.submission for case in cases]

    def settle(self, refs: Iterable[ObjectRef]) -> None:
        """Take as accepted, without asking, what would leave its object exactly as it is.

        Where others have left something to us it would not.
        """
        for ref in refs:
            case = self._cases[ref]
            if heirless(self._live[ref]) or self._leaves_drift(case, self._live[ref]):
                case.reply = Accepted(live=self._live[ref], created=False)

    def submit(self, whole: Mapping[ObjectRef, WantedObject]) -> None:
        """Ask for all that is not settled; then for what is there; then again, with what follows from both.

        What is made anew is asked about ``whole``: nobody keeps what was left to others of the old object.
        """
        cases = [case for case in self._cases.values() if case.reply is None]
        self._dry_run(cases)
        self._look(cases)
        self._dry_run([case for case in cases if self._asks_again(case)])
        self._make_way([case for case in cases if type(case.reply) is Invalid])
        self._succeed([case for case in cases if isinstance(case.reply, Accepted)])
        replace_all(self._cluster, self._cases, whole, owner=self._owner)
        look_behind(self._cluster, self._cases, self._named)
        refuse_in_time(self._cluster, self._cases, self._named)

    def verdicts(self, unasked: Iterable[ObjectRef]) -> dict[ObjectRef, Verdict]:
        """Return the verdicts, the unasked ones included; raises ClusterError for what cannot be done."""
        errors = [error for ref in self._named if (error := self._error(ref))]
        if errors:
            raise together(errors)
        return {ref: self._verdict(ref) for ref in (*unasked, *self._cases)}

    def _case(self, submission: Submission) -> Case:
        ref = submission.ref
        live = self._live.get(ref)
        case = Case(item=self._named[ref], submission=submission, live=live)
        case.claim = claim_of(live, self._owner) if live is not None else None
        self._cases[ref] = case
        return case

    def _dry_run(self, cases: Sequence[Case]) -> None:
        replies = self._cluster.apply_many([case.submission for case in cases], dry_run=True)
        for case, reply in zip(cases, replies, strict=True):
            case.reply = reply

    def _look(self, cases: Sequence[Case]) -> None:
        """Look at what exists but does not carry our labels."""
        unseen = [case for case in cases if case.live is None and not _created(case.reply)]
        found = self._cluster.get_many(case.submission.ref for case in unseen)
        for case in unseen:
            case.live = found[case.submission.ref]
            case.claim = claim_of(case.live, self._owner) if case.live is not None else None

    def _asks_again(self, case: Case) -> bool:
        """Whether to ask once more, since fields are left to others or may be taken from them."""
        if case.live is None or self._unusable(case):
            return False
        left = case.left
        self._leave_to_others([case])
        return self._takes(case) or case.left != left

    def _leave_to_others(self, cases: Sequence[Case]) -> None:
        for case in cases:
            if case.item.rights.conflicts is not Conflicts.LEAVE or case.live is None:
                continue
            if case.submission.force:
                continue
            heirs = case.claim.managers if case.claim else frozenset()
            whole = _tree(case.submission.manifest)
            case.left = left_to_others(whole, case.live, heirs) | case.left
            manifest = cast("dict[str, Json]", without(whole, case.left))
            case.submission = replace(case.submission, manifest=manifest)

    def _takes(self, case: Case) -> bool:
        """Whether fields that others set are to be taken from them; a controller's only on request."""
        if not isinstance(case.reply, FieldConflict):
            return False
        former = case.claim.managers if case.claim else frozenset()
        strangers = {
            manager
            for manager in case.reply.owners
            if not by_hand(manager) and manager.partition(" (")[0] not in former
        }
        if strangers and case.item.rights.conflicts is Conflicts.FAIL:
            return False
        leaves = case.item.rights.conflicts is Conflicts.LEAVE
        case.taken = frozenset(case.reply.owners) - (strangers if leaves else frozenset())
        if case.taken:
            case.submission = replace(case.submission, force=True)
        return True

    def _make_way(self, cases: Sequence[Case]) -> None:
        """Ask without what cannot be beside something in its way, where that is why nothing is accepted."""
        found: dict[ObjectRef, tuple[Usurped, Submission]] = {}
        for case in cases:
            if case.live is None or self._unusable(case) or self._leaves_drift(case, case.live):
                continue
            manifest = case.submission.manifest
            if usurpers := usurped(_tree(manifest), case.live):
                rest = cast("dict[str, Json]", without_lost(_tree(manifest), case.live, usurpers))
                found[case.submission.ref] = usurpers, replace(case.submission, manifest=rest)
        replies = self._cluster.apply_many([asked for _, asked in found.values()], dry_run=True)
        for (ref, (usurpers, _)), reply in zip(found.items(), replies, strict=True):
            if isinstance(reply, Accepted):
                self._cases[ref].usurped, self._cases[ref].reply = usurpers, reply

    def _succeed(self, cases: Sequence[Case]) -> None:
        """Find what former managers leave to us, and what becomes of the object when Git does not declare it."""
        patches: dict[ObjectRef, Mapping[str, Json]] = {}
        for case in cases:
            if case.live is None or self._unusable(case) or not isinstance(case.reply, Accepted):
                continue
            if case.submission.force:
                case.taken |= losers(case.live, case.reply.live)
            if self._leaves_drift(case, case.live):
                continue
            if case.claim is None and untouched(case.live) and not case.usurped:
                continue
            left_out = self._inherit(case, case.live, case.reply.live)
            if left_out is not None:
                patches[case.submission.ref] = left_out
        for ref, reply in self._cluster.mend_many(patches).items():
            case = self._cases[ref]
            case.reply = reply
            case.result = _tree(reply.live) if isinstance(reply, Accepted) else None

    def _leaves_drift(self, case: Case, live: Live) -> bool:
        """Whether what people did to an object of ours stays as it is."""
        return case.item.drift is not Drift.HEAL and owner_of(live) == self._owner

    def _inherit(self, case: Case, live: Live, result: Live) -> Mapping[str, Json] | None:
        """Note what is inherited; return a patch that shows what then goes, where anything does."""
        if not (case.item.whole or case.usurped) and owner_of(live) == self._owner:
            return None  # what is left as others made it would go with what they leave to us
        heirs = case.claim.managers if case.claim else frozenset()
        succession = Succession(
            whole=heirs, wanted=declared_by_us(result), usurped=case.usurped.theirs
        )
        found = predecessors(live, succession)
        if not (found or case.usurped):
            return None
        case.succession = succession
        case.taken |= frozenset(found)
        after = without(_tree(result), outliving(live, succession))
        after = with_lost(after, _tree(case.submission.manifest), live, case.usurped)
        if after == result:
            return None
        patch = cast("dict[str, Json]", merge_patch(_tree(live), after))
        fields = mapping(patch, "metadata")
        return {**patch, "metadata": {**fields, "uid": uid_of(live)}}

    def _error(self, ref: ObjectRef) -> ClusterError | None:
        case = self._cases.get(ref)
        live = case.live if case else self._live.get(ref)
        if live is not None and (gone := being_deleted(ref, live)):
            return self._placed(ref, gone)
        if case is None:
            return None
        error = self._unusable(case) or self._refusal(case)
        return self._placed(ref, error) if error else None

    def _unusable(self, case: Case) -> ClusterError | None:
        claim, ref = case.claim, case.submission.ref
        if claim is None or claim.allowed_by(case.item.rights.adopt):
            return None
        return claimed(ref, claim, case.item.unit)

    def _refusal(self, case: Case) -> ClusterError | None:
        ref, unit = case.submission.ref, case.item.unit
        match case.reply:
            case FieldConflict() as error if case.live is not None:
                return conflict(ref, error, case.live, unit)
            case Immutable() as error if case.live is not None:
                ours = owner_of(case.live) == self._owner
                return unchangeable(error, unit) if ours else not_ours_to_replace(ref, error)
            case Immutable(said=said):  # the words of a policy about what is not there yet
                return Invalid(f"{ref} is not valid: {said}")
            case ClusterError() as error if not self._may_go_unanswered(ref, error):
                return error
            case _:
                return None

    def _may_go_unanswered(self, ref: ObjectRef, reply: ClusterError) -> bool:
        """Whether a refusal only says that it is too early to ask."""
        if isinstance(reply, NamespaceMissing):
            return namespace_of(ref) in self._named
        if isinstance(reply, TooEarly):
            return bool(brings(self._cases, self._named, reply))
        if self._named[ref].pending:  # of which something was left out, or is as it was
            return type(reply) is Invalid or isinstance(reply, Refused)
        # Its definition is about to change.
        return (ref.group, ref.kind) in self._kinds.defined and type(reply) is Invalid

    def _placed(self, ref: ObjectRef, error: ClusterError) -> ClusterError:
        place = self._named[ref].place
        if place is not None:
            error.detail = "\n".join(filter(None, (f"declared in {place}", error.detail)))
        return error

    def _verdict(self, ref: ObjectRef) -> Verdict:
        case, wanted = self._cases.get(ref), self._named[ref].value
        if case is None or case.live is None:
            return Verdict(live=self._live.get(ref), result=wanted)
        result: Mapping[str, Tree]
        if isinstance(case.reply, Accepted):
            result = _tree(case.reply.live)
        else:
            result = case.result or overlaid(case.live, without(wanted, case.left))
        return Verdict(
            live=case.live,
            result=result,
            force=case.submission.force,
            taken_from=tuple(sorted(case.taken)),
            succession=case.succession,
            left=case.left,
            claim=case.claim,
            replaced=case.replaced,
        )


def _created(reply: Reply | None) -> bool:
    return isinstance(reply, Accepted) and reply.created


def _tree(live: Live) -> Mapping[str, Tree]:
    return cast("Mapping[str, Tree]", live)
