"""A newer revision that waits for its turn: it ends the waiting for health of the run that is at work.

Nothing else is stopped by it: what a run has begun it comes to an end with, and only what it waits for may take
for ever. Whoever waits in line says so itself, since it has both commits (`turns`); a process that is told of new
commits in another way, such as an agent, may say so too.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import log
from orchestrator.errors import Interrupted, LedgerError
from orchestrator.ledger.lease import Lease
from orchestrator.processes import Stop


class Overtaken:
    """Whether a newer revision waits, and which; any thread may tell."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by = ""

    def tell(self, by: str) -> None:
        """Say that ``by``, such as ``3f2c1a9 of Ada``, waits for its turn; the first one counts."""
        self._by = self._by or by

    @property
    def by(self) -> str:
        """Return what waits, or an empty text."""
        return self._by

    def error(self) -> Interrupted:
        """Return the error of what is no longer waited for."""
        return Interrupted(
            f"not waited for any longer, since a newer revision waits for its turn: {self._by}",
            hint="that one brings what it declares to an end; apply again only if it does not",
        )


@contextmanager
def stopping(stop: Stop, overtaken: Overtaken) -> Iterator[Stop]:
    """Give a request to stop for what may be overtaken: it is one too once a newer revision waits."""
    both = Stop()
    with both.unless(lambda: not (stop.requested or overtaken.by)):
        yield both


@contextmanager
def watched(lease: Lease, overtaken: Overtaken, *, pause: float) -> Iterator[None]:
    """Look at the queue of a lock while the block lasts, first after ``pause`` seconds, then as often."""
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(lease, overtaken, over, pause), name="queue", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(lease: Lease, overtaken: Overtaken, over: threading.Event, pause: float) -> None:
    while not over.wait(pause):
        try:
            waiting = lease.waiting()
        except LedgerError as error:  # a remote that is away is told by the heartbeats
            log.step("queue not seen", error=error.message)
            continue
        for waiter in waiting:
            if waiter.overtakes == lease.lock.holder.token:
                overtaken.tell(f"{waiter.holder.revision[:10]} of {waiter.holder.user}")
                return
