"""What objects take of quotas, and whether there is room for one in another's place, and for many at once. Pure.

A dry run looks at one object as if it was the only one, and names one quota that refuses it. Known here are the amounts
of objects, of volumes and of a Service's ports; what Pods use, and which of them a quota with scopes is about, nobody
can tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
_STORAGE: Final = "requests.storage"
_OF_USE: Final = ("cpu", "memory", "ephemeral-storage", "hugepages-", "requests.", "limits.")


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

    @property
    def hidden(self) -> bool:
        """Whether one quota has no room for it beside the old one, so that nobody knows of the others.

        The server names no more than one, nor does it say then what it would make of the object.
        """
        return self.anew and bool(self.refused_by)

    def after_all(self, name: str) -> Fraction:
        """Return how much of a quota it takes at the end; of a claim that is given a class, how much it may."""
        after = _in_class(name, self.after) if self.hidden else self.after
        return taken(name, after, self.plural)

    def wants(self, name: str) -> bool:
        """Whether a quota may refuse it for this."""
        return name in self.requested or self.after_all(name) > 0

    def may_use(self, name: str) -> bool:
        """Whether it may take of this, and the server does not say how much: a Pod, of what Pods use."""
        of_use = name.startswith(_OF_USE) and name != _STORAGE
        return self.plural == _PODS and of_use and self.requested.get(name) is None


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
    found = {**_untold(quota, objects), **_over(quota, objects, counted or {})}
    return {ref: found[ref] for ref in staked if ref in found}


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


def _in_class(name: str, live: Live) -> Live:
    """Return a claim in the class that a resource of a quota is about, unless it names one itself."""
    of_class = name.partition(_BY_CLASS)[0]
    return {**live, "spec": {"storageClassName": of_class, **mapping(live, "spec")}}


def _fits(
    requested: Fraction | None, used: Fraction | None, limit: Fraction | None, *, freed: Fraction
) -> bool:
    if requested is None or used is None or limit is None:
        return False
    return used - freed + requested <= limit


def _untold(quota: Live, objects: Iterable[Taking]) -> dict[ObjectRef, str]:
    """Return the Pods made anew that may use too much of a quota, for all that the server says."""
    doubts = ((item.ref, _doubt(item, quota)) for item in objects if item.anew)
    return {ref: told for ref, told in doubts if told}


def _doubt(item: Taking, quota: Live) -> str:
    hard, title = mapping(mapping(quota, "spec"), "hard"), _title(quota)
    used = mapping(mapping(quota, "status"), "used")
    behind = item.hidden and item.refused_by != title
    limits = [
        f"{name} is {used.get(name, 'unknown')} of {hard[name]}"
        for name in sorted(hard)
        if item.may_use(name) and (behind or not _judged(name, quota))
    ]
    if not limits:
        return ""
    why = (
        f"the quota {item.refused_by} has no room beside the old one, which hides whether the quota {title} has any"
        if behind
        else f"the server cannot say yet whether the quota {title} has room"
    )
    return f"{why}: {'; '.join(limits)}"


def _judged(name: str, quota: Live) -> bool:
    """Whether the server has judged by this limit or a lower one, since the plan neither brings nor lowers it."""
    known = mapping(mapping(quota, "status"), "hard").get(name)
    limit = mapping(mapping(quota, "spec"), "hard")[name]
    before, after = amount(known), amount(limit)
    return known == limit or (before is not None and after is not None and before <= after)


def _over(
    quota: Live, objects: Sequence[Taking], counted: Mapping[str, Fraction]
) -> dict[ObjectRef, str]:
    """Return what wants too much of a quota, with how much that is.

    One with scopes may be about any that are hidden from it, and the old ones may give nothing back to it.
    """
    spec, title = mapping(quota, "spec"), _title(quota)
    before = {name: _used(name, quota, objects, counted) for name in sorted(mapping(spec, "hard"))}
    why = f"all that is planned exceeds the quota {title}"
    if spec.get("scopes") or spec.get("scopeSelector"):
        why = f"the quota {title} is about some objects only, maybe not about the old one"
        objects = [replace(item, before={}) for item in objects if item.hidden]
    over = {name: told for name in before if (told := _excess(name, before[name], quota, objects))}
    return {
        item.ref: f"{why}: {'; '.join(wanted)}"
        for item in objects
        if (wanted := [told for name, told in over.items() if item.wants(name)])
    }


def _title(quota: Live) -> str:
    return text(mapping(quota, "metadata"), "name")


def _used(
    name: str, quota: Live, objects: Iterable[Taking], counted: Mapping[str, Fraction]
) -> Fraction:
    said = amount(mapping(mapping(quota, "status"), "used").get(name))
    if said is not None:
        return said
    there = sum((taken(name, item.before, item.plural) for item in objects), _NOTHING)
    return counted.get(name, there)


def _excess(name: str, before: Fraction, quota: Live, objects: Iterable[Taking]) -> str:
    limit = mapping(mapping(quota, "spec"), "hard")[name]
    allowed = amount(limit)
    after = before + sum((item.more(name) for item in objects), _NOTHING)
    if allowed is None or after <= allowed:
        return ""
    return f"{name} would be {alike(after, limit)} of {limit}, and is {alike(before, limit)}"


def _of_claim(name: str, spec: Live) -> Fraction:
    of_class, known, rest = name.partition(_BY_CLASS)
    if known and spec.get("storageClassName") != of_class:
        return _NOTHING
    resource = rest if known else name
    if resource == _CLAIMS:
        return Fraction(1)
    if resource != _STORAGE:
        return _NOTHING
    asked = mapping(mapping(spec, "resources"), "requests").get("storage")
    return amount(asked) or _NOTHING


def _of_service(name: str, spec: Live) -> Fraction:
    match name:
        case "services.loadbalancers":
            return Fraction(spec.get("type") == "LoadBalancer")
        case "services.nodeports":
            return Fraction(_ports_of_nodes(spec))
        case _:
            return _NOTHING


def _ports_of_nodes(spec: Live) -> int:
    """Return how many ports a Service has of nodes, or gets when it is made, which is counted alike."""
    ports = [*mappings(spec, "ports")]
    match spec.get("type"):
        case "LoadBalancer" if spec.get("allocateLoadBalancerNodePorts") is False:
            return sum(1 for port in ports if port.get("nodePort"))
        case "NodePort" | "LoadBalancer":
            return len(ports)
        case _:
            return 0
