"""Who holds a lock, who waits for it, and the words for both."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.errors import Locked
from orchestrator.stack.written.durations import written

_LATE = timedelta(minutes=1)
GRACE = 1.25
"""How many leases a holder has to be silent, to whoever watches it, before it counts as dead.

It stops by itself after one. What lies between is for what it started to come to its end.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that writes to the ledger of one stack in one environment.

    ``token`` is unique to each time a lock is taken. ``birth`` marks when and where the process started, as
    ``presence`` reads it, so that another process with the same number is told apart. ``ci_run`` is the
    address of the CI run, or empty. ``lease`` is how long it may go on without a heartbeat, in seconds; 0 for
    one that has none. ``account`` is who Terraform takes the process for: ``user@host``. ``revision`` is the
    commit that it applies, and empty for what is none.
    """

    token: str
    user: str
    host: str
    process: int
    birth: str
    command: str
    since: datetime
    ci_run: str = ""
    lease: float = 0.0
    account: str = ""
    revision: str = ""

    def __str__(self) -> str:
        """Return who and where: ``Ada on build-7 (process 4711, orchestrator apply shop)``."""
        return f"{self.user} on {self.host} (process {self.process}, {self.command})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A lock as it was seen.

    ``mark`` changes with every heartbeat; ``beat`` is when the last one was, by the holder's own clock.
    """

    holder: Holder
    mark: str
    beat: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock that was taken; ``succeeded`` is the dead holder that it was taken over from, if any.

    ``brought`` are sentences about what earlier runs did from here and could not record until now.
    """

    holder: Holder
    succeeded: Hold | None = None
    brought: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A process that waits for the lock, for up to ``patience`` seconds since it came.

    ``overtakes`` is the token of a holder that applies an earlier commit in the history of this one's, or empty.
    """

    holder: Holder
    patience: float
    overtakes: str = ""

    @property
    def key(self) -> tuple[datetime, str]:
        """Return what waiters are sorted by: when they came."""
        return self.holder.since, self.holder.token

    def gone(self, now: datetime) -> bool:
        """Return whether it has given up by now, whatever became of it."""
        return now > self.holder.since + timedelta(seconds=self.patience) + _LATE


def in_line(
    waiters: Iterable[Waiter], now: datetime, is_dead: Callable[[Holder], bool]
) -> tuple[Waiter, ...]:
    """Return those who still wait, the first one first."""
    waiting = (each for each in waiters if not each.gone(now) and not is_dead(each.holder))
    return tuple(sorted(waiting, key=lambda waiter: waiter.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A lock and its queue as they were seen: who holds it, if anybody, and who waits, the first one first.

    ``unsettled`` says that whoever takes the lock from here records first what could not be recorded earlier.
    """

    hold: Hold | None
    waiting: tuple[Waiter, ...] = ()
    unsettled: bool = False

    def ahead_of(self, waiter: Waiter) -> tuple[Waiter, ...]:
        """Return those who came before a waiter."""
        return tuple(other for other in self.waiting if other.key < waiter.key)


def locked(subject: str, hold: Hold, *, waited: float = 0.0) -> Locked:
    """Return the error for a lock that somebody else holds; ``subject`` is ``stack/environment``."""
    stack, _, environment = subject.partition("/")
    holder = hold.holder
    still = f", still after {written(waited)}" if waited else ""
    wait = "wait until that run has ended" + ("" if waited else ", as --lock-timeout 10m does")
    return Locked(
        f"{subject} is locked since {holder.since:%Y-%m-%d %H:%M:%S} UTC by {holder}{still}",
        hint=f"{wait}; if its process is gone for good: "
        f"orchestrator unlock {stack} --env {environment}",
        detail=f"CI run: {holder.ci_run}" if holder.ci_run else "",
    )
