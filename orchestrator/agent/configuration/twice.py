"""Whether two repositories of the agent's file are one, and keep one stack: each would undo what the other does."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePosixPath
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from orchestrator.errors import Mistake
from orchestrator.stack.written.sections import Section

_SHORT: Final = re.compile(r"^(?:[^@/:]+@)?([^@/:]+):(?!//)(.+)$")
"""An address over SSH as Git takes it, such as ``git@git.example.org:shop.git``."""

_ALL: Final = "*"

Environments: TypeAlias = tuple[str, ...] | None
"""Those of a stack that are kept; None for all that it declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a repository of the file keeps: its stacks by name, None for all of them below its path."""

    section: Section
    path: PurePosixPath
    stacks: Mapping[str, Environments] | None
    otherwise: Environments

    @property
    def name(self) -> str:
        return str(self.section.path[-1])

    def environments(self, stack: str) -> Environments:
        return self.otherwise if self.stacks is None else self.stacks[stack]


def kept_twice(top: Section) -> Iterator[Mistake]:
    """Yield what two repositories of one address both keep: its ledger is one, whatever their branches are."""
    otherwise = _environments(top.below("defaults"), None)
    found: dict[tuple[str, str], list[_Kept]] = {}
    for section in top.below("repositories").entries():
        if section.text("url"):
            found.setdefault(_address(section.text("url")), []).append(_kept(section, otherwise))
    for entries in found.values():
        for first, second in combinations(entries, 2):
            if common := _common(first, second):
                message = (
                    f"{first.name} keeps {common} as well, of the same repository:"
                    " each would undo what the other does"
                )
                hint = "name in `stacks` of both which ones each is to keep, or give them folders apart (`path`)"
                place = top.document.place(second.section.path, key=True)
                yield Mistake(message=message, place=place, hint=hint)


def _kept(section: Section, otherwise: Environments) -> _Kept:
    stacks = section.below("stacks")
    named = {str(each.path[-1]): _environments(each, otherwise) for each in stacks.entries()}
    path = PurePosixPath(section.text("path"))
    return _Kept(section=section, path=path, stacks=named or None, otherwise=otherwise)


def _environments(section: Section, otherwise: Environments) -> Environments:
    return section.texts("environments") or otherwise


def _common(first: _Kept, second: _Kept) -> str:
    """Return in words what both keep, empty for nothing."""
    for stack in sorted(_stacks(first, second)):
        one, other = first.environments(stack), second.environments(stack)
        both = sorted({*one} & {*other}) if one and other else one or other or (_ALL,)
        if both:
            return "all stacks" if (stack, both[0]) == (_ALL, _ALL) else f"{stack}/{both[0]}"
    return ""


def _stacks(first: _Kept, second: _Kept) -> Iterable[str]:
    """Return the stacks that both keep; where both name theirs, a name is one stack wherever its file is."""
    if first.stacks is not None and second.stacks is not None:
        return first.stacks.keys() & second.stacks.keys()
    if not (first.path.is_relative_to(second.path) or second.path.is_relative_to(first.path)):
        return ()
    return first.stacks or second.stacks or (_ALL,)


def _address(url: str) -> tuple[str, str]:
    """Return the host and path of an address, alike for the ways in which one repository may be written."""
    if short := _SHORT.match(url):
        host, path = short.groups()
    else:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], parts.path
    return host.lower(), path.strip("/").removesuffix(".git")
