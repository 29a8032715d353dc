"""A ledger that another repository wrote: where several keep theirs in one place, a stack of one name has but one.

Going on from it would take away what the other repository applied. Whose it is, its commits tell: a repository that was
cloned anew, or has another address by now, still has them. In Git a ledger is a repository's own.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from orchestrator.engine.remotes import remote_of
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused, RepositoryError
from orchestrator.ledger.entry import LedgerState, Operation, PastRun
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import Owner
from orchestrator.repository.plumbing import GitPlumbing
from orchestrator.stack.model import LedgerStore

UNKNOWN_REVISIONS: Final = "unknown-revisions"
"""What a person acknowledges when the ledger is this repository's, and no revision in it is there any more."""

_MOST_FETCHED: Final = 3
_DESTROYED: Final = frozenset({Outcome.DESTROYED, Outcome.UNCHANGED})


def refuse_a_foreign_ledger(
    session: Session, ledger: LedgerState, place: str, acknowledged: frozenset[str]
) -> None:
    """Refuse to go on from what no revision of this repository did; raises PlanRefused, RepositoryError.

    ``place`` is what people know the ledger's place by.
    """
    if UNKNOWN_REVISIONS not in acknowledged and is_foreign(session, ledger):
        commits, shallow = applied_commits(ledger), session.repository.shallow
        raise refusal(session.owner, commits, place, shallow=shallow)


def is_foreign(session: Session, ledger: LedgerState) -> bool:
    """Whether a ledger tells of commits, and none of them is of this repository; raises RepositoryError."""
    if session.stack.ledger.store is LedgerStore.GIT:
        return False
    commits = applied_commits(ledger)
    return bool(commits) and not _has_any(session, commits)


def applied_commits(ledger: LedgerState) -> tuple[str, ...]:
    """Return the commits that say whose a ledger is, the newest first: all since the stack was destroyed last."""
    runs = takewhile(lambda run: not _ended(run), ledger.past)
    records = sorted(ledger.units.values(), key=lambda record: record.at, reverse=True)
    named = (
        *(run.revision for run in runs),
        *(record.applied or record.revision for record in records),
    )
    return tuple(dict.fromkeys(each.commit for each in named if each.commit))


def refusal(owner: Owner, commits: Sequence[str], place: str, *, shallow: bool) -> PlanRefused:
    """Return what a plan is refused with."""
    newest, one = commits[0][:10], len(commits) == 1
    what = "the commit" if one else f"the last of {len(commits)} commits"
    fetch = "with all of the history (in CI: a fetch depth of 0)" if shallow else "first"
    return PlanRefused(
        f"the ledger of {owner} in {place} is not of this repository, as far as one can tell: {newest},"
        f" {what} that it tells of, is not here{'' if one else ', and neither are the others'}",
        hint="another repository has a stack of the same name there: give one of the two another name;"
        f" if it is this repository's, `git fetch` {fetch}, or, where such commits are gone for good, pass"
        f" --acknowledge {UNKNOWN_REVISIONS}",
    )


def _ended(run: PastRun) -> bool:
    return run.operation is Operation.DESTROY and run.whole and run.outcome in _DESTROYED


def _has_any(session: Session, commits: Sequence[str]) -> bool:
    """Whether any of the commits is in this repository, or on its remote: of a branch that is gone some are there."""
    plumbing = session.repository.plumbing(stop=session.surroundings.stop)
    if any(plumbing.identify([f"{commit}^{{commit}}" for commit in commits])):
        return True
    remote = remote_of(session)
    return remote is not None and any(
        _fetched(plumbing, remote, each) for each in commits[:_MOST_FETCHED]
    )


def _fetched(plumbing: GitPlumbing, remote: str, commit: str) -> bool:
    try:
        return plumbing.fetch(remote, [commit], depth=1)
    except RepositoryError:  # it is not there, or nobody answers: whoever knows better can say so
        return False
