"""What the ledger knows after any number of a run's entries: enough to go on, wherever the run died."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ledger.encoding import decode_state, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState, UnitRecord
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.stack.model import UnitId
from tests.ledger.builders import deployment, entry, owned, record
from tests.ledger.test_fold import histories, relaxed

_NAMES = ("api", "db", "web", "worker")
_SETS = ("manifests.left", "manifests.right")
WANTED = st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_SETS), max_size=4)
"""Which objects a revision wants, and the set that declares each."""


@relaxed
@given(histories(), st.data())
def test_a_state_that_was_stored_is_as_good_as_the_entries_before_it(
    history: Sequence[Entry], data: st.DataObject
) -> None:
    """Wherever a history is parted, and however often, folding goes on from what was written there."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(history)), max_size=3)))
    state = LedgerState()
    for begin, end in zip([0, *cuts], [*cuts, len(history)], strict=True):
        state = decode_state(encode_state(reduce(fold, history[begin:end], state)))
    assert state == fold_all(history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that became known in a run."""

    unit: UnitRecord | None = None
    owned: OwnedObject | None = None
    deleted: ObjectRef | None = None


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """Draw what became known in a run, in its order: each unit and each object once, a deletion before a creation."""
    units = draw(st.lists(st.sampled_from(_SETS), unique=True))
    outcomes = st.sampled_from([Outcome.APPLIED, Outcome.FAILED, Outcome.PRUNED, Outcome.SKIPPED])
    ended = [Fact(unit=record(unit, draw(outcomes))) for unit in units]
    gone = [Fact(deleted=deployment(name)) for name in draw(_some(_NAMES))]
    made = [Fact(owned=owned(name, uid="new")) for name in draw(_some(_NAMES))]
    return [*gone, *draw(st.permutations([*ended, *made]))]


def _some(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True)


@relaxed
@given(facts(), st.lists(st.integers(0, 8), max_size=3))
def test_it_does_not_matter_in_how_many_entries_a_run_records(
    found: list[Fact], cuts: list[int]
) -> None:
    """The same facts in one entry, or in several that follow one another, lead to the same state."""
    before = fold_all(
        [
            entry(
                1,
                units=[record(unit, Outcome.PLANNED) for unit in _SETS],
                inventory=[owned(name, uid="old") for name in _NAMES],
            )
        ]
    )
    parts = [0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]
    groups = [found[begin:end] for begin, end in pairwise(parts)]
    several = [_told(group, Kind.PROGRESSED) for group in groups[:-1]]
    assert reduce(fold, [*several, _told(groups[-1], Kind.FINISHED)], before) == fold(
        before, _told(found, Kind.FINISHED)
    )


def _told(group: Sequence[Fact], kind: Kind) -> Entry:
    return entry(
        2,
        kind,
        units=[fact.unit for fact in group if fact.unit],
        inventory=[fact.owned for fact in group if fact.owned],
        deleted=[fact.deleted for fact in group if fact.deleted],
    )


@dataclass(slots=True)
class Life:
    """A stack whose runs die: what exists, and what the ledger's entries fold to."""

    live: dict[str, str] = field(default_factory=dict)
    state: LedgerState = field(default_factory=LedgerState)
    number: int = 0

    def run(self, wanted: dict[str, str], *, steps: int | None = None) -> None:
        """Carry out a run as the engine does, or only so many steps of it; what is known suffices after each."""
        for step in islice(self._steps(wanted), steps):
            step()
            self._assert_valid()

    def _steps(self, wanted: dict[str, str]) -> Iterator[Callable[[], None]]:
        known = {each.ref.name: each for each in self.state.inventory}
        units = sorted({*wanted.values(), *self.state.units})
        doomed = [known[name] for name in sorted(known.keys() - wanted.keys())]
        gone = [each.ref for each in doomed]
        intent = [owned(name, unit=unit) for name, unit in wanted.items()]
        planned = [record(unit, Outcome.PLANNED) for unit in units]
        yield partial(self._write, Kind.STARTED, planned, [*known.values(), *intent], gone)
        for name, unit in wanted.items():
            yield partial(self.live.update, {name: unit})
        for each in doomed:
            yield partial(self._delete, each.ref.name)
        made = [owned(name, unit=unit, uid=f"uid-{name}") for name, unit in wanted.items()]
        ended = [
            record(unit, Outcome.APPLIED if unit in wanted.values() else Outcome.PRUNED)
            for unit in units
        ]
        yield partial(self._write, Kind.FINISHED, ended, made, gone)

    def _delete(self, name: str) -> None:
        self.live.pop(name, None)

    def _write(
        self,
        kind: Kind,
        units: Sequence[UnitRecord],
        inventory: Sequence[OwnedObject],
        deleted: Sequence[ObjectRef],
    ) -> None:
        self.number += 1
        written = entry(self.number, kind, units=units, inventory=inventory, deleted=deleted)
        self.state = decode_state(encode_state(fold(self.state, written)))

    def _assert_valid(self) -> None:
        """Check that what the ledger says is enough for whoever comes next."""
        names = [each.ref.name for each in self.state.inventory]
        assert self.live.keys() <= set(names)
        assert len(names) == len(set(names))
        assert {UnitId(unit) for unit in self.live.values()} <= self.state.units.keys()
        planned = [each for each in self.state.units.values() if each.outcome is Outcome.PLANNED]
        assert self.state.open or not planned


@relaxed
@given(st.lists(st.tuples(WANTED, st.integers(0, 9)), max_size=5), WANTED)
def test_after_any_prefix_of_its_entries_nothing_is_orphaned(
    deaths: list[tuple[dict[str, str], int]], wanted: dict[str, str]
) -> None:
    """Runs die anywhere, one after another, each of another revision: one that lives leaves what it wants, no more."""
    life = Life()
    for each, steps in deaths:
        life.run(each, steps=steps)
    life.run(wanted)
    assert life.live == wanted
    assert {each.ref.name: each.unit for each in life.state.inventory} == wanted
    assert life.state.units.keys() == set(wanted.values())
    assert life.state.open is None
