"""Versions and the constraints that Terraform users write (``>= 1.5, < 2.0``, ``~> 1.9``); pure."""

import re
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,2})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_CLAUSE = re.compile(r"(=|!=|>|>=|<|<=|~>)?\s*(v?\d[0-9A-Za-z.+-]*)")
_COMPARISONS = {"=": eq, "!=": ne, ">": gt, ">=": ge, "<": lt, "<=": le}

_Key: TypeAlias = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version: up to three numbers and a pre-release text; build metadata is left out."""

    numbers: tuple[int, ...]
    prerelease: str = ""

    def __str__(self) -> str:
        """Return it as it is written, without a leading ``v``."""
        return ".".join(map(str, self.numbers)) + (f"-{self.prerelease}" if self.prerelease else "")

    @property
    def key(self) -> _Key:
        """Return what orders versions: missing numbers count as 0, a pre-release stands before its release."""
        numbers = (*self.numbers, 0, 0)[:3]
        parts = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.prerelease.split(".")
            if part
        )
        return numbers, 0 if self.prerelease else 1, parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A list of clauses, all of which a version has to meet; none at all accepts everything."""

    text: str
    clauses: tuple[tuple[str, Version], ...]

    def accepts(self, version: Version) -> bool:
        """Return whether the version meets every clause.

        As in Terraform, a pre-release is accepted only by a clause that names exactly it.
        """
        return all(_meets(version, operator, wanted) for operator, wanted in self.clauses)


def parse_version(text: str) -> Version:
    """Parse ``1.11.4``, ``v1.9`` or ``1.12.0-rc1``; raises ValueError for anything else."""
    found = _VERSION.fullmatch(text.strip())
    if not found:
        message = f"{text!r} is not a version"
        raise ValueError(message)
    numbers = tuple(int(part) for part in found[1].split("."))
    return Version(numbers=numbers, prerelease=found[2] or "")


def parse_constraint(text: str) -> Constraint:
    """Parse a constraint; an empty text accepts everything. Raises ValueError that says which part is wrong."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return Constraint(text=text.strip(), clauses=tuple(map(_clause, parts)))


def _clause(text: str) -> tuple[str, Version]:
    found = _CLAUSE.fullmatch(text)
    if not found:
        message = f"{text!r} is not a version constraint"
        raise ValueError(message)
    return found[1] or "=", parse_version(found[2])


def _meets(version: Version, operator: str, wanted: Version) -> bool:
    if version.prerelease and not wanted.prerelease and operator != "!=":
        return False
    if version.prerelease and wanted.prerelease and version.key[0] != wanted.key[0]:
        return operator == "!="
    if operator == "~>":
        return version.key >= wanted.key and _same_series(version, wanted)
    return bool(_COMPARISONS[operator](version.key, wanted.key))


def _same_series(version: Version, wanted: Version) -> bool:
    """Return whether all numbers but the last one written in the constraint agree (``~> 1.9`` takes 1.10)."""
    fixed = max(len(wanted.numbers) - 1, 1)
    return version.key[0][:fixed] == wanted.key[0][:fixed]
