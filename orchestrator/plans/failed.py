"""A revision that failed before is not applied again unless somebody says so. Pure."""

from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import BadRevision


def failure_of(bad: BadRevision) -> str:
    """Return in a sentence when, why and by whom a revision failed."""
    by = bad.by.partition(" <")[0]
    times = f", {bad.attempts} times by now" if bad.attempts > 1 else ""
    why = bad.why.partition("\n")[0]
    return f"{bad.revision} failed when {by} applied it at {bad.at:%Y-%m-%d %H:%M:%S} UTC{times}: {why}"


def owed_after(over: Revision, revision: Revision) -> str:
    """Return in a sentence what was to follow the failure of ``over``, and has not been done."""
    return f"the workloads of {revision} were to come back after {over} failed, and did not yet"


def check_not_bad(bad: BadRevision | None, *, retry: bool, owner: Owner) -> None:
    """Refuse to apply a revision that failed, unless that was told; raises PlanRefused."""
    if bad is None or retry:
        return
    raise PlanRefused(
        f"{failure_of(bad)}; it is not applied again unless you say so",
        hint="correct it with a new commit; or go back, with git revert or"
        f" orchestrator rollback {owner.stack} --env {owner.environment} --last-healthy;"
        " or pass --retry to apply the very same revision once more",
    )
