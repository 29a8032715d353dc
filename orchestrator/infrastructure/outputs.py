"""A module's outputs as it declares them, where an answer or a plan of Terraform leaves something open."""

from collections.abc import Callable, Mapping
from functools import cache

from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.reading.shapes import UNTOLD, Shape, shape_of
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.scope import Output


def with_nulls(workspace: Workspace, outputs: Mapping[str, Output]) -> Mapping[str, Output]:
    """Return outputs with a null for each that the module declares and that is not among them.

    Terraform keeps none that is null, in its state or in an answer. For outputs of a module that is applied, or as
    planned: of any other, nothing is known that is not told.
    """
    declarations = declared(workspace.module.directory, "")
    if not declarations.complete:
        return outputs
    nulls = {
        name: Output(sensitive=output.sensitive)
        for name, output in declarations.outputs.items()
        if name not in outputs
    }
    return {**outputs, **nulls}


def shapes(workspace: Workspace) -> Callable[[str], Shape]:
    """Return what tells, of an output by its name, which lists in it are certain to be lists.

    The module's files are read when it is asked first.
    """
    declarations = cache(lambda: declared(workspace.module.directory, ""))

    def shape(name: str) -> Shape:
        output = declarations().outputs.get(name)
        if output is None or output.typed:
            return UNTOLD
        variables = declarations().variables
        types = {each: variable.type for each, variable in variables.items()}
        return shape_of(output.value, types)

    return shape
