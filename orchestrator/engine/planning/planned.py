"""What a plan says of one module, and what is known of those that it needs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.plans.change import Action, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.expressions import Output
from orchestrator.stack.model import Json, UnitId

if TYPE_CHECKING:
    from orchestrator.infrastructure.modules import ModulePlan, Workspace

Saved = Callable[[UnitId, "Workspace"], "ModulePlan | None"]
"""Gives a module as an earlier plan has it, None where that plan has nothing of it."""

Outputs = Mapping[str, Mapping[str, Output] | None]
"""Outputs by module name; None while nothing is known about a module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What is known of the modules that another one needs: their outputs, and which of them are still to change.

    One that stays as it is counts as changing too where something that it needs does, as with `depends_on`.
    """

    outputs: Outputs
    moving: Collection[UnitId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModule:
    """One module's part of a plan; ``result`` is None while it has to wait for another module's apply.

    ``shadow`` is what could be planned all the same, to be looked at and not to be applied. ``inputs`` are the
    values that it was planned with, where all are known. ``state_stamp`` names the state that it was planned against,
    or that it had when it could not be planned.
    """

    unit_plan: UnitPlan
    workspace: "Workspace"
    result: "ModulePlan | None"
    state_stamp: str
    shadow: "ModulePlan | None" = None
    inputs: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> "ModulePlan | None":
        """Return what is known of its plan, or None."""
        return self.result or self.shadow

    @property
    def outputs(self) -> Mapping[str, Output] | None:
        """Return the outputs as planned, or None while nothing is known."""
        return self.shown.outputs if self.shown else None

    @property
    def stateless(self) -> bool:
        """Whether it was planned against no state at all."""
        return self.shown is not None and not self.shown.state_stamp

    @property
    def acts(self) -> bool:
        """Whether applying it would do anything, as far as is known."""
        return bool(self.shown and (self.shown.plan_file or self.shown.changes))

    @property
    def moves(self) -> bool:
        """Whether its resources change, or may: what needs it as a whole then waits to look at the world."""
        return bool(self.unit_plan.deferred or self.unit_plan.pending) or any(
            change.subject is Subject.RESOURCE and change.action not in _HARMLESS
            for change in self.unit_plan.changes
        )


_HARMLESS = frozenset({Action.NO_OP, Action.READ})


def outputs_of(modules: Mapping[UnitId, PlannedModule]) -> Outputs:
    """Return what is planned to come out of modules, by module name."""
    return {unit.partition(".")[2]: planned.outputs for unit, planned in modules.items()}
