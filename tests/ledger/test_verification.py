"""Looking a chain through: each state beside an entry is what the entries say, in all that it holds."""

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger.comparing import PARTS
from orchestrator.ledger.encoding import decode_entry, decode_kept, decode_state, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Moved, Operation, Restores
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.ledger.stores.plumbing import Draft
from orchestrator.ledger.stores.standing import STATE
from orchestrator.ledger.stores.writing import draft_of
from orchestrator.ledger.verification import Link, verify
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.remembered import Approval, BadRevision, Healthy, Suspension
from orchestrator.repository.repository import open_repository
from orchestrator.stack.model import Risk
from orchestrator.stack.policies import Guards
from tests.git import git
from tests.ledger.builders import NOON, REVISION, entry, holder, owned, record, run
from tests.ledger.conftest import open_store

GOLDEN = Path(__file__).parent / "golden"
OTHER = Revision(commit="b" * 40)
RECORD = replace(record(why="it crashed"), seal="s1", drift=2, risks={"aws_db_*": Risk.DATA_LOSS})
APPROVAL = Approval(digest="sha256:9", who="Grace", at=NOON, plan=PlanRecord())
ENTRIES = (
    replace(entry(1, units=[record(outcome=Outcome.PLANNED)]), cluster="c1"),
    replace(
        entry(2, Kind.FINISHED, units=[RECORD], inventory=[owned("web", uid="u1")]),
        guards=Guards(approvals=1),
    ),
    replace(entry(3, Kind.NOTED, of=run(operation=Operation.APPROVE)), approval=APPROVAL),
    replace(entry(4, Kind.NOTED, of=run(operation=Operation.SUSPEND)), why="to look"),
    replace(entry(5, of=run(revision=OTHER)), units=(RECORD,)),
    replace(
        entry(
            6,
            Kind.FINISHED,
            of=run(revision=OTHER),
            units=[replace(RECORD, outcome=Outcome.FAILED)],
            outcome=Outcome.FAILED,
        ),
        owed=Restores(revision=REVISION, entry="entry-2", over=OTHER),
    ),
    replace(entry(7, Kind.NOTED, of=run(operation=Operation.MOVE)), moved="/srv/ledgers"),
)
LAST = fold_all(ENTRIES)
UNIT = record().unit
BAD = BadRevision(
    revision=REVISION, at=NOON, by="Ada", why="it crashed", entry="entry-2", attempts=1
)
_UNITS = LAST.units[UNIT]


def chain(entries: Iterable[Entry], *, last: LedgerState | None = None) -> list[Link]:
    """Return the links of entries, each with the state beside it as it is kept; the last state may be another one."""
    links, state = [], LedgerState()
    for each in entries:
        state = fold(state, each)
        links.append(link(each, encode_state(state)))
    return [*links[:-1], link(links[-1].entry, encode_state(last))] if last else links


def link(each: Entry | None, content: bytes) -> Link:
    """Return the link of an entry, and of the bytes that are kept as the state after it."""
    state, lacks = decode_kept(content)
    return Link(place=each.id if each else "", entry=each, state=state, lacks=lacks)


def changed(state: LedgerState, part: str, value: Any) -> LedgerState:
    """Return a state with another value in a part."""
    return replace(state, **{part: value})


def without(state: LedgerState, *names: str) -> bytes:
    """Return a state's bytes without some of its fields."""
    told = json.loads(encode_state(state))
    return json.dumps({name: each for name, each in told.items() if name not in names}).encode()


def test_a_chain_is_whole_with_all_that_a_state_can_hold() -> None:
    """What is written and read again is what the entries say, in every part."""
    verdict = verify(chain(ENTRIES))
    assert (verdict.broken, verdict.sound, verdict.state) == (None, len(ENTRIES), LAST)
    assert [*PARTS] == [each.name for each in fields(LedgerState)]
    empty = {name for name in PARTS if getattr(LAST, name) in (None, {}, ())}
    assert empty == {"open"}


@pytest.mark.parametrize(
    ("part", "forged"),
    [
        ("units", {UNIT: replace(_UNITS, risks={})}),
        ("units", {UNIT: replace(_UNITS, protect=True)}),
        ("units", {UNIT: replace(_UNITS, fingerprint="f2")}),
        ("units", {UNIT: replace(_UNITS, why="all is well")}),
        ("units", {}),
        ("inventory", ()),
        ("cluster", "c2"),
        ("open", ENTRIES[0]),
        ("bad", {}),
        ("bad", {**LAST.bad, "": BAD}),
        ("approvals", ()),
        ("approvals", (APPROVAL, replace(APPROVAL, who="Mallory"))),
        ("healthy", None),
        ("healthy", Healthy(revision=OTHER, entry="entry-6", at=NOON)),
        ("runs", LAST.runs[:1]),
        ("suspended", None),
        ("suspended", Suspension(who="Mallory", at=NOON, why="", entry="entry-4")),
        ("guards", None),
        ("guards", Guards()),
        ("moved", None),
        ("moved", Moved(to="/srv/others", at=NOON + timedelta(minutes=7), by=run().who)),
        ("owed", None),
    ],
)
def test_a_state_that_says_otherwise_is_found(part: str, forged: object) -> None:
    """Whatever somebody takes out of it, puts into it or changes in it, it is named."""
    verdict = verify(chain(ENTRIES, last=changed(LAST, part, forged)))
    assert verdict.broken is not None
    assert verdict.broken.why == f"does not give the state beside it: {PARTS[part]} differ"
    assert (verdict.sound, verdict.state) == (len(ENTRIES) - 1, LAST)


def test_an_open_run_is_the_one_that_began() -> None:
    """What it intends counts for what comes later, and is compared, too."""
    begun = fold_all(ENTRIES[:5])
    assert begun.open is not None
    other = replace(begun.open, run=replace(begun.open.run, plan="sha256:9"))
    doubted = replace(begun.open, inventory=(owned("web"),))
    for forged in (None, other, doubted, replace(begun.open, units=())):
        broken = verify(chain(ENTRIES[:5], last=replace(begun, open=forged))).broken
        assert broken is not None
        assert "the open run differ" in broken.why


def test_a_chain_is_cut_where_what_follows_cannot_be_followed() -> None:
    """What it told is gone with it; a state that is wrong takes nothing away from the entries."""
    links = chain(ENTRIES, last=LAST)
    gap = Link(place="here", trouble="is missing")
    for cut in ([*links[:3], gap], [*links[:3], *links[4:]], [gap]):
        assert verify(cut).cut
    assert not verify(links).cut
    assert not verify([*links, replace(gap, ends=True)]).cut
    assert not verify(chain(ENTRIES, last=replace(LAST, guards=None))).cut


def test_what_a_version_leaves_out_that_does_no_harm_is_no_damage() -> None:
    """One that knows neither seals nor causes goes on with a ledger that has them."""
    plain = replace(_UNITS, seal="", why="", drift=0)
    assert verify(chain(ENTRIES, last=replace(LAST, units={UNIT: plain}))).broken is None


def grown(entries: Iterable[Entry], *, old: int) -> list[Link]:
    """Return a chain of which a version that knew of no bad revisions and runs wrote the first entries."""
    parts = ("bad", "approvals", "healthy", "runs")
    links, state = [], LedgerState()
    for number, each in enumerate(entries):
        state = fold(state, each)
        if number < old:
            state = replace(state, bad={}, approvals=(), healthy=None, runs=())
        links.append(link(each, without(state, *parts) if number < old else encode_state(state)))
    return links


def test_a_ledger_of_an_earlier_version_is_whole() -> None:
    """What its states could not hold is missing in all that grew out of them, and is no damage."""
    for old in range(1, len(ENTRIES) + 1):
        verdict = verify(grown(ENTRIES, old=old))
        assert (verdict.broken, verdict.state) == (None, LAST), old
    links = grown(ENTRIES, old=3)
    again = fold(LAST, entry(8, Kind.NOTED))  # as a repair goes on from all that the entries say
    assert verify([*links, link(entry(8, Kind.NOTED), encode_state(again))]).broken is None


def test_a_ledger_that_was_kept_is_whole_to_those_who_come_later() -> None:
    """Runs that failed, died, came late or were abandoned, doubts, notes, a repair: what was folded once stays so.

    Whoever changes what entries come to takes a number for the format of those that come to something else.
    """
    links: list[Link] = []
    for line in (GOLDEN / "ledger.jsonl").read_bytes().splitlines():
        if line.startswith(b'{"approvals":'):
            links[-1] = replace(links[-1], state=decode_state(line))
        else:
            links.append(Link(place=str(len(links)), entry=decode_entry(line)))
    verdict = verify(links)
    assert (verdict.broken, verdict.sound) == (None, 20)
    assert sum(link.state is not None for link in links) == 7


def test_a_later_state_is_not_taken_for_one_of_an_earlier_version() -> None:
    """Once a state has told of bad revisions, one that says nothing of them is damaged."""
    for before in (chain(ENTRIES[:-1]), grown(ENTRIES[:-1], old=2)):
        forged = link(ENTRIES[-1], without(LAST, "bad", "runs"))
        broken = verify([*before, forged]).broken
        assert broken is not None
        assert "the bad revisions" in broken.why


@pytest.mark.parametrize(
    ("part", "dropped"), [("guards", ()), ("healthy", ("healthy",))], ids=["changed", "left out"]
)
def test_a_forged_commit_on_the_ref_is_found(
    shop: Path, part: str, dropped: tuple[str, ...]
) -> None:
    """A plain note whose state has lost something is accepted by every reader, and found by looking it through."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(ENTRIES[0], lock=lock)
    state = store.append(ENTRIES[1], lock=lock)
    assert verify(store.links()).broken is None
    note = replace(entry(3, Kind.NOTED), run=run())
    forged = changed(fold(state, note), part, None)
    drafted = draft_of(note, forged)
    draft = Draft(
        files={**drafted.files, STATE: without(forged, *dropped)},
        parents=(),
        message=drafted.message,
        author="Mallory",
        at=NOON,
    )
    ref = "refs/orchestrator/shop/production"
    tip = git(shop, "rev-parse", ref)
    commit = open_repository(shop).plumbing().chain((draft,), parent=tip)
    git(shop, "update-ref", ref, commit)
    assert open_store(shop, remote=None).read() == forged
    verdict = verify(open_store(shop, remote=None).links())
    assert verdict.broken is not None
    assert verdict.broken.place == commit
    assert f": {PARTS[part]} differ" in verdict.broken.why
    assert (verdict.sound, verdict.state) == (2, fold(state, note))
