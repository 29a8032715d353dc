"""A module's outputs as it declares them: Terraform keeps no output that is null, in its state or in an answer."""

from collections.abc import Mapping

from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.scope import Output


def with_nulls(workspace: Workspace, outputs: Mapping[str, Output]) -> Mapping[str, Output]:
    """Return outputs with a null for each that the module declares and that is not among them.

    For outputs of a module that is applied, or as planned: of any other, nothing is known that is not told.
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
