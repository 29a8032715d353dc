"""What runs below an object: its newest Pods, found by owner, and what kept further ones from being made.

An object's own status says how many Pods are short, and never why. Pods and ReplicaSets are collected as they
are seen; which of them count is decided here: those of the revision that is rolled out, so that Pods of a former
one, which may well be broken, do not fail what replaces them.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from orchestrator.workloads.health.pods import obstacle
from orchestrator.workloads.health.refusals import Refusal, lasting, refusal
from orchestrator.workloads.health.status import condition, conditions, time
from orchestrator.workloads.live import Live, mapping, mappings, number, text

RUN_PODS: Final = frozenset(
    {
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("batch", "Job"),
    }
)
"""The (group, kind) of what runs Pods."""

_REVISION: Final = "deployment.kubernetes.io/revision"
_TEMPLATE: Final = "deprecated.daemonset.template.generation"
_TEMPLATE_LABEL: Final = "pod-template-generation"
_ENDS: Final = ("FailureTarget", "SuccessCriteriaMet")  # conditions after which a Job ends
_HASH_LABEL: Final = "controller-revision-hash"


class Dependents:
    """Pods, ReplicaSets and refusals to create Pods, as they were last seen, by the uid of what owns them."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._owned: dict[str, dict[str, Live]] = {}
        self._owner: dict[str, str] = {}
        self._made: dict[str, datetime] = {}
        self._refused: dict[str, list[Refusal]] = {}

    def take(self, live: Live, *, gone: bool) -> None:
        """Remember a Pod or a ReplicaSet as it is now, or forget it."""
        metadata = mapping(live, "metadata")
        uid = text(metadata, "uid")
        if former := self._owner.pop(uid, ""):
            self._owned[former].pop(uid, None)
        owner = next(
            (
                text(item, "uid")
                for item in mappings(metadata, "ownerReferences")
                if item.get("controller")
            ),
            "",
        )
        made = time(text(metadata, "creationTimestamp"))
        if owner and made:
            self._made[owner] = max(made, self._made.get(owner, made))
        if gone or not owner or metadata.get("deletionTimestamp"):
            return
        self._owner[uid] = owner
        self._owned.setdefault(owner, {})[uid] = live

    def take_refusal(self, event: Live, *, now: datetime) -> None:
        """Remember that something could not create a Pod; ``now`` is when that was seen."""
        uid = text(mapping(event, "involvedObject"), "uid")
        self._refused.setdefault(uid, []).append(refusal(event, now=now))

    def pods(self, live: Live) -> tuple[Live, ...]:
        """Return the Pods of an object that belong to its newest revision, by name."""
        found = [*self._below(live)]
        return tuple(sorted(found, key=lambda pod: text(mapping(pod, "metadata"), "name")))

    def obstacle(
        self, live: Live, now: datetime, *, room: Callable[[Live], bool], began: datetime | None
    ) -> str:
        """Return why waiting for an object is no use, or an empty text; it was begun to wait when it ``began``.

        ``room`` says of a Pod whether it counts that no node takes it. Until the object's controller has seen what was
        applied, nobody knows which Pods are the newest.
        """
        if not _observed(live):
            return ""
        crashes = live.get("kind") != "Job"  # which counts by itself how often its Pods may fail
        for pod in self.pods(live):
            if mapping(pod, "status").get("phase") == "Failed":
                continue  # it is replaced by another one
            if found := obstacle(pod, now, began=began, crashes=crashes, room=room(pod)):
                return f"Pod {text(mapping(pod, 'metadata'), 'name')}: {found}"
        if not _short(live):
            return ""
        uid = _uid(live)
        return lasting(self._refused.get(uid, ()), made=self._made.get(uid), now=now)

    def _below(self, live: Live) -> Iterator[Live]:
        owned = self._owned.get(_uid(live), {})
        if live.get("kind") != "Deployment":
            label, wanted = _newest(live)
            for pod in owned.values():
                if not wanted or _labels(pod).get(label, wanted) == wanted:
                    yield pod
            return
        revision = _annotations(live).get(_REVISION)
        for uid, replica_set in owned.items():
            if _annotations(replica_set).get(_REVISION) == revision:
                yield from self._owned.get(uid, {}).values()


def ready(pod: Live) -> bool:
    """Whether a Pod does what it is there for, or has done it."""
    found = condition(pod, "Ready")
    return (found is not None and found.is_true) or mapping(pod, "status").get(
        "phase"
    ) == "Succeeded"


def _newest(live: Live) -> tuple[str, str]:
    """Return the label, and its value, by which Pods of the newest revision are known; empty texts for all."""
    match live.get("kind"):
        case "StatefulSet":
            return _HASH_LABEL, text(mapping(live, "status"), "updateRevision")
        case "DaemonSet":
            return _TEMPLATE_LABEL, str(_annotations(live).get(_TEMPLATE) or "")
        case _:
            return "", ""


def _observed(live: Live) -> bool:
    seen = mapping(live, "status").get("observedGeneration")
    return live.get("kind") == "Job" or seen == mapping(live, "metadata").get("generation")


def _short(live: Live) -> bool:
    """Whether Pods are still to be created."""
    spec, status = mapping(live, "spec"), mapping(live, "status")
    match live.get("kind"):
        case "DaemonSet":
            wanted = number(status, "desiredNumberScheduled")
            return number(status, "currentNumberScheduled") < wanted
        case "Job":
            return not number(status, "active") and not _ends(live)
        case _:
            return number(status, "replicas") < number(spec, "replicas", default=1)


def _ends(job: Live) -> bool:
    """Whether no further Pod of a Job comes: all have succeeded, some are being counted, or its end is decided."""
    status = mapping(job, "status")
    return (
        number(status, "succeeded") >= number(mapping(job, "spec"), "completions", default=1)
        or any(mapping(status, "uncountedTerminatedPods").values())
        or any(found.is_true and found.kind in _ENDS for found in conditions(job))
    )


def _uid(live: Live) -> str:
    return text(mapping(live, "metadata"), "uid")


def _labels(live: Live) -> Mapping[str, object]:
    return mapping(mapping(live, "metadata"), "labels")


def _annotations(live: Live) -> Mapping[str, object]:
    return mapping(mapping(live, "metadata"), "annotations")
