"""Whether what a quota refuses fits once the old object is gone that it takes the place of. Pure.

Only what the old one is certain to give back counts: of a Pod nobody can tell here which quotas it counts for.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live, mapping, mappings
from orchestrator.workloads.planning.unchanged.quantities import amount

_EXCEEDED: Final = re.compile(
    r"exceeded quota: [^,\s]+, requested: (?P<requested>\S+), used: (?P<used>\S+), limited: (?P<limited>\S+)"
)
_COUNTED: Final = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
_BY_CLASS: Final = ".storageclass.storage.k8s.io/"


def fits_when_gone(refusal: str, live: Live, hard: Mapping[str, Json]) -> bool:
    """Whether an object that exceeds a quota, in the server's words, certainly fits in the place of ``live``.

    ``hard`` are the quota's limits where the plan knows them better than the server.
    """
    found = _EXCEEDED.search(refusal)
    if found is None:
        return False
    requested, used, limited = (_amounts(found[name]) for name in ("requested", "used", "limited"))
    return bool(requested) and all(
        _fits(requested[name], used.get(name), limits, freed=_freed(name, live))
        for name in requested
        for limits in (amount(hard[name]) if name in hard else limited.get(name),)
    )


def _fits(
    requested: Fraction | None, used: Fraction | None, limit: Fraction | None, *, freed: Fraction
) -> bool:
    if requested is None or used is None or limit is None:
        return False
    return used - freed + requested <= limit


def _amounts(text: str) -> dict[str, Fraction | None]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: amount(value) for name, _, value in pairs}


def _freed(name: str, live: Live) -> Fraction:
    """Return what a quota has back of one resource, at least, when an object is gone."""
    if live.get("kind") == "Pod":
        return Fraction(0)
    spec = mapping(live, "spec")
    of_class, known, rest = name.partition(_BY_CLASS)
    if known and spec.get("storageClassName") != of_class:
        return Fraction(0)
    resource = rest if known else name
    if resource in _COUNTED or resource.startswith("count/"):
        return Fraction(1)
    match resource:
        case "requests.storage":
            asked = mapping(mapping(spec, "resources"), "requests").get("storage")
            return amount(asked) or Fraction(0)
        case "services.loadbalancers":
            return Fraction(spec.get("type") == "LoadBalancer")
        case "services.nodeports":
            return Fraction(sum(1 for port in mappings(spec, "ports") if port.get("nodePort")))
        case _:
            return Fraction(0)
