"""What a module declares, read from its files without running anything, and what a stack's use of it gets wrong."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import Mistake, Place
from orchestrator.infrastructure.reading.hcl import Block, Unreadable, literal, read_blocks
from orchestrator.stack.links import trail
from orchestrator.stack.model import Module, UnitId
from orchestrator.stack.names import did_you_mean, nearest
from orchestrator.stack.reference import Reference

_TYPES = ("variable", "output", "module")
_VARIABLE_PREFIX = "TF_VAR_"
_VARIABLE_FILES = re.compile(r"terraform\.tfvars(\.json)?|.*\.auto\.tfvars(\.json)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An input of a module; it is required when it has no default, and in no plan file when it is ephemeral.

    ``type`` is what is written for it.
    """

    name: str
    required: bool
    sensitive: bool
    ephemeral: bool
    place: Place
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredOutput:
    """An output of a module; ``value`` is the expression of it, and ``typed`` says that a type changes that."""

    name: str
    sensitive: bool
    place: Place
    value: str = ""
    typed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """What a module declares, by name; ``calls`` maps the names of modules that it calls to their sources.

    ``versions`` maps these names to what is asked of a registry, empty where nothing is, or nothing that is plain text.
    ``complete`` is false when a file could not be read as Terraform's language: then nothing is concluded
    from what is missing here, and Terraform says what is wrong with the file. ``variable_files`` are files
    with values that a unit does not read.
    """

    shown_as: str
    variables: Mapping[str, Variable] = field(default_factory=dict)
    outputs: Mapping[str, DeclaredOutput] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    variable_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Directories of a tree whose modules one calls, and the links through which it does; relative to the tree."""

    directories: tuple[str, ...]
    links: frozenset[str]


def declared(directory: Path, shown_as: str) -> Declarations:
    """Return what the module in ``directory`` declares; people know that directory as ``shown_as``.

    Override files change what the others declare, as Terraform merges them.
    """
    blocks: dict[tuple[str, str], Block] = {}
    complete = True
    for file in _files(directory):
        shown = f"{shown_as}/{file.name}" if shown_as not in {"", "."} else file.name
        try:
            _merge(blocks, _blocks(file, shown), overriding=is_override(file.name))
        except (Unreadable, OSError, UnicodeDecodeError):
            complete = False
    variable_files = (name for name in _names(directory) if _VARIABLE_FILES.fullmatch(name))
    return Declarations(
        shown_as=shown_as,
        variables=_named(blocks, "variable", _variable),
        outputs=_named(blocks, "output", _output),
        calls=_named(blocks, "module", lambda block: _plain(block, "source")),
        versions=_named(blocks, "module", lambda block: _plain(block, "version")),
        complete=complete,
        variable_files=tuple(variable_files),
    )


def called_directories(directory: Path, tree: Path) -> tuple[str, ...]:
    """Return the directories of a tree whose modules the one in ``directory`` calls, directly or not, sorted.

    They are relative to the tree; sources that lead out of it are left to Terraform.
    """
    return called(directory, tree).directories


def called(directory: Path, tree: Path) -> Called:
    """Return what ``called_directories`` does, with the links on the way there."""
    found, links = {directory}, set[str]()
    waiting = [directory]
    while waiting:
        calling = waiting.pop()
        for source in declared(calling, "").calls.values():
            place = (calling / source).resolve()
            local = source in {".", ".."} or source.startswith(("./", "../"))
            if not local or not place.is_relative_to(tree) or not place.is_dir():
                continue
            if os.path.normpath(calling / source) != str(place):
                links |= {*trail(tree, f"{calling.relative_to(tree).as_posix()}/{source}").links}
            if place not in found:
                found.add(place)
                waiting.append(place)
    directories = sorted(path.relative_to(tree).as_posix() for path in found - {directory})
    return Called(directories=tuple(directories), links=frozenset(links))


def check_inputs(
    module: Module, declarations: Declarations, *, passes: tuple[str, ...] = ()
) -> tuple[Mistake, ...]:
    """Return what is wrong with a module's inputs: names that it does not declare, and missing ones.

    ``passes`` are the environment variables that the stack passes on: ``TF_VAR_x`` gives ``x`` too.
    """
    if not declarations.complete:
        return ()
    given = {*module.inputs, *(name.removeprefix(_VARIABLE_PREFIX) for name in passes)}
    undeclared = [name for name in module.inputs if name not in declarations.variables]
    misspelt = {nearest(name, declarations.variables) for name in undeclared}
    missing = [
        one
        for one in declarations.variables.values()
        if one.required and one.name not in given and one.name not in misspelt
    ]
    return (
        *(_undeclared(module, name, declarations) for name in undeclared),
        *(_missing(module, variable, declarations) for variable in missing),
    )


def check_outputs(
    unit: UnitId, references: Iterable[tuple[Reference, Place | None]], declarations: Declarations
) -> tuple[Mistake, ...]:
    """Return a mistake for every reference to an output of the module ``unit`` that it does not declare."""
    if not declarations.complete:
        return ()
    return tuple(
        Mistake(
            message=f"{unit} has no output {reference.output!r}",
            place=place,
            hint=did_you_mean(
                reference.output,
                declarations.outputs,
                otherwise=f"{declarations.shown_as} declares {len(declarations.outputs) or 'no'} outputs",
            ),
        )
        for reference, place in references
        if reference.unit == unit
        and reference.output is not None
        and reference.output not in declarations.outputs
    )


def is_override(name: str) -> bool:
    """Whether a file of that name changes what the others declare."""
    stem = name.partition(".")[0] if name.count(".") == 1 else name.rsplit(".", 2)[0]
    return stem == "override" or stem.endswith("_override")


def _undeclared(module: Module, name: str, declarations: Declarations) -> Mistake:
    otherwise = f"{declarations.shown_as} declares {len(declarations.variables) or 'no'} variables"
    return Mistake(
        message=f"{module.id} has no input {name!r}",
        place=_key_place(module, name),
        hint=did_you_mean(name, declarations.variables, otherwise=otherwise),
    )


def _missing(module: Module, variable: Variable, declarations: Declarations) -> Mistake:
    hint = f"write it under `inputs` of {module.id}"
    if declarations.variable_files:
        hint += f"; {', '.join(declarations.variable_files)} beside the module is not read"
    return Mistake(
        message=f"input {variable.name!r} of {module.id} is missing",
        place=_place(module, ("inputs",), ("source",)),
        hint=hint,
        related=variable.place,
    )


def _key_place(module: Module, name: str) -> Place | None:
    """Return where an input's name stands: the places of a unit are those of its values."""
    place = _place(module, ("inputs", name), ("inputs",))
    if place is None or place.text.startswith(f"{name}:", place.column - 1):
        return place
    column = place.text.rfind(name, 0, place.column - 1) + 1
    return replace(place, column=column) if column else place


def _place(module: Module, *paths: tuple[str | int, ...]) -> Place | None:
    return next((module.places[path] for path in (*paths, ()) if path in module.places), None)


def _names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if not entry.name.startswith("."))


def _files(directory: Path) -> list[Path]:
    """Return the configuration in Terraform's order: override files last; OpenTofu's own names win over the same."""
    names = _names(directory)
    own = {name for name in names if name.endswith((".tofu", ".tofu.json"))}
    replaced = {name.replace(".tofu", ".tf") for name in own}
    chosen = [name for name in names if name.endswith((".tf", ".tf.json")) and name not in replaced]
    files = [directory / name for name in (*chosen, *sorted(own))]
    return sorted(files, key=lambda file: (is_override(file.name), file.name))


def _merge(
    blocks: dict[tuple[str, str], Block], found: Iterable[Block], *, overriding: bool
) -> None:
    for block in found:
        if len(block.labels) != 1:
            raise Unreadable
        key = (block.type, block.labels[0])
        if not overriding:
            blocks[key] = block
        elif key in blocks:
            known = blocks[key]
            blocks[key] = replace(known, attributes={**known.attributes, **block.attributes})


def _named(
    blocks: Mapping[tuple[str, str], Block], type_: str, make: Callable[[Block], Any]
) -> dict[str, Any]:
    return {name: make(block) for (kind, name), block in blocks.items() if kind == type_}


def _variable(block: Block) -> Variable:
    return Variable(
        name=block.labels[0],
        required="default" not in block.attributes,
        sensitive=_sensitive(block),
        ephemeral=_marked(block, "ephemeral"),
        place=block.place,
        type=block.attributes.get("type", ""),
    )


def _output(block: Block) -> DeclaredOutput:
    return DeclaredOutput(
        name=block.labels[0],
        sensitive=_sensitive(block),
        place=block.place,
        value=block.attributes.get("value", ""),
        typed="type" in block.attributes,
    )


def _plain(block: Block, name: str) -> str:
    return str(literal(block.attributes.get(name, "")) or "")


def _sensitive(block: Block) -> bool:
    """Whether a value is a secret; what is ephemeral is meant to be nowhere at all."""
    return _marked(block, "sensitive") or _marked(block, "ephemeral")


def _marked(block: Block, name: str) -> bool:
    return literal(block.attributes.get(name, "")) in {True, "true"}


def _blocks(file: Path, shown: str) -> Iterable[Block]:
    text = file.read_text(encoding="utf-8")
    return (
        _json_blocks(text, shown)
        if file.name.endswith(".json")
        else read_blocks(text, shown, _TYPES)
    )


def _json_blocks(text: str, shown: str) -> Iterator[Block]:
    """Read the JSON syntax: a block is a property, several of a type an object or a list of objects."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Unreadable from error
    for type_, labelled in _properties(document):
        if type_ not in _TYPES:
            continue
        for name, body in _properties(labelled):
            attributes = {key: json.dumps(value) for key, value in _properties(body)}
            yield Block(
                type=type_,
                labels=(name,),
                place=_json_place(text, shown, name),
                attributes=attributes,
            )


def _properties(value: Any) -> Iterator[tuple[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            raise Unreadable
        yield from ((key, inner) for key, inner in item.items() if key != "//")


def _json_place(text: str, shown: str, name: str) -> Place:
    found = re.search(rf"{re.escape(json.dumps(name))}\s*:", text)
    start = found.start() if found else 0
    line_start = text.rfind("\n", 0, start) + 1
    return Place(
        file=shown,
        line=text.count("\n", 0, start) + 1,
        column=start - line_start + 1,
        text=text[line_start:].partition("\n")[0].rstrip("\r"),
    )
