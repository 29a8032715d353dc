"""How entries become the state: rules for every history, found by generated ones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.ledger.encoding import decode_entry, decode_state, encode_entry, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, Restores, UnitRecord
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.plans.remembered import Approval, Healthy
from orchestrator.stack.model import Risk, UnitId
from orchestrator.stack.policies import Guards, Window, Windows
from tests.ledger.builders import NOON, REVISION, deployment, entry, owned, record, run

relaxed = settings(deadline=None, max_examples=60)  # other tests may keep the machine busy

NAMES = st.sampled_from(["api", "web", "worker"])
UNITS = st.sampled_from(["manifests.shop", "manifests.platform", "modules.network"])
OBJECTS = st.lists(
    st.builds(
        lambda name, unit, uid, fingerprint: replace(
            owned(name, unit=unit, uid=uid), fingerprint=fingerprint
        ),
        NAMES,
        UNITS,
        st.sampled_from(["", "u1"]),
        st.sampled_from(["", "f1", "f2"]),
    ),
    unique_by=lambda each: each.ref,
    max_size=3,
)
RECORDS = st.lists(
    st.builds(
        lambda unit, outcome, commit, risks: replace(
            record(unit, outcome, revision=Revision(commit=commit)), risks=dict(risks)
        ),
        UNITS,
        st.sampled_from(Outcome),
        st.sampled_from(["a" * 40, "b" * 40]),
        st.permutations([("acme_*", Risk.DATA_LOSS), ("*", Risk.REVERSIBLE)]),
    ),
    unique_by=lambda each: each.unit,
    max_size=3,
)
RUNS = st.builds(
    lambda commit, operation, whole, restores: replace(
        run(revision=Revision(commit=commit), operation=operation, whole=whole), restores=restores
    ),
    st.sampled_from(["a" * 40, "b" * 40]),
    st.sampled_from(
        [Operation.APPLY, Operation.DESTROY, Operation.ABANDON, Operation.SUSPEND, Operation.RESUME]
    ),
    st.booleans(),
    st.sampled_from([None, Restores(revision=REVISION, entry="entry-0", over=REVISION)]),
)
ENTRIES = st.builds(
    lambda kind, of, units, inventory, deleted, outcome: entry(
        1,
        kind,
        of=of,
        units=units,
        inventory=inventory,
        deleted=map(deployment, deleted),
        outcome=outcome,
    ),
    st.sampled_from(Kind),
    RUNS,
    RECORDS,
    OBJECTS,
    st.lists(NAMES, unique=True, max_size=2),
    st.sampled_from([Outcome.APPLIED, Outcome.FAILED, Outcome.INTERRUPTED]),
)
APPROVAL = Approval(
    digest="sha256:1234",
    who="Ada",
    at=NOON,
    plan=PlanRecord(
        units=(
            PlannedUnit(
                unit=UnitId("modules.network"),
                changes=(
                    PlannedChange(
                        action=Action.UPDATE, name="a.b", type="a", fields=("x  1 -> 2",)
                    ),
                ),
                removed=True,
            ),
            PlannedUnit(unit=UnitId("modules.late"), deferred="its count is not known"),
        )
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Draw entries that follow one another."""
    drawn = draw(st.lists(ENTRIES, max_size=6))
    return [
        replace(each, id=f"entry-{number}", previous=f"entry-{number - 1}" if number > 1 else "")
        for number, each in enumerate(drawn, start=1)
    ]


@relaxed
@given(histories())
def test_no_object_is_forgotten_without_a_confirmed_deletion(history: Sequence[Entry]) -> None:
    """Whatever was intended stays in the inventory until an outcome confirms that it is gone."""
    state = LedgerState()
    for each in history:
        after = fold(state, each)
        gone = _refs(state) - _refs(after)
        assert gone <= set(each.deleted)
        assert {owned.ref for owned in each.inventory} <= _refs(after)
        if each.kind is Kind.STARTED:
            assert not gone
        state = after


@relaxed
@given(histories())
def test_a_known_uid_is_never_lost(history: Sequence[Entry]) -> None:
    """An intent that does not know an object's uid leaves the one that is known."""
    state = LedgerState()
    for each in history:
        known = {owned.ref for owned in state.inventory if owned.uid}
        state = fold(state, each)
        kept = {owned.ref for owned in state.inventory if owned.uid}
        assert known & _refs(state) - set(each.deleted) <= kept


@relaxed
@given(histories())
def test_every_object_stands_in_the_inventory_once_and_in_order(history: Sequence[Entry]) -> None:
    """The inventory has one place for each object and a total order."""
    inventory = fold_all(history).inventory
    assert list(inventory) == sorted(inventory)
    assert len({owned.ref for owned in inventory}) == len(inventory)


@relaxed
@given(histories())
def test_units_stand_in_order_under_their_own_names(history: Sequence[Entry]) -> None:
    """The state of units has a total order and is keyed by what it is about."""
    units = fold_all(history).units
    assert list(units) == sorted(units)
    assert all(record.unit == unit for unit, record in units.items())


@relaxed
@given(histories())
def test_the_applied_revision_is_that_of_the_last_success(  # noqa: C901 - the rule once more, spelt out
    history: Sequence[Entry],
) -> None:
    """A failure changes what was attempted last, never what is applied."""
    applied: dict[UnitId, Revision | None] = {}
    first_tries: set[UnitId] = set()
    for each in history:
        if each.kind is Kind.STARTED:
            first_tries = {attempt.unit for attempt in each.units}.difference(applied)
            applied = {**dict.fromkeys(first_tries), **applied}
            continue
        for attempt in each.units:
            first_try = attempt.unit in first_tries
            if attempt.outcome is not Outcome.PLANNED:
                first_tries.discard(attempt.unit)
            match attempt.outcome:
                case Outcome.APPLIED | Outcome.UNCHANGED:
                    applied[attempt.unit] = attempt.revision
                case Outcome.FAILED | Outcome.INTERRUPTED:
                    applied.setdefault(attempt.unit, None)
                case Outcome.PRUNED | Outcome.DESTROYED:
                    applied.pop(attempt.unit, None)
                case Outcome.SKIPPED if first_try:
                    applied.pop(attempt.unit)  # it was not reached
                case Outcome.PLANNED | Outcome.SKIPPED:
                    pass
    assert {unit: record.applied for unit, record in fold_all(history).units.items()} == applied


def test_what_a_dead_run_was_at_is_not_forgotten_when_the_next_skips_it() -> None:
    """Only a unit that nobody ever began is forgotten: what a run that died left of it is still there."""
    planned, skipped = record(outcome=Outcome.PLANNED), record(outcome=Outcome.SKIPPED)
    died, began = (entry(number, Kind.STARTED, units=[planned]) for number in (1, 2))
    ended = entry(3, Kind.FINISHED, units=[skipped])

    assert fold_all([died, ended]).units == {}
    assert fold_all([died, began, ended]).units.keys() == {planned.unit}


@relaxed
@given(histories())
def test_a_run_is_open_from_its_start_to_its_end(history: Sequence[Entry]) -> None:
    """The open entry is the last start that no end followed; what is in doubt by it is known."""
    state = fold_all(history)
    ends = [
        each
        for each in history
        if each.kind in {Kind.STARTED, Kind.FINISHED}
        or (each.kind is Kind.NOTED and each.run.operation is Operation.ABANDON)
    ]
    is_open = bool(ends) and ends[-1].kind is Kind.STARTED
    assert (state.open is not None) == is_open
    if state.open is not None:
        assert state.open.id == ends[-1].id
        assert {each.ref for each in state.doubts} <= _refs(state)
        assert not any(each.uid for each in state.doubts)


@relaxed
@given(histories())
def test_folding_looks_at_nothing_but_state_and_entry(history: Sequence[Entry]) -> None:
    """The same history gives the same state, and a state is never changed in place."""
    before = fold_all(history)
    held = (before, dict(before.units), before.inventory)
    after = fold(before, entry(99, Kind.FINISHED, units=[record()], deleted=[deployment("web")]))
    assert (before, dict(before.units), before.inventory) == held
    assert fold_all(history) == before
    assert after.head == "entry-99"


def test_an_object_that_is_deleted_and_made_again_stays() -> None:
    """An entry that confirms a deletion and names the object as owned means a new one of that name."""
    state = fold_all([entry(1, inventory=[owned("web", uid="old")])])
    after = fold(
        state,
        entry(2, Kind.FINISHED, inventory=[owned("web", uid="new")], deleted=[deployment("web")]),
    )
    assert after.inventory == (owned("web", uid="new"),)


def test_what_a_run_is_going_to_delete_has_no_uid_any_more() -> None:
    """It stays in the inventory with what was applied, and its uid is gone before the object can be."""
    before = replace(owned("web", uid="old"), fingerprint="as it was")
    state = fold_all([entry(1, inventory=[before])])
    after = fold(state, entry(2, inventory=[owned("web", uid="old")], deleted=[deployment("web")]))
    assert after.inventory == (replace(before, uid=""),)


def test_an_intent_does_not_move_an_object_yet() -> None:
    """Until a run has moved an object between units, it belongs to the one that has it."""
    history = [
        entry(1, Kind.FINISHED, inventory=[owned("web", unit="manifests.old", uid="u1")]),
        entry(2, inventory=[owned("web", unit="manifests.new")]),
    ]
    assert fold_all(history).inventory == (owned("web", unit="manifests.old", uid="u1"),)
    history.append(entry(3, Kind.FINISHED, inventory=[owned("web", unit="manifests.new")]))
    assert fold_all(history).inventory == (owned("web", unit="manifests.new", uid="u1"),)


def test_another_version_of_an_object_is_the_same_object() -> None:
    """An object that is written with a newer API version does not stand twice in the inventory."""
    older = replace(owned("web"), ref=deployment("web", version="v1beta1"))
    state = fold_all([entry(1, Kind.FINISHED, inventory=[older])])
    after = fold(state, entry(2, Kind.FINISHED, inventory=[owned("web")]))
    assert [each.ref.version for each in after.inventory] == ["v1"]


def test_a_failure_does_not_unprotect() -> None:
    """What was protected when it was applied stays so until it is applied without."""
    protected = record(protect=True)
    failed = record(outcome=Outcome.FAILED)
    state = fold_all(
        [entry(1, Kind.FINISHED, units=[protected]), entry(2, Kind.FINISHED, units=[failed])]
    )
    assert _unit(state, "modules.network").protect
    after = fold(state, entry(3, Kind.FINISHED, units=[record()]))
    assert not _unit(after, "modules.network").protect


def test_what_lost_data_does_so_until_it_is_applied_without() -> None:
    """A failure takes nothing away of what the stack said that losing a thing costs."""
    precious = replace(record(), risks={"acme_*": Risk.DATA_LOSS})
    failed = record(outcome=Outcome.FAILED)
    state = fold_all(
        [entry(1, Kind.FINISHED, units=[precious]), entry(2, Kind.FINISHED, units=[failed])]
    )
    assert state.risks(UnitId("modules.network")) == {"acme_*": Risk.DATA_LOSS}
    after = fold(state, entry(3, Kind.FINISHED, units=[record()]))
    assert after.risks(UnitId("modules.network")) == {}
    assert after.risks(UnitId("modules.unheard")) == {}


def test_a_failed_revision_is_bad_until_all_of_it_is_applied() -> None:
    """Applying a part of it, or another revision, does not make it good; the cause and the tries are kept."""
    failure = record(outcome=Outcome.FAILED, why="image not found")
    waited = record("manifests.shop", Outcome.SKIPPED, why="since modules.network did not succeed")
    failed = entry(1, Kind.FINISHED, units=[waited, failure], outcome=Outcome.FAILED)
    state = fold_all([failed, replace(failed, id="entry-2", previous="entry-1")])
    (bad,) = state.bad.values()
    assert (bad.revision, bad.why, bad.attempts, bad.entry) == (
        REVISION,
        "modules.network: image not found",
        2,
        "entry-2",
    )
    part = fold(state, entry(3, Kind.FINISHED, of=run(whole=False)))
    other = fold(part, entry(4, Kind.FINISHED, of=run(revision=Revision(commit="b" * 40))))
    assert other.bad == state.bad
    assert fold(other, entry(5, Kind.FINISHED)).bad == {}


def test_an_interrupted_revision_is_not_bad() -> None:
    """Nothing was found wrong with it."""
    stopped = entry(1, Kind.FINISHED, outcome=Outcome.INTERRUPTED)
    assert fold_all([stopped]).bad == {}


def test_the_last_healthy_revision_is_the_last_that_was_applied_as_a_whole() -> None:
    """A part, a failure or a destruction that did not come to its end does not move it."""
    destroying = run(operation=Operation.DESTROY)
    state = fold_all(
        [
            entry(1, Kind.FINISHED),
            entry(2, Kind.FINISHED, of=run(whole=False)),
            entry(3, Kind.FINISHED, outcome=Outcome.FAILED),
            entry(4, Kind.FINISHED, of=destroying, outcome=Outcome.FAILED),
        ]
    )
    assert state.healthy == Healthy(
        revision=REVISION, entry="entry-1", at=NOON + timedelta(minutes=1)
    )


def test_guards_hold_until_others_were_applied() -> None:
    """They are what the last run says that applied all of the stack, or began with stricter ones; a file keeps them."""
    windows = Windows(
        zone="Europe/Berlin",
        allow=(Window(cron="0 9 * * mon", seconds=3600.5),),
        freeze=(Window(cron="0 0 20 12 *", seconds=60.0),),
    )
    strict = Guards(prune=20, at_least=1, destroys=3, approvals=2, own_approvals=True)
    applied = replace(entry(1, Kind.FINISHED), guards=replace(strict, windows=windows))
    state = fold_all([applied, entry(2), entry(3, Kind.FINISHED, outcome=Outcome.FAILED)])
    assert state.guards == applied.guards
    assert decode_state(encode_state(state)) == state
    assert decode_entry(encode_entry(applied)) == applied
    stricter = replace(entry(2), guards=replace(strict, approvals=3))
    assert fold_all([applied, stricter, entry(3, Kind.FINISHED)]).guards == stricter.guards
    loose = replace(entry(4, Kind.FINISHED), guards=Guards())
    assert fold(state, loose).guards == Guards()
    assert decode_entry(encode_entry(loose)) == loose


def test_what_is_to_follow_a_failure_is_owed_until_it_came_to_an_end() -> None:
    """Whatever dies in between; another apply takes its place, and so does somebody who gives the run up."""
    owed = Restores(revision=REVISION, entry="entry-0", over=Revision(commit="b" * 40))
    failed = replace(entry(1, Kind.FINISHED, outcome=Outcome.FAILED), owed=owed)
    state = fold_all([failed])
    assert state.owed == owed
    assert decode_state(encode_state(state)) == state
    assert decode_entry(encode_entry(failed)) == failed

    restoring = replace(run(operation=Operation.RESTORE), id="run-2")
    begun = fold(state, entry(2, of=restoring))
    assert begun.owed == owed
    broken_off = entry(3, Kind.FINISHED, of=restoring, outcome=Outcome.INTERRUPTED)
    assert fold(begun, broken_off).owed == owed
    for outcome in (Outcome.APPLIED, Outcome.FAILED):
        assert fold(begun, entry(3, Kind.FINISHED, of=restoring, outcome=outcome)).owed is None

    assert fold(state, entry(2)).owed is None
    assert fold(state, entry(2, Kind.FINISHED)).owed is None
    assert fold(state, entry(2, of=run(operation=Operation.DESTROY))).owed is None
    abandoned = entry(3, Kind.NOTED, of=run(operation=Operation.ABANDON))
    assert fold(begun, abandoned).owed is None


def test_a_destroyed_stack_has_no_healthy_revision() -> None:
    """What was taken away on purpose is nothing to go back to; of a part that was, the whole still is."""
    destroying = run(operation=Operation.DESTROY)
    gone = entry(2, Kind.FINISHED, of=destroying, outcome=Outcome.DESTROYED)
    part = replace(gone, run=replace(destroying, whole=False))
    assert fold_all([entry(1, Kind.FINISHED), gone]).healthy is None
    assert fold_all([entry(1, Kind.FINISHED), part]).healthy is not None
    assert fold_all([gone, entry(3, Kind.FINISHED)]).healthy is not None


def test_an_approval_lasts_until_its_plan_has_run() -> None:
    """Each person's word counts once; what became of another plan is no matter."""
    noted = replace(entry(1, Kind.NOTED, of=run(operation=Operation.APPROVE)), approval=APPROVAL)
    again = replace(noted, id="entry-2", previous="entry-1")
    state = fold_all([noted, again])
    assert state.approvals == (APPROVAL,)
    assert decode_state(encode_state(state)) == state
    assert decode_entry(encode_entry(noted)) == noted
    another = replace(run(), plan="sha256:5678")
    assert fold(state, entry(3, Kind.FINISHED, of=another)).approvals == (APPROVAL,)
    assert fold(state, entry(3, Kind.FINISHED)).approvals == ()


def test_a_killed_run_is_gone_on_with_by_what_was_approved_and_by_nothing_else() -> None:
    """The same plan needs no second approval; once another one began, or the run was abandoned, it does."""
    noted = replace(entry(1, Kind.NOTED, of=run(operation=Operation.APPROVE)), approval=APPROVAL)
    killed = fold_all([noted, entry(2)])
    assert killed.approvals == (APPROVAL,)
    assert fold(killed, entry(3)).approvals == (APPROVAL,)
    assert fold(killed, entry(3, of=replace(run(), plan="sha256:5678"))).approvals == ()
    abandoned = entry(3, Kind.NOTED, of=replace(run(operation=Operation.ABANDON), plan=""))
    assert fold(killed, abandoned).approvals == ()
    another = replace(noted, approval=replace(APPROVAL, digest="sha256:9abc"))
    assert len(fold(fold(killed, another), abandoned).approvals) == 1


def test_an_abandoned_run_is_open_no_more() -> None:
    """What it was at counts as interrupted: something of it may be there."""
    begun = entry(1, units=[record(outcome=Outcome.PLANNED)])
    state = fold_all([begun, entry(2, Kind.NOTED, of=run(operation=Operation.ABANDON))])
    assert state.open is None
    assert _unit(state, "modules.network").outcome is Outcome.INTERRUPTED


def _refs(state: LedgerState) -> set[object]:
    return {owned.ref for owned in state.inventory}


def _unit(state: LedgerState, unit: str) -> UnitRecord:
    return state.units[UnitId(unit)]


def test_a_suspension_lasts_until_it_is_resumed() -> None:
    """Whatever runs meanwhile, agents are kept away until somebody says otherwise; the last word counts."""
    suspend = replace(
        entry(1, Kind.NOTED, of=run(operation=Operation.SUSPEND)), why="the pumps are being changed"
    )
    resume = entry(4, Kind.NOTED, of=run(operation=Operation.RESUME))
    suspended = fold_all([suspend, entry(2), entry(3, Kind.FINISHED, outcome=Outcome.APPLIED)])
    assert suspended.suspended is not None
    assert (suspended.suspended.why, suspended.suspended.entry) == (suspend.why, suspend.id)
    assert fold(suspended, resume).suspended is None
