"""Which proxy leads to a server, by the variables that kubectl reads too. Pure."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

_EVERYTHING: Final = "*"


def proxy_for(server: str, environment: Mapping[str, str]) -> str:
    """Return the address of the proxy for a server's address, or an empty text for none.

    ``HTTPS_PROXY`` or ``HTTP_PROXY``, by the scheme of the server, unless ``NO_PROXY`` names the host, a domain
    above it, its address or a network around that. What runs on this machine is never asked through a proxy.
    """
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()
    proxy = _variable(environment, f"{parts.scheme}_proxy")
    if not proxy or _local(host) or any(_covers(each, host) for each in _excepted(environment)):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name, "")


def _excepted(environment: Mapping[str, str]) -> Iterator[str]:
    for item in _variable(environment, "no_proxy").lower().split(","):
        if item.strip():
            yield item.strip()


def _local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _covers(item: str, host: str) -> bool:
    address = _address(host)
    if address is not None:
        return item == _EVERYTHING or address in (_network(item) or ())
    domain = item.removeprefix(_EVERYTHING).removeprefix(".")
    below = host.endswith(f".{domain}")
    return item == _EVERYTHING or below or (host == domain and not item.startswith("."))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(item: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(item, strict=False)
    except ValueError:
        return None
