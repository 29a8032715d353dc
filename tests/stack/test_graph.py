"""The graph: what needs what, in which order, and cycles."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import InvalidStack, Place, UsageError
from orchestrator.stack.graph import Graph, Need, build_graph, with_needs
from orchestrator.stack.model import (
    Cluster,
    Ledger,
    ManifestSet,
    Module,
    Stack,
    State,
    Terraform,
    UnitId,
)
from orchestrator.stack.reference import Reference

_relaxed = settings(deadline=None, max_examples=150)


def stack(
    modules: tuple[Module, ...] = (),
    manifests: tuple[ManifestSet, ...] = (),
    cluster: Cluster | None = None,
) -> Stack:
    """Build a stack of these units."""
    return Stack(
        name="shop",
        environment="default",
        file="stack.yaml",
        vars={},
        state=State(),
        cluster=cluster or Cluster(),
        terraform=Terraform(),
        ledger=Ledger(remote=""),
        modules=modules,
        manifests=manifests,
    )


def module(name: str, *reads: str, needs: tuple[str, ...] = ()) -> Module:
    """Build a module that reads an output ``id`` of others."""
    return Module(
        name=name,
        source="./m",
        inputs={other: f"${{{{ modules.{other}.id }}}}" for other in reads},
        needs=tuple(UnitId(f"modules.{need}") for need in needs),
    )


def manifests(name: str, *needs: str) -> ManifestSet:
    """Build a manifest set."""
    return ManifestSet(name=name, path=name, needs=tuple(map(UnitId, needs)))


def test_units_come_after_what_they_need_and_otherwise_as_written() -> None:
    """Modules first; among units that could come next, the one that stands first in the file."""
    graph = build_graph(
        stack(
            (module("c", "a"), module("b"), module("a")),
            (manifests("y", "manifests.x"), manifests("x")),
        ),
        {},
    )
    assert graph.order == ("modules.b", "modules.a", "modules.c", "manifests.x", "manifests.y")
    assert graph.needs[UnitId("modules.c")] == ("modules.a",)
    assert graph.needed_by[UnitId("modules.a")] == ("modules.c",)


def test_every_need_has_its_reason() -> None:
    """A reference, a ``needs`` entry, a manifest and the cluster's address each say why."""
    whole = stack(
        (module("a"), module("b", "a"), module("c", needs=("a",))),
        (manifests("x"),),
        Cluster(server="${{ modules.a.endpoint }}"),
    )
    reference = Reference(root="modules", segments=("b", "url"), text="${{ modules.b.url }}")
    graph = build_graph(whole, {UnitId("manifests.x"): [(reference, None)]})
    assert graph.reason(UnitId("modules.b"), UnitId("modules.a")) == "reads modules.a.id"
    assert graph.reason(UnitId("modules.c"), UnitId("modules.a")) == "is told to wait for it"
    assert graph.reason(UnitId("manifests.x"), UnitId("modules.b")) == "reads modules.b.url"
    assert (
        graph.reason(UnitId("manifests.x"), UnitId("modules.a"))
        == "reaches its cluster by modules.a.endpoint"
    )


def test_a_selection_takes_along_what_it_needs() -> None:
    """``--only`` takes a unit and everything behind it, and nothing else."""
    graph = build_graph(
        stack(
            (module("a"), module("b", "a"), module("c")),
            (manifests("x", "modules.b"), manifests("y")),
        ),
        {},
    )
    assert graph.select(["manifests.x"]).order == ("modules.a", "modules.b", "manifests.x")
    assert graph.select(["c", "y"]).order == ("modules.c", "manifests.y")


def test_a_selection_to_destroy_takes_along_what_needs_it() -> None:
    """What a unit needs may be needed by others too; what needs the unit cannot stay without it."""
    graph = build_graph(
        stack(
            (module("a"), module("b", "a"), module("c")),
            (manifests("x", "modules.b"), manifests("y")),
        ),
        {},
    )
    assert graph.select_dependants(["b"]).order == ("modules.b", "manifests.x")
    assert graph.select_dependants(["c", "y"]).order == ("modules.c", "manifests.y")


def test_who_stands_on_a_unit_does_so_through_others_too() -> None:
    """By what it reads and by what it is told to wait for; a unit left out of the graph's part is nobody's way."""
    graph = build_graph(
        stack((module("a"), module("b", needs=("a",)), module("c", "b"), module("d"))), {}
    )
    found = graph.standing_on([UnitId("modules.a")])
    assert found == {"modules.a", "modules.b", "modules.c"}
    assert graph.standing_on([UnitId("modules.d")]) == {"modules.d"}
    assert graph.standing_on([]) == frozenset()


def test_an_unknown_unit_is_a_usage_error() -> None:
    """The nearest unit is named, and a name of two units has to be written out."""
    graph = build_graph(stack((module("web"),), (manifests("web"), manifests("shop"))), {})
    with pytest.raises(UsageError) as unknown:
        graph.select(["manifests.shp"])
    assert (unknown.value.message, unknown.value.hint) == (
        "there is no unit 'manifests.shp'",
        "did you mean 'manifests.shop'?",
    )
    with pytest.raises(UsageError) as twice:
        graph.select(["web"])
    assert (twice.value.message, twice.value.hint) == (
        "'web' names more than one unit",
        "write modules.web or manifests.web",
    )


def test_a_cycle_is_shown_as_its_path() -> None:
    """The units of a shortest cycle, the reasons, and where the first and the last of them are written."""
    first = Place(
        file="stack.yaml", line=5, column=12, text="    inputs: {b: '${{ modules.b.id }}'}"
    )
    last = Place(file="stack.yaml", line=8, column=12, text="    needs: [a]")
    whole = stack(
        (
            Module(
                name="a",
                source="./a",
                inputs={"b": "${{ modules.b.id }}"},
                places={("inputs", "b"): first},
            ),
            Module(
                name="b", source="./b", needs=(UnitId("modules.a"),), places={("needs", 0): last}
            ),
            module("c", "a"),
        )
    )
    with pytest.raises(InvalidStack) as caught:
        build_graph(whole, {})
    (mistake,) = caught.value.mistakes
    assert mistake.message == "these units wait for one another: modules.a → modules.b → modules.a"
    assert mistake.hint == (
        "take away one of these: modules.a reads modules.b.id, modules.b is told to wait for it"
    )
    assert (mistake.place, mistake.related) == (
        Place(file="stack.yaml", line=5, column=18, text=first.text),
        last,
    )


def test_a_unit_that_needs_itself_is_a_cycle() -> None:
    """A module cannot read its own outputs."""
    with pytest.raises(InvalidStack) as caught:
        build_graph(stack((module("a", "a"),)), {})
    assert (
        caught.value.mistakes[0].message
        == "these units wait for one another: modules.a → modules.a"
    )


def test_every_knot_of_cycles_is_told_once() -> None:
    """Two separate cycles are two mistakes; many cycles through the same units are one."""
    knot = (module("a", "b", "c"), module("b", "a", "c"), module("c", "a", "b"))
    with pytest.raises(InvalidStack) as caught:
        build_graph(stack((*knot, module("x", "y"), module("y", "x"))), {})
    assert [mistake.message.partition(": ")[2] for mistake in caught.value.mistakes] == [
        "modules.a → modules.b → modules.a",
        "modules.x → modules.y → modules.x",
    ]


@st.composite
def _edges(draw: st.DrawFn) -> list[tuple[int, int]]:
    size = draw(st.integers(1, 8))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    return draw(st.lists(pairs, max_size=14))


def _build(edges: list[tuple[int, int]]) -> Graph:
    names = sorted({end for edge in edges for end in edge})
    reads = {name: [f"m{other}" for unit, other in edges if unit == name] for name in names}
    return build_graph(stack(tuple(module(f"m{name}", *reads[name]) for name in names)), {})


@_relaxed
@given(_edges())
def test_an_order_respects_every_need_or_there_is_a_real_cycle(
    edges: list[tuple[int, int]],
) -> None:
    """Either every unit stands after all that it needs, or the cycle that is told consists of real needs."""
    named = {(f"modules.m{unit}", f"modules.m{need}") for unit, need in edges}
    try:
        graph = _build(edges)
    except InvalidStack as error:
        for mistake in error.mistakes:
            path = mistake.message.partition(": ")[2].split(" → ")
            assert path[0] == path[-1]
            assert all(step in named for step in pairwise(path))
        return
    position = {unit: index for index, unit in enumerate(graph.order)}
    assert all(position[UnitId(need)] < position[UnitId(unit)] for unit, need in named)
    assert len(graph.order) == len({end for edge in named for end in edge})


@_relaxed
@given(_edges(), st.data())
def test_a_selection_is_closed_and_smallest(
    edges: list[tuple[int, int]], data: st.DataObject
) -> None:
    """A selection has all that its units need, and nothing that none of them needs."""
    downward = [(max(edge), min(edge)) for edge in edges if edge[0] != edge[1]]
    graph = _build(downward)
    if not graph.order:
        return
    chosen = data.draw(st.sampled_from(graph.order))
    selected = graph.select([chosen])
    assert all(need in selected.order for unit in selected.order for need in graph.needs[unit])
    for unit in selected.order:
        assert unit == chosen or any(unit in graph.needs[other] for other in selected.order)
    assert selected.order == tuple(unit for unit in graph.order if unit in selected.order)


def test_needs_that_are_found_later_close_no_circle() -> None:
    """What stands in the stack file counts: a need that contradicts it is left out, any other is kept."""
    a, b, c = (UnitId(f"manifests.{name}") for name in "abc")
    whole = stack((), (manifests("a"), manifests("b", "manifests.a"), manifests("c")))
    why = Need(reason="has objects of it", reads=False)
    graph = with_needs(build_graph(whole, {}), whole, {a: {b: why, c: why}})
    assert graph.order == (c, a, b)
    assert graph.reason(a, c) == "has objects of it"
    assert b not in graph.edges[a]
