"""The bytes of the ledger: canonical, readable back, and refused when they are not ours to read."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import LedgerError
from orchestrator.ledger.encoding import decode_entry, decode_state, encode_entry, encode_state
from orchestrator.ledger.entry import Entry, Kind, Operation, Restores
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.holder import Hold, Waiter
from orchestrator.ledger.lock_encoding import decode_hold, decode_waiter, encode_hold, encode_waiter
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.stack.policies import Guards
from tests.ledger.builders import NOON, REVISION, deployment, entry, holder, owned, record, run
from tests.ledger.test_fold import APPROVAL, ENTRIES, histories, relaxed

GOLDEN = Path(__file__).parent / "golden"


@relaxed
@given(ENTRIES, st.text())
def test_an_entry_reads_back_as_it_was(drawn: Entry, message: str) -> None:
    """Nothing of an entry is lost or changed by writing it."""
    written = replace(
        drawn,
        message=message,
        inventory=tuple(sorted(drawn.inventory)),
        deleted=tuple(sorted(drawn.deleted)),
    )
    assert decode_entry(encode_entry(written)) == written


@relaxed
@given(histories())
def test_a_state_reads_back_as_it_was(history: list[Entry]) -> None:
    """Nothing of a state is lost or changed by writing it."""
    state = fold_all(history)
    assert decode_state(encode_state(state)) == state


def test_a_holder_reads_back_as_it_was() -> None:
    """Nothing of a holder is lost or changed by writing it."""
    later = NOON + timedelta(minutes=5)
    hold = decode_hold(encode_hold(holder(), beat=later), mark="a")
    assert hold == Hold(holder=holder(), mark="a", beat=later)
    waiter = Waiter(holder=holder(), patience=300.0)
    assert decode_waiter(encode_waiter(waiter)) == waiter
    overtaking = Waiter(
        holder=replace(holder(), revision="3f2c1a9"), patience=300.0, overtakes="first"
    )
    assert decode_waiter(encode_waiter(overtaking)) == overtaking


@relaxed
@given(st.permutations([owned("api"), owned("web"), owned("worker")]))
def test_the_order_of_finding_things_does_not_show(found: list[object]) -> None:
    """The same entry has the same bytes, in whatever order its objects were found."""
    objects = [each for each in (owned("api"), owned("web"), owned("worker")) if each in found]
    shuffled = sorted(objects, key=found.index)
    assert encode_entry(entry(inventory=shuffled)) == encode_entry(entry(inventory=objects))


def test_the_form_of_an_entry_is_kept() -> None:
    """Ledgers are read for years: a change of their form shows here, and asks for a new format number."""
    finished = entry(
        2,
        Kind.FINISHED,
        units=[replace(record(protect=True), applied=Revision(commit="a" * 40, difference="d"))],
        inventory=[owned("web", uid="u1")],
        deleted=[deployment("old")],
    )
    noted = replace(entry(4, Kind.NOTED), approval=APPROVAL)
    failed = entry(5, Kind.FINISHED, of=run(revision=REVISION), outcome=Outcome.FAILED)
    history = [entry(1, inventory=[owned("web")]), finished, entry(3), failed, noted, entry(6)]
    state = fold_all(history)
    assert _pretty(encode_entry(finished)) == (GOLDEN / "entry.json").read_text(encoding="utf-8")
    assert _pretty(encode_state(state)) == (GOLDEN / "state.json").read_text(encoding="utf-8")
    assert _pretty(encode_hold(holder(), beat=NOON)) == (GOLDEN / "holder.json").read_text(
        encoding="utf-8"
    )


def test_an_older_format_is_read() -> None:
    """What an earlier version wrote is still the ledger."""
    state = decode_state((GOLDEN / "state-format-1.json").read_bytes())
    assert state.open is not None
    assert (state.bad, state.approvals, state.healthy) == ({}, (), None)
    assert decode_entry((GOLDEN / "entry-format-1.json").read_bytes()).plan is None


def test_a_newer_format_is_refused() -> None:
    """A ledger that a later version wrote is not half understood."""
    content = json.loads(encode_state(fold_all([entry()])))
    newer = json.dumps({**content, "format": 4}).encode()
    with pytest.raises(
        LedgerError, match=r"newer orchestrator \(format 4, this one reads 3\)"
    ) as refused:
        decode_state(newer)
    assert "install the version" in refused.value.hint


def test_an_unknown_field_is_left_alone() -> None:
    """A field that a later version added without a new format is no obstacle."""
    content = json.loads(encode_entry(entry()))
    assert decode_entry(json.dumps({**content, "mood": "sunny"}).encode()) == entry()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b'{"format": "1"}',
        b'{"format": 1, "head": 5, "units": [], "inventory": []}',
        b'{"format": 1, "head": "", "units": [1], "inventory": []}',
        b'{"format": 1, "head": "", "units": [], "inventory": [{"kind": 1}]}',
        b'{"format": 1, "head": "", "units": [], "inventory": [], "open": {"kind": "paused"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_state_is_refused(content: bytes) -> None:
    """Content that was changed by other means is an error of the ledger, never a crash or an empty state."""
    with pytest.raises(LedgerError, match="cannot be read"):
        decode_state(content)


def _pretty(content: bytes) -> str:
    return json.dumps(json.loads(content), indent=2, sort_keys=True) + "\n"


def test_what_knows_no_suspension_stays_readable_for_those_who_know_none() -> None:
    """Only an entry and a state with a suspension have the newest format; once it is resumed, the state has not."""
    suspend = replace(entry(1, Kind.NOTED, of=run(operation=Operation.SUSPEND)), why="pumps")
    resume = entry(2, Kind.NOTED, of=run(operation=Operation.RESUME))
    written = [
        json.loads(content)["format"]
        for content in (
            encode_entry(suspend),
            encode_state(fold_all([suspend])),
            encode_entry(resume),
            encode_state(fold_all([suspend, resume])),
            encode_entry(entry(3)),
        )
    ]
    assert written == [3, 3, 3, 2, 2]
    assert decode_entry(encode_entry(suspend)) == suspend


def test_guards_and_debts_are_not_for_those_who_would_drop_them() -> None:
    """A version that knows neither would fold on without them, and a looser guard would hold: it is refused."""
    ended = entry(1, Kind.FINISHED)
    owed = Restores(revision=REVISION, entry="entry-0", over=REVISION)
    for each in (replace(ended, guards=Guards()), replace(ended, owed=owed)):
        told = encode_entry(each), encode_state(fold_all([each]))
        assert [json.loads(content)["format"] for content in told] == [3, 3]
        older = json.dumps({**json.loads(told[0]), "format": 2}).encode()
        assert decode_entry(older) == each
