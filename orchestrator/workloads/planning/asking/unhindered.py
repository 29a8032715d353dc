"""What else is wrong with objects that admission refuses first, for something that they lack and that the plan brings.

A Pod whose service account is not there yet is refused before anything else of it is looked at. Without the field that
names it, it is another Pod, which shows the mistakes that are not about that field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from orchestrator.errors import ClusterError
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Invalid, TooEarly
from orchestrator.workloads.cluster.lacking import Lack
from orchestrator.workloads.cluster.requests import Submission
from orchestrator.workloads.live import mapping

_NAMED_BY: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("", "ServiceAccount"): frozenset({"serviceAccountName", "serviceAccount"}),
    ("scheduling.k8s.io", "PriorityClass"): frozenset({"priorityClassName", "priority"}),
    ("node.k8s.io", "RuntimeClass"): frozenset({"runtimeClassName", "overhead"}),
}


def unhindered(
    cluster: Cluster, refused: Sequence[tuple[Submission, TooEarly]]
) -> list[ClusterError | None]:
    """Return what the server says against objects without what they lack, None where it says nothing.

    It says nothing of one that shows in no field what it lacks. Raises what a cluster does.
    """
    found: list[ClusterError | None] = [None] * len(refused)
    asked = {index: without_named(one, error.lacks) for index, (one, error) in enumerate(refused)}
    for _ in _NAMED_BY:  # an object may lack one of each
        left = {index: one for index, one in asked.items() if one is not None}
        replies = cluster.apply_many([*left.values()], dry_run=True) if left else ()
        asked = {}
        for (index, one), reply in zip(left.items(), replies, strict=True):
            found[index] = reply if isinstance(reply, ClusterError) else None
            if isinstance(reply, TooEarly) and (rest := without_named(one, reply.lacks)):
                found[index], asked[index] = None, rest
    return found


def without_named(submission: Submission, lacks: Lack) -> Submission | None:
    """Return a submission without the fields that name what it lacks, or None where it has none."""
    names = frozenset[str]().union(*(_NAMED_BY.get(kind, ()) for kind in lacks.kinds))
    spec = mapping(submission.manifest, "spec")
    if names.isdisjoint(spec):
        return None
    rest = {key: value for key, value in spec.items() if key not in names}
    return replace(submission, manifest={**submission.manifest, "spec": rest})


def mistakes_of_fields(error: ClusterError | None) -> Invalid | None:
    """Return a refusal as far as it is about fields of the manifest, which hold whatever else is there.

    What a rule of somebody's says may be about what was left out. Pure.
    """
    if not isinstance(error, Invalid):
        return None
    named = frozenset(f"spec.{name}" for names in _NAMED_BY.values() for name in names)
    causes = {text: at for text, at in error.causes.items() if at and at not in named}
    if not causes:
        return None
    title = error.message.partition(" is not valid: ")[0]
    return Invalid(f"{title} is not valid: {'; '.join(causes)}", causes=causes, hint=error.hint)
