"""What expressions can read, and what a reference reads in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from orchestrator.stack.model import DEFAULT_ENVIRONMENT, Json, Stack, UnitId
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.reference import ROOTS, Reference, spell


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Stands where only an apply can tell a part of a value."""


NOT_KNOWN: Final = NotKnown()

Partly: TypeAlias = "bool | int | float | str | NotKnown | list[Partly] | dict[str, Partly] | None"
"""JSON in which a value of a map or an element of a list may be unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a module; ``known`` is False while only an apply can tell all of the value.

    ``parts`` is what is known of it then, if it is a map or a list.
    """

    value: Json = None
    known: bool = True
    sensitive: bool = False
    parts: Partly = NOT_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What expressions can read; a field that is None cannot be read where this scope holds.

    ``outputs`` maps the name of every module of the stack to its outputs by name, or to None while nothing is
    known about them; ``unit`` is a unit's id.
    """

    stack: str
    environment: str
    revision: str | None = None
    unit: str | None = None
    vars: Mapping[str, Json] | None = None
    outputs: Mapping[str, Mapping[str, Output] | None] | None = None


def scope_of(
    stack: Stack,
    unit: UnitId | None = None,
    *,
    revision: str = "",
    outputs: Mapping[str, Mapping[str, Output] | None] | None = None,
) -> Scope:
    """Return what a unit of a stack can read, or what is no unit's own; without ``outputs`` before anything has run."""
    return Scope(
        stack=stack.name,
        environment=stack.environment,
        revision=revision,
        unit=unit,
        vars=stack.vars,
        outputs={module.name: None for module in stack.modules} if outputs is None else outputs,
    )


def state_scope_of(stack: Stack, unit: UnitId) -> Scope:
    """Return what names the state of a unit: nothing that changes with a commit or an apply."""
    return Scope(stack=stack.name, environment=stack.environment, unit=unit, vars=stack.vars)


class Missing(Exception):
    """A reference that reads nothing: the message and the hint of its mistake."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def look_up(reference: Reference, scope: Scope) -> Output:
    """Return what ``reference`` reads; raise Missing when there is no such thing."""
    match reference.root:
        case "vars" if scope.vars is not None:
            return _look_up_variable(reference, scope.vars, scope.environment)
        case "modules" if scope.outputs is not None:
            return _look_up_output(reference, scope.outputs)
        case "stack":
            return Output(value=scope.stack)
        case "environment":
            return Output(value=scope.environment)
        case "unit" if scope.unit is not None:
            return Output(value=scope.unit)
        case "revision" if scope.revision is not None:
            return Output(value=scope.revision)
        case root:
            raise Missing(
                f"{root!r} cannot be read here", f"what can: {', '.join(_readable(scope))}"
            )


def _look_up_variable(reference: Reference, values: Mapping[str, Json], environment: str) -> Output:
    name = str(reference.segments[0])
    if name not in values:
        where = "" if environment == DEFAULT_ENVIRONMENT else f" in environment {environment!r}"
        hint = did_you_mean(name, values, otherwise=f"add '{name}: VALUE' to 'vars'")
        raise Missing(f"there is no variable {name!r}{where}", hint)
    return _descend(Output(value=values[name]), reference, 1)


def _readable(scope: Scope) -> list[str]:
    return [
        root
        for root in ROOTS
        if getattr(scope, "outputs" if root == "modules" else root) is not None
    ]


def _look_up_output(
    reference: Reference, modules: Mapping[str, Mapping[str, Output] | None]
) -> Output:
    module, name = str(reference.segments[0]), str(reference.segments[1])
    if module not in modules:
        raise Missing(
            f"there is no module {module!r}",
            did_you_mean(module, modules, otherwise="this stack has none"),
        )
    outputs = modules[module]
    if outputs is None:
        return Output(known=False)
    if name not in outputs:
        hint = did_you_mean(name, outputs, otherwise=f"add an output {name!r} to the module")
        raise Missing(f"module {module!r} has no output {name!r}", hint)
    return _descend(outputs[name], reference, 2)


def _descend(output: Output, reference: Reference, start: int) -> Output:
    """Return what the segments from ``start`` on select inside ``output``."""
    value: Partly = cast(Partly, output.value) if output.known else output.parts
    for position in range(start, len(reference.segments)):
        if value is NOT_KNOWN:
            break
        value = _step(value, reference, position, secret=output.sensitive)
    if output.known or _known(value):
        return Output(value=cast(Json, value), sensitive=output.sensitive)
    return Output(known=False, sensitive=output.sensitive, parts=value)


def _known(part: Partly) -> bool:
    if isinstance(part, dict | list):
        return all(map(_known, part.values() if isinstance(part, dict) else part))
    return part is not NOT_KNOWN


def _step(value: Partly, reference: Reference, position: int, *, secret: bool) -> Partly:
    segment = reference.segments[position]
    where = spell(reference.root, reference.segments[:position])
    match value:
        case dict():
            key = str(segment)
            if key in value:
                return value[key]
            hint = "" if secret else did_you_mean(key, value, otherwise="the map is empty")
            raise Missing(f"{where} has no key {key!r}", hint)
        case list() if isinstance(segment, int):
            if segment < len(value):
                return value[segment]
            raise Missing(
                f"{where} has {len(value)} elements, so there is no [{segment}]",
                "the first one is [0]",
            )
        case list():
            raise Missing(
                f"{where} is a list and has no key {segment!r}",
                "read one element of it, such as [0]",
            )
        case _:
            raise Missing(
                f"{where} is neither a map nor a list, so {spell('', (segment,))} cannot be read",
                "",
            )
