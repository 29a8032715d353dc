"""Asking the server what applying manifests would do, in as few rounds as that takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import FieldConflict, Invalid, NamespaceMissing
from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.ownership import forced, marked, owner_of
from orchestrator.workloads.pending import completed, overlaid
from orchestrator.workloads.rendering import WantedObject
from orchestrator.workloads.settled import settled

Live: TypeAlias = Mapping[str, Json]

# What people change objects with by hand. Their fields are taken back, which is what healing drift means;
# a controller's are not, since it would only set them again.
_PEOPLES_TOOLS: Final = ("kubectl", "before-first-apply", "k9s", "lens", "Mozilla", "node-fetch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is there, and what there would be after an apply.

    ``result`` is the manifest itself where the server could not be asked. ``taken_from`` are the managers
    whose fields would be taken over, for which the apply has to be forced.
    """

    live: Live | None
    result: Mapping[str, Tree]
    force: bool = False
    taken_from: tuple[str, ...] = ()


def ask(
    cluster: Cluster,
    objects: Sequence[WantedObject],
    live: Mapping[ObjectRef, Live],
    *,
    kinds: Kinds,
    owner: Owner,
) -> dict[ObjectRef, Verdict]:
    """Return a verdict for each object that has a reference.

    ``live`` are the objects that are known to be ours; ``kinds`` tell which kinds the server serves. Raises
    ClusterError with every refusal, and for objects that belong to another stack.
    """
    named = {item.ref: item for item in objects if item.ref}
    missing = _missing_namespaces(cluster, named, live)
    unasked = {
        ref
        for ref in named
        if (ref.group, ref.version, ref.kind) in kinds.planned or ref.namespace in missing
    }
    waiting = [ref for ref, item in named.items() if ref not in unasked and item.pending]
    there = {**live, **_found(cluster, [ref for ref in waiting if ref not in live])}
    unasked |= {ref for ref in waiting if ref not in there}
    submissions = [
        _submission(ref, item, there.get(ref), owner)
        for ref, item in named.items()
        if ref not in unasked
    ]
    round_ = _Round(cluster, named, there, owner=owner, kinds=kinds)
    unchanged = settled(cluster, submissions, there, kinds=kinds)
    round_.settle([item for item in submissions if item.ref in unchanged])
    round_.submit([item for item in submissions if item.ref not in unchanged])
    return round_.verdicts(sorted(unasked))


def _missing_namespaces(
    cluster: Cluster, named: Mapping[ObjectRef, WantedObject], live: Mapping[ObjectRef, Live]
) -> frozenset[str]:
    """Return the namespaces that this plan creates: whatever is asked about objects in one, it is not there."""
    wanted = [ref for ref in named if (ref.group, ref.kind) == ("", "Namespace")]
    found = cluster.get_many(ref for ref in wanted if ref not in live)
    return frozenset(ref.name for ref, namespace in found.items() if namespace is None)


def _found(cluster: Cluster, refs: Iterable[ObjectRef]) -> dict[ObjectRef, Live]:
    return {ref: live for ref, live in cluster.get_many(refs).items() if live is not None}


def _submission(ref: ObjectRef, item: WantedObject, live: Live | None, owner: Owner) -> Submission:
    manifest = completed(item.value, live)
    return Submission(
        ref=ref, manifest=marked(manifest, owner=owner, unit=item.unit), force=forced(manifest)
    )


class _Round:
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
        self._kinds = kinds
        self._cluster = cluster
        self._named = named
        self._live = dict(live)
        self._owner = owner
        self._replies: dict[ObjectRef, Reply] = {}
        self._taken: dict[ObjectRef, tuple[str, ...]] = {}
        self._forced: set[ObjectRef] = set()

    def settle(self, submissions: Sequence[Submission]) -> None:
        """Take as accepted, without asking, what would leave its object exactly as it is."""
        for item in submissions:
            self._replies[item.ref] = Accepted(live=self._live[item.ref], created=False)
            if item.force:
                self._forced.add(item.ref)

    def submit(self, submissions: Sequence[Submission]) -> None:
        """Ask for all, then again for those whose fields may be taken back, then for what is there."""
        self._dry_run(submissions)
        again = [found for item in submissions if (found := self._taking_over(item))]
        self._dry_run(again)
        self._live |= _found(self._cluster, self._unseen())

    def verdicts(self, unasked: Iterable[ObjectRef]) -> dict[ObjectRef, Verdict]:
        """Return the verdicts, the unasked ones included; raises ClusterError for what cannot be done."""
        errors = [error for ref in self._named if (error := self._error(ref))]
        if errors:
            raise together(errors)
        return {
            ref: self._verdict(ref, self._replies.get(ref)) for ref in (*unasked, *self._replies)
        }

    def _dry_run(self, submissions: Sequence[Submission]) -> None:
        replies = self._cluster.apply_many(submissions, dry_run=True)
        for submission, reply in zip(submissions, replies, strict=True):
            self._replies[submission.ref] = reply
            if submission.force:
                self._forced.add(submission.ref)

    def _taking_over(self, submission: Submission) -> Submission | None:
        reply = self._replies[submission.ref]
        if not isinstance(reply, FieldConflict) or not all(map(_by_hand, reply.owners)):
            return None
        self._taken[submission.ref] = tuple(reply.owners)
        return Submission(ref=submission.ref, manifest=submission.manifest, force=True)

    def _unseen(self) -> list[ObjectRef]:
        """Return what exists but does not carry our labels."""
        return [
            ref
            for ref, reply in self._replies.items()
            if ref not in self._live and not (isinstance(reply, Accepted) and reply.created)
        ]

    def _error(self, ref: ObjectRef) -> ClusterError | None:
        live, reply = self._live.get(ref), self._replies.get(ref)
        if live is not None and (unusable := _unusable(ref, live, self._owner)):
            return self._placed(ref, unusable)
        if not isinstance(reply, ClusterError) or self._may_go_unanswered(ref, reply):
            return None
        return self._placed(ref, reply)

    def _may_go_unanswered(self, ref: ObjectRef, reply: ClusterError) -> bool:
        """Whether a refusal only says that it is too early to ask."""
        if isinstance(reply, NamespaceMissing):
            return namespace_of(ref) in self._named
        # Something pending was left out, or its definition is about to change.
        early = bool(self._named[ref].pending) or (ref.group, ref.kind) in self._kinds.defined
        return early and type(reply) is Invalid

    def _placed(self, ref: ObjectRef, error: ClusterError) -> ClusterError:
        place = self._named[ref].place
        if place is not None:
            error.detail = "\n".join(filter(None, (f"declared in {place}", error.detail)))
        return error

    def _verdict(self, ref: ObjectRef, reply: Reply | None) -> Verdict:
        item, live = self._named[ref], self._live.get(ref)
        result: Mapping[str, Tree] = item.value
        if live is not None:
            result = (
                _tree(reply.live) if isinstance(reply, Accepted) else overlaid(live, item.value)
            )
        return Verdict(
            live=live,
            result=result,
            force=ref in self._forced,
            taken_from=self._taken.get(ref, ()),
        )


def together(errors: Sequence[ClusterError]) -> ClusterError:
    """Return one error for all: the first one's message and kind, and every message below it."""
    first = errors[0]
    if len(errors) == 1:
        return first
    same_hint = len({error.hint for error in errors}) == 1
    details = [_paragraph(error, with_hint=not same_hint) for error in errors]
    kind = type(first) if type(first).__init__ is ClusterError.__init__ else ClusterError
    more = len(errors) - 1
    return kind(
        f"{first.message}, and {more} more {'refusal' if more == 1 else 'refusals'}",
        hint=first.hint if same_hint else "",
        detail="\n".join(details),
    )


def _paragraph(error: ClusterError, *, with_hint: bool) -> str:
    below = error.detail.splitlines()
    if with_hint and error.hint:
        below.append(f"hint: {error.hint}")
    return "\n".join([error.message, *(f"  {line}" for line in below)])


def namespace_of(ref: ObjectRef) -> ObjectRef:
    """Return the namespace that an object lives in."""
    return ObjectRef(group="", version="v1", kind="Namespace", namespace="", name=ref.namespace)


def _tree(live: Live) -> Mapping[str, Tree]:
    return cast("Mapping[str, Tree]", live)


def _by_hand(manager: str) -> bool:
    return manager.startswith(_PEOPLES_TOOLS) and not manager.endswith(" (status)")


def _unusable(ref: ObjectRef, live: Live, owner: Owner) -> ClusterError | None:
    metadata = live.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    other = owner_of(live)
    if other is not None and other != owner:
        return ClusterError(
            f"{ref} belongs to {other}",
            hint=f"remove it from one of the two stacks; only {other} may change it",
        )
    if fields.get("deletionTimestamp"):
        finalizers = fields.get("finalizers")
        waits = (
            f", which waits for {', '.join(map(str, finalizers))}"
            if isinstance(finalizers, list)
            else ""
        )
        return ClusterError(f"{ref} is being deleted{waits}", hint="plan again when it is gone")
    return None
