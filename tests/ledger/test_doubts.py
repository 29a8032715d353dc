"""What is remembered of objects that a run is at, while nobody knows what became of it."""

from dataclasses import replace

from orchestrator.ledger.encoding import decode_state, encode_entry, encode_state
from orchestrator.ledger.entry import Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.plans.objects import OwnedObject
from tests.ledger.builders import entry, owned, run


def web(fingerprint: str, *, uid: str = "") -> OwnedObject:
    """Return an object with what is remembered of it."""
    return replace(owned(uid=uid), fingerprint=fingerprint)


APPLIED = fold_all(
    [entry(1), entry(2, Kind.FINISHED, inventory=[web("one", uid="u1")])],
)


def believed(state: LedgerState) -> OwnedObject:
    """Return the one object, as whoever comes next has to take it."""
    (found,) = state.believed
    return found


def test_what_a_run_is_at_is_in_doubt_and_kept_beside_what_is_known() -> None:
    """Earlier versions fold the same inventory from the same format; a plan goes by what is in doubt."""
    started = entry(3, inventory=[web("both", uid="u1")])
    state = fold(APPLIED, started)
    assert state.inventory == APPLIED.inventory
    assert believed(state) == web("both", uid="u1")
    assert decode_state(encode_state(state)) == state
    assert b'"format":2' in encode_entry(started)
    assert b'"format":2' in encode_state(state)


def test_a_run_that_makes_what_nobody_has_is_in_no_doubt() -> None:
    """Of an intent nothing is remembered, and an entry of an earlier version says nothing of what is known."""
    for inventory in ([web("one", uid="u1"), web("", uid="u1")], [owned("other")]):
        state = fold(APPLIED, entry(3, inventory=inventory))
        assert state.doubts == ()
        assert believed(fold(APPLIED, entry(3))) == web("one", uid="u1")


def test_a_doubt_outlives_runs_that_die() -> None:
    """The next run says it again, also where it is about other objects, and the last word counts."""
    state = fold(APPLIED, entry(3, inventory=[web("both", uid="u1")]))
    state = fold(state, entry(4, inventory=[*state.believed, owned("other")]))
    assert [each.fingerprint for each in state.believed] == ["", "both"]
    late = fold(state, entry(5, Kind.PROGRESSED, inventory=[web("late")]))
    assert [each.fingerprint for each in late.believed] == ["", "late"]
    assert late.inventory == tuple(sorted([owned("other"), web("late", uid="u1")]))


def test_a_doubt_ends_with_what_the_run_says() -> None:
    """What it did is known; what it left in doubt, or somebody abandoned, it says itself, without a uid."""
    state = fold(APPLIED, entry(3, inventory=[web("both", uid="u1")]))
    known = fold(state, entry(4, Kind.FINISHED, inventory=[web("two", uid="u2")]))
    assert (known.doubts, known.inventory) == ((), (web("two", uid="u2"),))
    left = fold(state, entry(4, Kind.FINISHED, inventory=state.doubts))
    assert (left.doubts, left.inventory) == ((), (web("both", uid="u1"),))


def test_a_repair_says_what_is_certain_of_a_doubt() -> None:
    """Its word comes later than that of the run that is open, which stays open all the same."""
    state = fold(APPLIED, entry(3, inventory=[web("both", uid="u1")]))
    repair = entry(4, Kind.NOTED, of=run(operation=Operation.REPAIR), inventory=[web("less")])
    repaired = fold(state, repair)
    assert believed(repaired) == web("less", uid="u1")
    assert repaired.open is not None
    gone = fold(state, replace(repair, inventory=(web(""),), deleted=(web("").ref,)))
    assert believed(gone) == web("")


def test_doubts_have_one_order() -> None:
    """However a run names its objects, the state is the same, and the same when it was stored."""
    two = [replace(owned(name, uid="u1"), fingerprint="one") for name in ("api", "web")]
    state = fold_all([entry(1), entry(2, Kind.FINISHED, inventory=two)])
    named = [replace(each, fingerprint="both") for each in reversed(two)]
    state = fold(state, entry(3, inventory=named))
    assert decode_state(encode_state(state)) == state
