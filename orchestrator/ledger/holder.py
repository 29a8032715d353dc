"""Who holds a lock: the data, and the words for it."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that writes to the ledger of one stack in one environment.

    ``token`` is unique to each time a lock is taken. ``birth`` marks when and where the process started, as
    ``presence`` reads it, so that another process with the same number is told apart. ``ci_run`` is the
    address of the CI run, or empty.
    """

    token: str
    user: str
    host: str
    process: int
    birth: str
    command: str
    since: datetime
    ci_run: str = ""

    def __str__(self) -> str:
        """Return who and where: ``Ada on build-7 (process 4711, orchestrator apply shop)``."""
        return f"{self.user} on {self.host} (process {self.process}, {self.command})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock that was taken; ``succeeded`` is the dead holder that it was taken over from, if any."""

    holder: Holder
    succeeded: Holder | None = None


def locked(subject: str, holder: Holder) -> Locked:
    """Return the error for a lock that somebody else holds; ``subject`` is ``stack/environment``."""
    stack, _, environment = subject.partition("/")
    return Locked(
        f"{subject} is locked since {holder.since:%Y-%m-%d %H:%M:%S} UTC by {holder}",
        hint="wait until that run has ended; if its process is gone for good: "
        f"orchestrator unlock {stack} --env {environment}",
        detail=f"CI run: {holder.ci_run}" if holder.ci_run else "",
    )
