"""The graph of a stack's units: who needs whom and why, an order that respects it, and cycles.

Modules come before manifest sets, since infrastructure is one phase and workloads the next. Inside a phase a
reference is a need, and so is what ``needs`` says.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.errors import InvalidStack, Mistake, Place, UsageError
from orchestrator.stack.expressions import Reference, locate_in, references
from orchestrator.stack.model import ManifestSet, Module, Stack, Unit, UnitId
from orchestrator.stack.names import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Why one unit needs another: a few words, where that is written, and whether it reads anything of it."""

    reason: str
    place: Place | None = None
    reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Units and what they need.

    ``order`` has every unit after those that it needs, modules first, otherwise as in the file; ``edges``
    maps every unit to the units that it needs itself, in that order, with the first reason found for each.
    In a part of a graph a unit may need others that are not in its order.
    """

    order: tuple[UnitId, ...]
    edges: Mapping[UnitId, Mapping[UnitId, Need]]

    @property
    def needs(self) -> Mapping[UnitId, tuple[UnitId, ...]]:
        """Return what each unit needs itself, in the graph's order."""
        return {unit: tuple(self.edges[unit]) for unit in self.order}

    @property
    def needed_by(self) -> Mapping[UnitId, tuple[UnitId, ...]]:
        """Return which units need each unit themselves, in the graph's order."""
        return {
            unit: tuple(other for other in self.order if unit in self.edges[other])
            for unit in self.order
        }

    def reason(self, unit: UnitId, need: UnitId) -> str:
        """Return why ``unit`` needs ``need``, such as ``reads modules.network.vpc_id``."""
        return self.edges[unit][need].reason

    def select(self, only: Iterable[str]) -> "Graph":
        """Return the graph of the named units and all that they need; raise UsageError for an unknown one."""
        return self._closure(only, self.edges)

    def select_dependants(self, only: Iterable[str]) -> "Graph":
        """Return the graph of the named units and all that need them; raise UsageError for an unknown one."""
        return self._closure(only, self.needed_by)

    def standing_on(self, units: Iterable[UnitId]) -> frozenset[UnitId]:
        """Return these units and all that need one of them, themselves or through others."""
        reached = set(units)
        for unit in self.order:  # every unit stands behind those that it needs
            if not reached.isdisjoint(self.edges[unit]):
                reached.add(unit)
        return frozenset(reached)

    def restrict(self, units: Iterable[UnitId]) -> "Graph":
        """Return the graph of these units alone."""
        kept = set(units)
        order = tuple(unit for unit in self.order if unit in kept)
        return Graph(order=order, edges={unit: self.edges[unit] for unit in order})

    def _closure(
        self, only: Iterable[str], following: Mapping[UnitId, Iterable[UnitId]]
    ) -> "Graph":
        wanted = [unit_named(name, self.order) for name in only]
        kept: set[UnitId] = set()
        while wanted:
            unit = wanted.pop()
            if unit not in kept:
                kept.add(unit)
                wanted.extend(following[unit])
        return self.restrict(kept)


def unit_named(name: str, units: Collection[UnitId]) -> UnitId:
    """Return the unit that is meant by its id or its name; raise UsageError for an unknown one."""
    same = [unit for unit in units if name in {unit, unit.partition(".")[2]}]
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(f"{name!r} names more than one unit", hint=f"write {' or '.join(same)}")
    raise UsageError(f"there is no unit {name!r}", hint=did_you_mean(name, units))


def build_graph(
    stack: Stack, found: Mapping[UnitId, Iterable[tuple[Reference, Place | None]]]
) -> Graph:
    """Return the graph of a stack; ``found`` are the references of its manifests, by manifest set.

    What the stack file itself refers to is found here. Raises InvalidStack with every cycle.
    """
    positions = {unit.id: index for index, unit in enumerate(stack.units)}
    edges = {unit.id: _edges(stack, unit, found.get(unit.id, ())) for unit in stack.units}
    edges = {
        unit: {
            need: needs[need]
            for need in sorted(needs.keys() & positions, key=positions.__getitem__)
        }
        for unit, needs in edges.items()
    }
    cycles = tuple(_cycles(edges))
    if cycles:
        raise InvalidStack(tuple(_cycle_mistake(cycle, edges) for cycle in cycles))
    return Graph(order=_order(edges, positions), edges=edges)


def with_needs(graph: Graph, stack: Stack, more: Mapping[UnitId, Mapping[UnitId, Need]]) -> Graph:
    """Return the graph with further needs, but for those that would close a circle with what it has."""
    positions = {unit.id: index for index, unit in enumerate(stack.units)}
    edges = {unit: dict(needs) for unit, needs in graph.edges.items()}
    for unit, needs in more.items():
        for need, reason in needs.items():
            if need not in edges[unit] and _shortest_way(edges, need, unit) is None:
                edges[unit][need] = reason
    ordered = {
        unit: {need: needs[need] for need in sorted(needs, key=positions.__getitem__)}
        for unit, needs in edges.items()
    }
    return Graph(order=_order(ordered, positions), edges=ordered)


def references_in(stack: Stack, unit: Unit) -> tuple[tuple[Reference, Place | None], ...]:
    """Return what the stack file itself says that a unit reads: inputs, namespace, the cluster's address.

    Raises InvalidStack for expressions that cannot be read.
    """
    cluster = _cluster_references(stack) if isinstance(unit, ManifestSet) else ()
    return (*_references(unit), *cluster)


def _edges(
    stack: Stack, unit: Unit, found: Iterable[tuple[Reference, Place | None]]
) -> dict[UnitId, Need]:
    edges: dict[UnitId, Need] = {}
    for reference, place in (*_references(unit), *found):
        if reference.unit:
            edges.setdefault(reference.unit, Need(reason=f"reads {reference.path}", place=place))
    for index, need in enumerate(unit.needs):
        place = locate_in(unit.places)(("needs", index))
        edges.setdefault(need, Need(reason="is told to wait for it", place=place, reads=False))
    if isinstance(unit, ManifestSet):
        for reference, place in _cluster_references(stack):
            if reference.unit:
                reason = f"reaches its cluster by {reference.path}"
                edges.setdefault(reference.unit, Need(reason=reason, place=place))
    return edges


def _references(unit: Unit) -> Iterator[tuple[Reference, Place | None]]:
    key = "inputs" if isinstance(unit, Module) else "namespace"
    value = dict(unit.inputs) if isinstance(unit, Module) else unit.namespace
    locate = locate_in(unit.places, (key,))
    for path, reference in references(value, locate):
        yield reference, locate(path, within=reference.text)


def _cluster_references(stack: Stack) -> Iterator[tuple[Reference, Place | None]]:
    cluster = stack.cluster
    locate = locate_in(cluster.places)
    for path, reference in references(cluster.address, locate):
        yield reference, locate(path, within=reference.text)


def _order(
    edges: Mapping[UnitId, Mapping[UnitId, Need]], positions: Mapping[UnitId, int]
) -> tuple[UnitId, ...]:
    """Take, again and again, the first unit of the file that needs nothing which is not taken yet."""
    left = {unit: len(needs) for unit, needs in edges.items()}
    needed_by: dict[UnitId, list[UnitId]] = {unit: [] for unit in edges}
    for unit, needs in edges.items():
        for need in needs:
            needed_by[need].append(unit)
    units, order = list(edges), list[UnitId]()
    ready = [positions[unit] for unit, count in left.items() if not count]
    while ready:
        taken = units[heapq.heappop(ready)]
        order.append(taken)
        for unit in needed_by[taken]:
            left[unit] -= 1
            if not left[unit]:
                heapq.heappush(ready, positions[unit])
    return tuple(order)


def _cycles(edges: Mapping[UnitId, Mapping[UnitId, Need]]) -> Iterator[tuple[UnitId, ...]]:
    """Yield a shortest cycle through the first unit of each knot of cycles; it starts and ends with that unit."""
    told: set[UnitId] = set()
    for unit in edges:
        cycle = None if unit in told else _shortest_way(edges, unit, unit)
        if cycle:
            yield cycle
            reached = {other for other in edges if _shortest_way(edges, unit, other)}
            told |= {other for other in reached if _shortest_way(edges, other, unit)}


def _shortest_way(
    edges: Mapping[UnitId, Mapping[UnitId, Need]], start: UnitId, end: UnitId
) -> tuple[UnitId, ...] | None:
    paths: list[tuple[UnitId, ...]] = [(start, need) for need in edges[start]]
    seen: set[UnitId] = set()
    for path in paths:  # grows while it is walked: breadth first
        if path[-1] == end:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            paths.extend((*path, need) for need in edges[path[-1]])
    return None


def _cycle_mistake(
    cycle: tuple[UnitId, ...], edges: Mapping[UnitId, Mapping[UnitId, Need]]
) -> Mistake:
    steps = [(unit, edges[unit][need]) for unit, need in pairwise(cycle)]
    reasons = ", ".join(f"{unit} {need.reason}" for unit, need in steps)
    return Mistake(
        message=f"these units wait for one another: {' → '.join(cycle)}",
        place=steps[0][1].place,
        hint=f"take away one of these: {reasons}",
        related=steps[-1][1].place if len(steps) > 1 else None,
    )
