"""How built-in kinds keep what people write in another way: amounts, what is left out, what is filled in. Pure.

Each of these is the server's doing at every apply, always with the same result. What is missing here only costs
a request; what is wrong here would hide a change, so that a test asks a real server about all of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.plans.values import Absent
from orchestrator.stack.model import Json
from orchestrator.workloads.quantities import canonical

Words = tuple[str, ...]
"""Names of fields from the object down; elements of lists have none of their own."""

_PODS: Final = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("template", "spec"),
)
_RESOURCES: Final = (("resources", "limits"), ("resources", "requests"))

# Whole paths, since any map of texts may have a key of such a name: of maps of amounts, and of amounts by themselves.
_AMOUNTS_BELOW: Final = frozenset(
    {("overhead", "podFixed"), ("spec", "capacity"), ("spec", "hard")}
    | {(*pod, *below) for pod in _PODS for below in (("overhead",), *_RESOURCES)}
    | {
        (*pod, containers, *below)
        for pod in _PODS
        for containers in ("containers", "ephemeralContainers", "initContainers")
        for below in _RESOURCES
    }
)
_AMOUNTS: Final = frozenset((*pod, "volumes", "emptyDir", "sizeLimit") for pod in _PODS)

# Fields that Go omits when they are zero, and that are no pointers: leaving them out is the same. Of maps and
# lists only those in a pod's template: to some kinds (a NetworkPolicy) an empty list is a change of the spec,
# though nothing of it is kept but the generation.
_ZEROS: Final[Mapping[Words, Json]] = {
    ("annotations",): {},
    ("args",): [],
    ("binaryData",): {},
    ("command",): [],
    ("data",): {},
    ("env", "value"): "",
    ("envFrom",): [],
    ("hostIPC",): False,
    ("hostNetwork",): False,
    ("hostPID",): False,
    ("initialDelaySeconds",): 0,
    ("labels",): {},
    ("minReadySeconds",): 0,
    ("nodeSelector",): {},
    ("preferredDuringSchedulingIgnoredDuringExecution",): [],
    ("publishNotReadyAddresses",): False,
    ("stdin",): False,
    ("tolerations",): [],
    ("tty",): False,
    ("volumeMounts", "readOnly"): False,
}

# Defaults inside values that are merged as a whole, by the names from such a value down.
_FILLED_IN: Final[Mapping[Words, Json]] = {
    ("egress", "ports", "protocol"): "TCP",
    ("fieldRef", "apiVersion"): "v1",
    ("ingress", "ports", "protocol"): "TCP",
    ("items", "fieldRef", "apiVersion"): "v1",
    ("items", "resourceFieldRef", "divisor"): "0",
    ("resourceFieldRef", "divisor"): "0",
    ("rules", "scope"): "*",
    ("sources", "downwardAPI", "items", "fieldRef", "apiVersion"): "v1",
    ("sources", "serviceAccountToken", "expirationSeconds"): 3600,
    ("volumeClaimTemplates", "apiVersion"): "v1",
    ("volumeClaimTemplates", "kind"): "PersistentVolumeClaim",
    ("volumeClaimTemplates", "spec", "volumeMode"): "Filesystem",
    ("volumeClaimTemplates", "status"): {"phase": "Pending"},
}


def left_out(wanted: Json, words: Words) -> bool:
    """Whether the server keeps nothing of a field that is empty, so that its absence means the same."""
    zeros = (_ZEROS[key] for key in (words[-1:], words[-2:]) if key in _ZEROS)
    return any(same(wanted, zero) for zero in zeros)


def stored_as(wanted: Json, live: Json, words: Words) -> bool:
    """Whether the server keeps ``wanted`` as ``live``: an amount in its own form, a whole value with defaults."""
    if isinstance(wanted, dict | list):
        return _filled_in(wanted, live, words[-1:])
    amount = words[:-1] in _AMOUNTS_BELOW or words in _AMOUNTS
    return amount and isinstance(live, str) and canonical(wanted) == live


def same(wanted: Json, live: "Json | Absent") -> bool:
    """Whether two values are equal and of the same types: to Python, 1, 1.0 and true are equal."""
    if type(wanted) is not type(live) or isinstance(live, Absent):
        return False
    if isinstance(wanted, dict | list):
        return _filled_in(wanted, live, None)
    return wanted == live


def _filled_in(wanted: Json, live: Json, words: Words | None) -> bool:
    """Whether values are the same but for defaults below ``words``; without these, they are the same."""
    if type(wanted) is not type(live):
        return False
    match wanted, live:
        case dict(), dict():
            return wanted.keys() <= live.keys() and all(
                _filled_in(wanted[key], item, _below(words, key))
                if key in wanted
                else _is_default(item, _below(words, key))
                for key, item in live.items()
            )
        case list(), list():
            return len(wanted) == len(live) and all(
                _filled_in(*pair, words) for pair in zip(wanted, live, strict=True)
            )
        case _:
            return wanted == live


def _is_default(live: Json, words: Words | None) -> bool:
    return words is not None and words in _FILLED_IN and same(_FILLED_IN[words], live)


def _below(words: Words | None, key: str) -> Words | None:
    return None if words is None else (*words, key)


def names_of(path: Sequence[str]) -> Words:
    """Return the names in a path of ``managedFields``: those of its fields, without its elements."""
    return tuple(step.removeprefix("f:") for step in path if step.startswith("f:"))
