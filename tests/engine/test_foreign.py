"""Whose a ledger is that several repositories may share the place of: what its commits tell."""

from dataclasses import replace

from orchestrator.engine.planning.foreign import applied_commits, refusal
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from tests.ledger.builders import OWNER, entry, record, run


def ended(number: int, outcome: Outcome, *, destroys: bool = False, whole: bool = True) -> Entry:
    """Return the end of a run at a revision of that number, which was about one unit."""
    revision = Revision(commit=str(number))
    operation = Operation.DESTROY if destroys else Operation.APPLY
    of = run(revision=revision, operation=operation, whole=whole)
    units = [record(outcome=outcome, revision=revision)]
    return entry(number, Kind.FINISHED, of=of, outcome=outcome, units=units)


def commits(*entries: Entry) -> str:
    """Return the numbers of the revisions that say whose a ledger is."""
    return "".join(applied_commits(fold_all(entries)))


def test_all_that_was_applied_tells_whose_a_ledger_is() -> None:
    """Also what failed, what died, and what a unit was brought to long before; a note does not."""
    one, two = ended(1, Outcome.APPLIED), ended(2, Outcome.FAILED)
    began = replace(entry(3), run=run(revision=Revision(commit="3")))
    assert commits(one, two, began) == "321"
    assert applied_commits(replace(fold_all([one, two]), runs=())) == ("1",)
    assert applied_commits(LedgerState()) == ()
    assert commits(entry(1, Kind.NOTED, of=run(operation=Operation.APPROVE))) == ""


def test_what_was_destroyed_is_nobodys() -> None:
    """Whoever comes then begins anew; part of a stack, or a destroy that failed, leaves it whose it was."""
    one = ended(1, Outcome.APPLIED)
    assert commits(one, ended(2, Outcome.DESTROYED, destroys=True)) == ""
    assert (
        commits(one, ended(2, Outcome.DESTROYED, destroys=True), ended(3, Outcome.APPLIED)) == "3"
    )
    assert commits(one, ended(2, Outcome.DESTROYED, destroys=True, whole=False)) == "21"
    assert commits(one, ended(2, Outcome.FAILED, destroys=True)) == "21"


def test_a_refusal_tells_of_the_newest_commit() -> None:
    """And how a shallow clone gets at it."""
    told = refusal(OWNER, ["a" * 40, "b" * 40], "/srv/ledgers/shop/production", shallow=True)
    assert "aaaaaaaaaa, the last of 2 commits that it tells of, is not here, and" in told.message
    assert "a fetch depth of 0" in told.hint
    assert "--acknowledge unknown-revisions" in told.hint
    alone = refusal(OWNER, ["a" * 40], "/srv/ledgers/shop/production", shallow=False)
    assert alone.message.endswith("aaaaaaaaaa, the commit that it tells of, is not here")
