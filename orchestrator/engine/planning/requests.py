"""What the infrastructure package is asked for: a module with its place, its source and its state."""

from pathlib import Path
from typing import cast

from orchestrator.errors import InvalidStack
from orchestrator.infrastructure.workspace import ModuleRequest
from orchestrator.stack.expressions import locate_in, resolve
from orchestrator.stack.model import Json, Module, Stack, State
from orchestrator.stack.scope import state_scope_of


def module_request(tree: Path, stack: Stack, module: Module) -> ModuleRequest:
    """Return the request for a module of a stack; raises InvalidStack when its state cannot be told."""
    return ModuleRequest(
        unit=module.id,
        tree=tree,
        directory=stack.directory,
        source=module.source,
        version=module.version,
        state=_state(stack, module),
        place=module.places.get(("source",)),
        inputs={name: module.places["inputs", name] for name in module.inputs},
    )


def program_of(stack: Stack, module: Module) -> str:
    """Return the program of the repository that runs a module, from its root; empty for one from elsewhere."""
    chosen = module.terraform.over(stack.terraform) if module.terraform else stack.terraform
    here = "/" in chosen.binary and not chosen.binary.startswith(("/", "~"))
    return chosen.binary if here else ""


def _state(stack: Stack, module: Module) -> State:
    locate = locate_in(stack.state.places, ("config",))
    resolution = resolve(dict(stack.state.config), state_scope_of(stack, module.id), locate)
    if resolution.mistakes:
        raise InvalidStack(resolution.mistakes)
    return State(
        backend=stack.state.backend,
        config=cast("dict[str, Json]", resolution.value),
        places=stack.state.places,
    )
