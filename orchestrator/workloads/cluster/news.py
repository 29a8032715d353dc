"""What became of objects that are followed, until somebody asks."""

import threading
from dataclasses import dataclass

from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.live import Live
from orchestrator.workloads.ownership import uid_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An object as it is now; ``gone`` marks its deletion, with the last that was seen of it."""

    ref: ObjectRef
    live: Live
    gone: bool = False


class News:
    """What was seen and not told yet, in the order in which it was seen; of one object only the latest.

    Another object of the same name is another one: that the first is gone is told, too.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._come = threading.Condition()
        self._seen: dict[tuple[ObjectRef, str], Seen] = {}

    def put(self, seen: Seen) -> None:
        """Take in what was seen."""
        key = seen.ref, uid_of(seen.live)
        with self._come:
            self._seen.pop(key, None)
            self._seen[key] = seen
            self._come.notify()

    def get(self, timeout: float) -> Seen | None:
        """Return what was seen first of what is not told yet, waiting for it up to ``timeout`` seconds."""
        with self._come:
            if not self._seen and timeout > 0:
                self._come.wait(timeout)
            first = next(iter(self._seen), None)
            return self._seen.pop(first) if first else None
