"""What objects take of quotas, and whether there is room for one in another's place, and for many at once. Pure.

A dry run looks at one object as if it was the only one. Only what is certain counts: the amounts of objects, of volumes
and of a Service's ports; what Pods use, and which of them a quota with scopes is about, nobody can tell here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.exceeding import exceeded
from orchestrator.workloads.live import Live, mapping, mappings, text
from orchestrator.workloads.quantities import alike, amount

_NOTHING: Final = Fraction(0)
_CLAIMS: Final = "persistentvolumeclaims"
_PODS: Final = "pods"
_COUNTED: Final = frozenset(
    {"configmaps", _CLAIMS, "replicationcontrollers", "resourcequotas", "secrets", "services"}
)
_BY_CLASS: Final = ".storageclass.storage.k8s.io/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """One object of a plan: what it is ``before``, and what it is to be; ``plural`` is its resource with the group.

    ``anew`` says that the old one goes first. ``requested`` is what the server says that it takes more of the quota
    called ``refused_by``, which refused that; of one that is made anew, all that it takes.
    """

    ref: ObjectRef
    plural: str
    before: Live
    after: Live
    requested: Mapping[str, Fraction | None]
    refused_by: str = ""
    anew: bool = False

    def more(self, name: str) -> Fraction:
        """Return how much more of a quota it takes than before."""
        said, freed = self.requested.get(name), taken(name, self.before, self.plural)
        if said is not None:
            return said - freed if self.anew else said
        return self.after_all(name) - freed

    def after_all(self, name: str) -> Fraction:
        """Return how much of a quota it takes at the end."""
        return taken(name, self.after, self.plural)

    def wants(self, name: str) -> bool:
        """Whether a quota may refuse it for this."""
        return name in self.requested or self.after_all(name) > 0


def fits_when_gone(refusal: str, live: Live, plural: str, hard: Mapping[str, Json]) -> bool:
    """Whether an object that exceeds a quota, in the server's words, certainly fits in the place of ``live``.

    ``hard`` are the quota's limits where the plan knows them better than the server.
    """
    found = exceeded(refusal)
    if found is None:
        return False
    return bool(found.requested) and all(
        _fits(found.requested[name], found.used.get(name), limit, freed=taken(name, live, plural))
        for name in found.requested
        for limit in (amount(hard[name]) if name in hard else found.limited.get(name),)
    )


def overdrawn(
    quota: Live,
    objects: Sequence[Taking],
    staked: Iterable[ObjectRef],
    *,
    counted: Mapping[str, Fraction] | None = None,
) -> dict[ObjectRef, str]:
    """Return those at stake that a quota of their namespace may have no room for, with what is too much of what.

    ``objects`` are all that take more of it or less, since nobody knows which of them come first. Of a quota that no
    controller has looked at yet, what is ``counted`` is used, or else what they themselves have.
    """
    spec, title = mapping(quota, "spec"), text(mapping(quota, "metadata"), "name")
    if spec.get("scopes") or spec.get("scopeSelector"):
        told = f"the quota {title} is full, and is about some objects only: maybe not about the old one"
        full = {item.ref for item in objects if item.anew and item.refused_by == title}
        return {ref: told for ref in staked if ref in full}
    used = mapping(mapping(quota, "status"), "used")
    before = {**(counted or {}), **{name: amount(value) for name, value in used.items()}}
    over = {
        name: told
        for name in sorted(mapping(spec, "hard"))
        if (told := _over(name, before.get(name), quota, objects))
    }
    wanting = {
        item.ref: [told for name, told in over.items() if item.wants(name)] for item in objects
    }
    return {
        ref: f"all that is planned exceeds the quota {title}: {', '.join(wanting[ref])}"
        for ref in staked
        if wanting.get(ref)
    }


def uncounted(quota: Live, objects: Iterable[Taking]) -> frozenset[str]:
    """Return what objects take of a quota and no controller has counted yet."""
    used = mapping(mapping(quota, "status"), "used")
    names = mapping(mapping(quota, "spec"), "hard").keys() - used.keys()
    return frozenset(name for name in names if any(item.wants(name) for item in objects))


def taken(name: str, live: Live, plural: str) -> Fraction:
    """Return how much an object certainly takes of one resource of a quota."""
    if not live:
        return _NOTHING
    if name == f"count/{plural}" or (name == plural and plural in _COUNTED):
        return Fraction(1)
    match plural:
        case "persistentvolumeclaims":
            return _of_claim(name, mapping(live, "spec"))
        case "services":
            return _of_service(name, mapping(live, "spec"))
        case "pods" if name == _PODS:
            return Fraction(mapping(live, "status").get("phase") not in {"Succeeded", "Failed"})
        case _:
            return _NOTHING


def _of_claim(name: str, spec: Live) -> Fraction:
    of_class, known, rest = name.partition(_BY_CLASS)
    if known and spec.get("storageClassName") != of_class:
        return _NOTHING
    resource = rest if known else name
    if resource == _CLAIMS:
        return Fraction(1)
    if resource != "requests.storage":
        return _NOTHING
    asked = mapping(mapping(spec, "resources"), "requests").get("storage")
    return amount(asked) or _NOTHING


def _of_service(name: str, spec: Live) -> Fraction:
    match name:
        case "services.loadbalancers":
            return Fraction(spec.get("type") == "LoadBalancer")
        case "services.nodeports":
            return Fraction(sum(1 for port in mappings(spec, "ports") if port.get("nodePort")))
        case _:
            return _NOTHING


def _over(name: str, before: Fraction | None, quota: Live, objects: Sequence[Taking]) -> str:
    limit = mapping(mapping(quota, "spec"), "hard")[name]
    allowed = amount(limit)
    if before is None:
        before = sum((taken(name, item.before, item.plural) for item in objects), _NOTHING)
    more = sum((item.more(name) for item in objects), _NOTHING)
    if allowed is None or before + more <= allowed:
        return ""
    return f"{name} would be {alike(before + more, limit)} of {limit}"


def _fits(
    requested: Fraction | None, used: Fraction | None, limit: Fraction | None, *, freed: Fraction
) -> bool:
    if requested is None or used is None or limit is None:
        return False
    return used - freed + requested <= limit
