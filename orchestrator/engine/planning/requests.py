"""What the infrastructure package is asked for: a module with its place, its source and its state."""

from pathlib import Path

from orchestrator.engine.planning.reached import state_of
from orchestrator.infrastructure.workspace import ModuleRequest
from orchestrator.stack.model import Module, Stack


def module_request(tree: Path, stack: Stack, module: Module) -> ModuleRequest:
    """Return the request for a module of a stack; raises InvalidStack when its state cannot be told."""
    return ModuleRequest(
        unit=module.id,
        tree=tree,
        directory=stack.directory,
        source=module.source,
        version=module.version,
        state=state_of(stack, module),
        place=module.places.get(("source",)),
        inputs={name: module.places["inputs", name] for name in module.inputs},
    )
