"""Kubernetes' amounts: ``0.5`` CPU is kept as ``500m``, ``1024Mi`` as ``1Gi``. Pure."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from orchestrator.stack.model import Json

_AMOUNT: Final = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_DECIMAL: Final = ("", "k", "M", "G", "T", "P", "E")
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_LARGEST: Final = 2**63 - 1


def canonical(value: Json) -> str | None:
    """Return an amount as the server writes it; None for what is none, or is rare (exponents, below milli)."""
    found, number = _parted(value), amount(value)
    if found is None or number is None:
        return None
    return _binary(number) if found[2] in _BINARY[1:] else _decimal(number)


def amount(value: Json) -> Fraction | None:
    """Return how much an amount is; None for what is none, or is rare."""
    found = _parted(value)
    if found is None:
        return None
    number, suffix = Fraction(found[1]), found[2] or ""
    if suffix in _BINARY[1:]:
        return number * Fraction(1024 ** _BINARY.index(suffix))
    factor = Fraction(1, 1000) if suffix == "m" else Fraction(1000 ** _DECIMAL.index(suffix))
    return number * factor


def alike(number: Fraction, value: Json) -> str:
    """Return how much something is in the manner of another amount, as people read it."""
    found = _parted(value)
    told = _binary(number) if found and found[2] in _BINARY[1:] else _decimal(number)
    return told or str(float(number))


def _parted(value: Json) -> re.Match[str] | None:
    """Return the number of an amount and its suffix."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _AMOUNT.fullmatch(str(value))


def _binary(amount: Fraction) -> str | None:
    if amount < 1024 or amount.denominator != 1:  # noqa: PLR2004 - as the server does, to lose no precision
        return _decimal(amount)
    return _written(int(amount), 1024, _BINARY)


def _decimal(amount: Fraction) -> str | None:
    if amount.denominator == 1:
        return _written(int(amount), 1000, _DECIMAL)
    thousandths = amount * 1000
    return f"{int(thousandths)}m" if thousandths.denominator == 1 else None


def _written(amount: int, step: int, suffixes: Sequence[str]) -> str | None:
    if amount > _LARGEST:
        return None
    power = 0
    while amount and amount % step == 0 and power < len(suffixes) - 1:
        amount, power = amount // step, power + 1
    return f"{amount}{suffixes[power]}"
