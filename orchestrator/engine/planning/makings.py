"""What a unit is made of at one revision, and in what it differs from another: its words, its files, what it reads."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from orchestrator.engine.planning.paths import leading_to_cluster
from orchestrator.engine.planning.reached import kubeconfig_of, program_of
from orchestrator.engine.planning.requests import module_request
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.infrastructure.fetching import immutable
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.moving import moving_call
from orchestrator.infrastructure.outside import leading_outside
from orchestrator.infrastructure.sources import locate_local
from orchestrator.infrastructure.traces import LOCK_FILE, files_of
from orchestrator.stack.links import is_file, trails
from orchestrator.stack.model import Module, Stack, Unit

_MOST_FILES_NAMED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Makings:
    """What decides about a unit's plan as far as Git knows it.

    ``said`` maps what people know it as (``its entry in the stack file``, ``vars.domain``) to its value;
    ``files`` maps paths, relative to the repository's root, to hashes. ``elsewhere`` says why more than that
    may decide, such as a source that moves without a change here, and is empty otherwise.
    """

    said: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""


def makings_of(tree: Path, wanted: Wanted, unit: Unit) -> Makings:
    """Return what a unit is made of in the tree of a revision."""
    stack = wanted.stack
    said = {
        "its entry in the stack file": _canonical(_entry(unit)),
        **{name: _canonical(value) for name, value in _settings(tree, stack, unit)},
        **{path: _canonical(value) for path, value in _read(wanted, unit)},
    }
    if not isinstance(unit, Module):
        files = {document.source.source.file for document in wanted.documents[unit.id]}
        files |= leading_to_cluster(tree, kubeconfig_of(stack))
        return Makings(said=said, files=dict(_hashes(tree, files)))
    program = program_of(stack, unit)
    run_by = dict(_hashes(tree, {program} if program else set()))
    if not unit.local:
        moves = "" if immutable(unit.source, unit.version) else "its source names no fixed version"
        return Makings(said=said, files=run_by, elsewhere=moves)
    located = locate_local(module_request(tree, stack, unit))
    code = frozenset(files_of(located))
    return Makings(
        said=said,
        files=run_by | dict(_hashes(tree, {*code, f"{located.path}/{LOCK_FILE}"})),
        elsewhere=_elsewhere(tree, located, unit, code),
    )


def _elsewhere(tree: Path, located: Located, module: Module, code: frozenset[str]) -> str:
    """Return what else may decide about a module of the repository than its files, or an empty text."""
    if leading := leading_outside(tree, code, dict(module.inputs)):
        return f"{leading} may lead to files outside of its directory"
    if moving := moving_call(tree, {located.path, *located.calls}):
        return f"the source of {moving} names no fixed version"
    return ""


def difference(before: Makings, now: Makings) -> str:
    """Return in what two makings differ, as people say it, or an empty text."""
    # A variable that is read on one side alone: the words that read it changed, which says it all.
    parts = sorted(
        name for name in before.said.keys() & now.said if before.said[name] != now.said[name]
    )
    files = sorted(
        name
        for name in {*before.files, *now.files}
        if before.files.get(name) != now.files.get(name)
    )
    parts += files[:_MOST_FILES_NAMED]
    more = len(files) - _MOST_FILES_NAMED
    if more > 0:
        parts.append(f"{more} more file{'s' if more > 1 else ''}")
    if parts:
        return f"{_listed(parts)} changed"
    return now.elsewhere or before.elsewhere


def _listed(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _entry(unit: Unit) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(unit).items() if name != "places"}


def _settings(tree: Path, stack: Stack, unit: Unit) -> Iterator[tuple[str, Any]]:
    """Yield what the stack says for all units of a kind; where something stands is no part of it."""
    if isinstance(unit, Module):
        state = module_request(tree, stack, unit).state
        yield "the stack's state", [state.backend, state.config]
        yield "the stack's terraform", dataclasses.asdict(stack.terraform)
    else:
        yield "the stack's cluster", [stack.cluster.sandbox, stack.cluster.address]


def _read(wanted: Wanted, unit: Unit) -> Iterator[tuple[str, Any]]:
    for reference, _ in wanted.references[unit.id]:
        if reference.root == "vars":
            name = str(reference.segments[0])
            yield f"vars.{name}", wanted.stack.vars.get(name)
        elif reference.root == "revision":
            yield "revision", os.urandom(8).hex()  # it is another one for every commit


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _hashes(tree: Path, files: set[str]) -> Iterator[tuple[str, str]]:
    """Yield files with hashes, links with where they lead, and the files at the end of links, each by its own path."""
    for _, found in trails(tree, sorted(files)):
        for link in found.links:
            yield link, os.fspath((tree / link).readlink())
        if found.end is not None and is_file(path := tree / found.end):
            yield found.end, hashlib.sha256(path.read_bytes()).hexdigest()
