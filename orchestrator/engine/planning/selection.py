"""Which units a plan is about, as a person or the agent asked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.graph import Graph

if TYPE_CHECKING:
    from orchestrator.engine.planning.affected import Affected


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to plan: everything, or the units named in ``only`` with all that goes with them; or its destruction.

    ``since`` names a revision and takes what changed after it; such a plan is there to be looked at.
    ``refresh`` says whether to look at what really exists of the infrastructure. ``acknowledged`` is what a person
    named that a plan would be refused for otherwise.
    """

    only: tuple[str, ...] = ()
    since: str = ""
    destroy: bool = False
    refresh: bool = True
    acknowledged: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether this is an apply of everything that there is."""
        return not (self.only or self.since or self.destroy)


def chosen(graph: Graph, selection: Selection, touched: "Affected | None") -> Graph:
    """Return the part of a graph that is to be planned."""
    if touched is not None:
        return graph.restrict(touched.units)
    if not selection.only:
        return graph
    if selection.destroy:  # what they need may be needed by others too; what needs them would break
        return graph.select_dependants(selection.only)
    return graph.select(selection.only)


def selected(ledger: LedgerState, selection: Selection, graph: Graph) -> tuple[OwnedObject, ...]:
    """Return the objects of the inventory that a plan of this part of the graph is about."""
    if not selection.only:
        return ledger.believed
    return tuple(owned for owned in ledger.believed if owned.unit in graph.order)
