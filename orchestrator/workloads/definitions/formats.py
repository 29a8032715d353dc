"""The formats of texts that a schema can ask for, as far as they can be judged without the server."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final


def _date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None


def _date_time(text: str) -> bool:
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d(:\d\d)?.*", text, re.ASCII)
    return found is not None and _date(found[1])


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


# What is not here (email, hostname, uri, duration, …) is left to the server, whose notions of them are wide.
FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "byte": _base64,
    "cidr": _network,
    "date": _date,
    "date-time": _date_time,
    "ipv4": _address(4),
    "ipv6": _address(6),
}
