"""Running one of Terraform's own commands in a unit's directory, on the terminal or pipes of whoever asked."""

from collections.abc import Mapping, Sequence

from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.planning import scratch, write_variables
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.infrastructure.running.initialisation import initialise_on_need
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.processes import Command, attach
from orchestrator.stack.model import Json


def run_attached(
    workspace: Workspace, arguments: Sequence[str], *, inputs: Mapping[str, Json] | None
) -> int:
    """Run a command with our own streams and return its exit code, negative for a signal.

    The directory is initialised first. ``inputs`` are given to a command that takes them. What it prints is
    its own: nothing of it is redacted. Raises TerraformError, Interrupted, StorageError.
    """
    with occupied(workspace):
        initialise_on_need(workspace)
        if inputs is None:
            return _attached(workspace, arguments)
        with scratch(workspace) as folder:
            file = write_variables(folder, inputs)
            command, *rest = arguments
            return _attached(workspace, (command, f"-var-file={file}", *rest))


def _attached(workspace: Workspace, arguments: Sequence[str]) -> int:
    site = workspace.site
    environment = child_environment(
        site.settings.environment,
        site.passes,
        TF_DATA_DIR=str(workspace.data),
        TF_IN_AUTOMATION="",  # a person reads what it says, and may be asked
        TF_INPUT="1",
    )
    command = Command(
        argv=(*site.binary.argv, *arguments),
        directory=workspace.directory,
        environment=environment,
    )
    return attach(command, stop=site.stop)
