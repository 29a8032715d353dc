"""What the engine calls: prepare a unit's workspace, plan it, apply the plan, read its outputs."""

from orchestrator.infrastructure.applying import apply_module
from orchestrator.infrastructure.layout.beginnings import made_first
from orchestrator.infrastructure.layout.leftovers import sweep
from orchestrator.infrastructure.layout.occupancy import torn_before
from orchestrator.infrastructure.planning import (
    ModulePlan,
    discard_plan,
    plan_module,
    reopen_plan,
)
from orchestrator.infrastructure.running.side_by_side import at_once
from orchestrator.infrastructure.seals import as_sealed, seal_of
from orchestrator.infrastructure.shadow.called import reads_data
from orchestrator.infrastructure.shadow.planning import Unplannable, plan_shadow
from orchestrator.infrastructure.sources import locate
from orchestrator.infrastructure.states import holds_anything, read_outputs, state_stamp
from orchestrator.infrastructure.workspace import ModuleRequest, Site, Workspace, limits_of
from orchestrator.settings import Settings

__all__ = [
    "ModulePlan",
    "ModuleRequest",
    "Site",
    "Unplannable",
    "Workspace",
    "apply_module",
    "as_sealed",
    "discard_plan",
    "holds_anything",
    "limits_of",
    "made_first",
    "plan_module",
    "plan_shadow",
    "prepare",
    "read_outputs",
    "reads_data",
    "reopen_plan",
    "seal_of",
    "state_stamp",
    "sweep",
    "torn_before",
    "workers",
]


def prepare(request: ModuleRequest, site: Site) -> Workspace:
    """Find a module's files and say where it is worked on; fetches a source that the repository does not hold.

    Raises InvalidStack for a source that is not there, TerraformError for one that cannot be fetched.
    """
    return Workspace(
        unit=request.unit,
        site=site,
        module=locate(request, site),
        state=request.state,
        inputs=request.inputs,
    )


def workers(settings: Settings) -> int:
    """Return how many modules to work on at once."""
    del settings
    return at_once()
