"""The JSON form of what the ledger remembers of a stack: revisions, approvals, suspensions."""

from functools import lru_cache

from orchestrator.ledger.fields import Fields, moment
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.remembered import Approval, BadRevision, Healthy, Suspension
from orchestrator.stack.model import Json


def revision_json(revision: Revision) -> dict[str, Json]:
    """Return the form of a revision."""
    return {
        "commit": revision.commit,
        "subject": revision.subject,
        "difference": revision.difference,
    }


def bad_json(bad: BadRevision) -> dict[str, Json]:
    """Return the form of a revision that failed."""
    return {
        "revision": revision_json(bad.revision),
        "at": moment(bad.at),
        "by": bad.by,
        "why": bad.why,
        "entry": bad.entry,
        "attempts": bad.attempts,
    }


def approval_json(approval: Approval) -> dict[str, Json]:
    """Return the form of an approval."""
    return {
        "digest": approval.digest,
        "who": approval.who,
        "at": moment(approval.at),
        "plan": approval.plan.to_json(),
        "why": approval.why,
    }


def suspension_json(suspension: Suspension) -> dict[str, Json]:
    """Return the form of a suspension."""
    return {
        "who": suspension.who,
        "at": moment(suspension.at),
        "why": suspension.why,
        "entry": suspension.entry,
    }


def healthy_json(healthy: Healthy) -> dict[str, Json]:
    """Return the form of the last healthy revision."""
    return {
        "revision": revision_json(healthy.revision),
        "entry": healthy.entry,
        "at": moment(healthy.at),
    }


def read_bad(fields: Fields) -> BadRevision:
    """Return the failed revision that a mapping holds; raises ValueError when it holds none."""
    return BadRevision(
        revision=read_revision(fields.inner("revision")),
        at=fields.moment("at"),
        by=fields.text("by"),
        why=fields.text("why"),
        entry=fields.text("entry"),
        attempts=fields.number("attempts"),
    )


def read_approval(fields: Fields) -> Approval:
    """Return the approval that a mapping holds; raises ValueError when it holds none."""
    return Approval(
        digest=fields.text("digest"),
        who=fields.text("who"),
        at=fields.moment("at"),
        plan=PlanRecord.from_json(fields.items("plan")),
        why=fields.text("why"),
    )


def read_suspension(fields: Fields) -> Suspension:
    """Return the suspension that a mapping holds; raises ValueError when it holds none."""
    return Suspension(
        who=fields.text("who"),
        at=fields.moment("at"),
        why=fields.text("why"),
        entry=fields.text("entry"),
    )


def read_healthy(fields: Fields) -> Healthy:
    """Return the healthy revision that a mapping holds; raises ValueError when it holds none."""
    return Healthy(
        revision=read_revision(fields.inner("revision")),
        entry=fields.text("entry"),
        at=fields.moment("at"),
    )


def read_revision(fields: Fields) -> Revision:
    """Return the revision that a mapping holds; raises ValueError when it holds none."""
    return _revision_of(fields.text("commit"), fields.text("subject"), fields.text("difference"))


@lru_cache(maxsize=256)
def _revision_of(commit: str, subject: str, difference: str) -> Revision:
    """Return a revision, the same one for all units that have it."""
    return Revision(commit=commit, subject=subject, difference=difference)
