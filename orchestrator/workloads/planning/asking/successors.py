"""What the server says of the successors of objects that are to be deleted and made anew.

It cannot be asked to create an object that is there: another one stands in, under another name. Whatever is said
against that one counts against the replacement, since the old object would be gone when it turns out to be true.
Only what is certainly about the old object itself does not: what it holds, and gives back when it is deleted.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.stack.expressions import Tree
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Invalid, TooEarly
from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.exceeding import exceeded
from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.planning.asking import addresses
from orchestrator.workloads.planning.asking.quotas import fits_when_gone
from orchestrator.workloads.planning.asking.replacement import made_anew
from orchestrator.workloads.planning.pending import overlaid
from orchestrator.workloads.planning.taking_over.succession import declared_by_us
from orchestrator.workloads.quantities import amount

_SHORT: Final = 40
_DEFINITION: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
_SERVICE: Final = ("", "Service")
_HELD: Final = frozenset(
    {
        "f:clusterIP",
        "f:clusterIPs",
        "f:globalDefault",
        "f:healthCheckNodePort",
        "f:nodePort",
        "f:plural",
    }
)
_PRIORITY: Final = ("scheduling.k8s.io", "PriorityClass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What was asked instead of an object, and what the server says; ``alike`` says that only the name differs."""

    asked: Submission
    reply: Reply
    alike: bool


def successors(
    cluster: Cluster, objects: Sequence[tuple[Submission, Live]]
) -> tuple[Successor, ...]:
    """Ask for the successor of each object that is there, without making it; raises what a cluster does."""
    stand_ins = [stand_in(submission) for submission, _ in objects]
    first = [
        Successor(asked=asked, reply=reply, alike=asked.ref.name == _other(submission.ref.name))
        for (submission, _), asked, reply in zip(
            objects, stand_ins, cluster.apply_many(stand_ins, dry_run=True), strict=True
        )
    ]
    freed = {
        index: rest
        for index, ((_, live), each) in enumerate(zip(objects, first, strict=True))
        if isinstance(each.reply, ClusterError)
        and (rest := without_held(each.asked, live)) != each.asked
    }
    replies = cluster.apply_many(list(freed.values()), dry_run=True) if freed else ()
    again = {
        index: Successor(asked=asked, reply=reply, alike=False)
        for (index, asked), reply in zip(freed.items(), replies, strict=True)
    }
    return tuple(
        _with_free_addresses(cluster, again.get(index, each), submission, live)
        for index, (each, (submission, live)) in enumerate(zip(first, objects, strict=True))
    )


def _with_free_addresses(
    cluster: Cluster, found: Successor, submission: Submission, live: Live
) -> Successor:
    """Return what the server says of a successor, or that somebody has an address that it is to have."""
    ref = submission.ref
    sought = addresses.sought(submission.manifest, live)
    if (ref.group, ref.kind) != _SERVICE or not sought:
        return found
    if not isinstance(found.reply, Accepted | TooEarly):
        return found
    try:
        services = cluster.list_in(cluster.resource(ref), "", query={})
    except AccessDenied as error:
        return replace(found, reply=error)
    taken = {address: addresses.holder(address, services) for address in sorted(sought)}
    told = "; ".join(f"Service {by} has the address {at}" for at, by in taken.items() if by)
    return (
        replace(found, reply=Invalid(f"{found.asked.ref} is not valid: {told}")) if told else found
    )


def stand_in(submission: Submission) -> Submission:
    """Return the submission for an object of the same manifest that is not there yet.

    The name of a definition is made of what it defines: one that fits stands in with another plural.
    """
    ref, manifest = submission.ref, submission.manifest
    name, spec = _other(ref.name), mapping(manifest, "spec")
    names, group = mapping(spec, "names"), spec.get("group")
    if (ref.group, ref.kind) == _DEFINITION and ref.name == f"{names.get('plural')}.{group}":
        plural = _other(str(names.get("plural")))
        name = f"{plural}.{group}"
        manifest = {**manifest, "spec": {**spec, "names": {**names, "plural": plural}}}
    metadata = {**mapping(manifest, "metadata"), "name": name}
    return Submission(
        ref=replace(ref, name=name), manifest={**manifest, "metadata": metadata}, absent=True
    )


def without_held(submission: Submission, live: Live) -> Submission:
    """Return a submission without what only one object can have at a time, and the old one has."""
    ref, manifest = submission.ref, submission.manifest
    match ref.group, ref.kind:
        case kind if kind == _SERVICE:
            spec = addresses.without_held(mapping(manifest, "spec"), mapping(live, "spec"))
            return replace(submission, manifest={**manifest, "spec": spec})
        case kind if kind == _PRIORITY and live.get("globalDefault") is True:
            rest = {key: value for key, value in manifest.items() if key != "globalDefault"}
            return replace(submission, manifest=rest)
        case _:
            return submission


def remade(wanted: Mapping[str, Tree], live: Live, successor: Successor) -> Mapping[str, Tree]:
    """Return what there would be after a replacement, as far as that can be known."""
    if not isinstance(successor.reply, Accepted):
        return overlaid(live, wanted)
    made = successor.reply.live
    declared, former = declared_by_us(made), declared_by_us(live)
    if not successor.alike:  # what stands in for a name, or was left out, is as it was
        declared = frozenset(path for path in declared if path[-1] != "f:plural")
        former = frozenset(path for path in former if _HELD.isdisjoint(path))
    return made_anew(live, made, declared=declared, former=former)


def refuses_replacement(
    reply: Reply, live: Live, *, brought: bool, hard: Live, plural: str
) -> ClusterError | None:
    """Return why an object would not be made anew, or None when nothing is known against it.

    What admission and access rules refuse counts as much as what validation does. ``brought`` says that this plan
    brings what is lacking; ``hard`` are the limits of a quota that it changes, ``plural`` is the object's resource.
    """
    match reply:
        case TooEarly(lacks=lacks) if lacks.too_small:
            fits = fits_when_gone(reply.message, live, plural, hard)
            return None if fits else _with_limits(reply, hard)
        case TooEarly() if brought:
            return None
        case ClusterError():
            return reply
        case _:
            return None


def _with_limits(refusal: TooEarly, hard: Live) -> TooEarly:
    """Return a refusal by a quota with the limits that the plan gives it, where they are others than the server's."""
    found = exceeded(refusal.message)
    limited = found.limited if found else {}
    planned = [
        f"{name}={hard[name]}"
        for name in limited
        if name in hard and amount(hard[name]) != limited[name]
    ]
    if not planned:
        return refusal
    told = f"{refusal.message} (with this plan {','.join(planned)})"
    return TooEarly(told, lacks=refusal.lacks, hint=refusal.hint)


def _other(name: str) -> str:
    return f"{name[:_SHORT].rstrip('.-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
