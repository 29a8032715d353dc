"""The addresses of Services: those that an old one gives back, and those that others have. Pure.

A dry run takes any address for free, whoever has it.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live, mapping, mappings


def without_held(spec: Live, live: Live) -> dict[str, Json]:
    """Return what a Service says, without the addresses and ports of nodes that it has already."""
    wanted = _addresses(spec)
    gone = {"clusterIP", "clusterIPs"} if wanted and wanted <= _addresses(live) else set()
    if "healthCheckNodePort" in spec and spec["healthCheckNodePort"] == live.get(
        "healthCheckNodePort"
    ):
        gone.add("healthCheckNodePort")
    rest = {key: value for key, value in spec.items() if key not in gone}
    held = [port["nodePort"] for port in mappings(live, "ports") if "nodePort" in port]
    if isinstance(spec.get("ports"), list):
        rest["ports"] = [_without_port(port, held) for port in mappings(spec, "ports")]
    return rest


def sought(manifest: Live, live: Live) -> frozenset[str]:
    """Return the addresses that a Service asks for and that are not its own already."""
    return _addresses(mapping(manifest, "spec")) - _addresses(mapping(live, "spec"))


def holder(address: str, services: Iterable[Live]) -> str:
    """Return which of some Services has an address, as NAMESPACE/NAME; empty where none has."""
    found = (
        mapping(each, "metadata")
        for each in services
        if address in _addresses(mapping(each, "spec"))
    )
    return next((f"{fields.get('namespace')}/{fields.get('name')}" for fields in found), "")


def _addresses(spec: Live) -> frozenset[str]:
    several = spec.get("clusterIPs")
    found = [*(several if isinstance(several, list) else ()), spec.get("clusterIP")]
    return frozenset(_written(str(text)) for text in found if text and text != "None")


def _written(text: str) -> str:
    """Return an address in the one form that all its forms have."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _without_port(port: Mapping[str, Json], held: Sequence[Json]) -> Json:
    own = port.get("nodePort") in held
    return {key: value for key, value in port.items() if not (own and key == "nodePort")}
