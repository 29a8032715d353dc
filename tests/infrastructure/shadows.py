"""Planning before what a module waits for is known, as tests of it do, and looks at what came out."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.infrastructure.modules import ModulePlan, Workspace
from orchestrator.infrastructure.shadow.planning import Unplannable, plan_shadow
from orchestrator.plans.change import Change
from orchestrator.plans.values import Unknown
from orchestrator.stack.expressions import Pending, Tree
from tests.infrastructure.ground import Ground

VPC = Pending(references=("modules.network.vpc",))
"""An input that is not known yet."""

WAITS = Unknown(sources=("modules.network.vpc",))
"""What comes of it."""


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder with what is in them."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def shadow(ground: Ground, workspace: Workspace, inputs: Mapping[str, Tree]) -> ModulePlan:
    """Plan a module of whose inputs something is pending; that has to be possible."""
    plan = plan_shadow(workspace, inputs, on_event=ground.events.append)
    assert isinstance(plan, ModulePlan), plan
    return plan


def refused(ground: Ground, workspace: Workspace, inputs: Mapping[str, Tree]) -> str:
    """Plan a module that cannot be planned yet, and return why."""
    plan = plan_shadow(workspace, inputs, on_event=ground.events.append)
    assert isinstance(plan, Unplannable), plan
    return plan.why


def after(change: Change) -> dict[str, object]:
    """Return the new values of a change by path."""
    return {item.path: item.after for item in change.fields}
