"""Carrying things to one place outside, in a thread of its own: nobody waits for it, and it does not try for ever."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Final, Generic, TypeVar

from orchestrator import clock, log

T = TypeVar("T")

_MOST_WAITING: Final = 500
_TRIES: Final = 6
_LONGEST_PAUSE: Final = 120.0


class Undelivered(Exception):
    """Something did not arrive; ``why`` names no address and no secret.

    ``again`` is after how many seconds to try again, 0 when nobody said, None when there is no sense in it.
    """

    def __init__(self, why: str, again: float | None = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.again = again


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often something is tried, and how long after a first failure; twice as long after each."""

    tries: int = _TRIES
    first: float = 1.0

    def pause(self, failures: int, asked_for: float) -> float:
        """Return how long to wait after so many failures."""
        return min(max(math.ldexp(self.first, failures - 1), asked_for), _LONGEST_PAUSE)


class Courier(Generic[T]):
    """One place, and what waits to be carried there in its order."""

    def __init__(self, name: str, carry: Callable[[T], None], patience: Patience) -> None:
        """Begin; ``carry`` raises Undelivered."""
        self._name, self._carry, self._patience = name, carry, patience
        self._queue: Queue[T | None] = Queue(_MOST_WAITING)
        self._counts: Counter[str] = Counter({"sent": 0, "failed": 0, "dropped": 0})
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tell {name}", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how many were sent, failed or were dropped, by the name and that word."""
        return {(self._name, result): count for result, count in list(self._counts.items())}

    def put(self, what: T) -> None:
        """Have something carried; when too much waits already, it is dropped."""
        try:
            self._queue.put_nowait(what)
        except Full:
            self._counts["dropped"] += 1
            log.trouble("notification dropped", channel=self._name, why="too many wait")

    def close(self, patience: float) -> None:
        """Carry what waits, with one try for each, for so many seconds at most."""
        deadline = clock.seconds() + patience
        self._over.set()
        while self._thread.is_alive() and clock.seconds() < deadline:
            try:
                self._queue.put(None, timeout=0.05)  # a full queue is being emptied
                break
            except Full:
                continue
        self._thread.join(max(deadline - clock.seconds(), 0.0))
        if self._thread.is_alive():
            log.trouble("notifications lost", channel=self._name, waiting=self._queue.qsize())

    def _work(self) -> None:
        while True:
            try:
                what = self._queue.get(timeout=1.0)
            except Empty:
                if self._over.is_set():
                    return
                continue
            if what is None:
                return
            self._bring(what)

    def _bring(self, what: T) -> None:
        failures = 0
        while True:
            try:
                self._carry(what)
            except Undelivered as trouble:
                failures += 1
                if self._gives_up(trouble, failures):
                    return
            except Exception:  # noqa: BLE001 - one notification must not end those after it; what it says may be secret
                self._failed("it cannot be told")
                return
            else:
                self._counts["sent"] += 1
                return

    def _gives_up(self, trouble: Undelivered, failures: int) -> bool:
        if trouble.again is None or failures >= self._patience.tries or self._over.is_set():
            self._failed(trouble.why)
            return True
        self._over.wait(self._patience.pause(failures, trouble.again))
        return False

    def _failed(self, why: str) -> None:
        self._counts["failed"] += 1
        log.trouble("notification failed", channel=self._name, why=why)
