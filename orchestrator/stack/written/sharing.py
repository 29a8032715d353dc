"""States that two modules would share, each of which would then destroy what the other made. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from orchestrator.errors import Mistake, Place
from orchestrator.stack.expressions import locate_in, resolve
from orchestrator.stack.model import Json, Stack, UnitId
from orchestrator.stack.scope import state_scope_of
from orchestrator.stack.written.locating import located


def check_units(stack: Stack) -> Iterator[Mistake]:
    """Yield the first two modules of a stack that would share a state."""
    firsts: dict[str, UnitId] = {}
    for module in stack.modules if stack.state.backend != "local" else ():
        first = firsts.setdefault(_identity(stack, module.id), module.id)
        if first != module.id:
            message = f"{first} and {module.id} would share one state, and each would destroy the other's resources"
            yield Mistake(
                message=message,
                place=place_of(stack),
                hint="use ${{ unit }} in what names the state, such as the key",
            )
            return


def check_environments(stack: Stack, others: Iterable[Stack]) -> Iterator[Mistake]:
    """Yield states that ``stack`` shares with another environment of itself: each would undo the other."""
    for other in others:
        shared = _shared(stack, other) if other.environment != stack.environment else None
        if shared:
            pair = f"{stack.environment!r} and {other.environment!r}"
            yield Mistake(
                message=f"environments {pair} would share the state of {shared[0]}{_beside(stack, other)}",
                place=place_of(stack),
                hint="use ${{ environment }} in what names the state, such as the key",
            )


def check_stacks(stack: Stack, others: Iterable[Stack]) -> Iterator[Mistake]:
    """Yield the first state that ``stack`` shares with each other stack."""
    told: set[str] = set()
    for other in others:
        shared = _shared(stack, other) if other.name not in told else None
        if shared:
            told.add(other.name)
            theirs = f"{shared[1]} of {other.name}/{other.environment}"
            yield Mistake(
                message=f"{shared[0]} would share its state with {theirs}{_beside(stack, other)}",
                place=place_of(stack),
                hint="use ${{ stack }} in what names the state, such as the key",
            )


def place_of(stack: Stack) -> Place | None:
    """Return where it is written what locates the states of a stack."""
    return locate_in(stack.state.places)(("config",))


def _shared(stack: Stack, other: Stack) -> tuple[UnitId, UnitId] | None:
    """Return the first module of a stack, by name, whose state is that of a module of another."""
    own, theirs = _states(stack), _states(other)
    found = sorted((own[state], theirs[state]) for state in own.keys() & theirs.keys())
    return found[0] if found else None


def _beside(stack: Stack, other: Stack) -> str:
    """Return where the other one's state is written, if that is another place."""
    place = place_of(other)
    if place is None or place == place_of(stack):
        return ""
    return f" (see {place.file}:{place.line})"


def _states(stack: Stack) -> Mapping[str, UnitId]:
    """Return which module keeps its state where; what the local backend keeps is told apart by us."""
    if stack.state.backend == "local":
        return {}
    return {_identity(stack, module.id): module.id for module in stack.modules}


def _identity(stack: Stack, unit: UnitId) -> str:
    scope, locate = state_scope_of(stack, unit), locate_in(stack.state.places)
    config = resolve(dict(stack.state.config), scope, locate).value
    known = cast("dict[str, Json]", config)  # nothing that names a state is ever pending
    return json.dumps([stack.state.backend, located(stack.state.backend, known)], sort_keys=True)
