"""A request to stop, which work looks at between and during its steps."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """A request to stop, set by a signal or a caller and looked at between and during steps.

    Asking a second time means that the patience is over: children get their next signal at once.
    """

    def __init__(self, *, above: "Stop | None" = None) -> None:
        """Start unset; what is asked of one that stands ``above`` this is asked of this too."""
        self._above = above
        self._event = threading.Event()
        self._requests = 0
        self._keyed = 0
        self._guard = threading.Lock()
        self._allowed: Callable[[], bool] = lambda: True

    def request(self, *, keyed: bool = False) -> None:
        """Ask everything that looks at this to stop; ``keyed`` says that it may come from the keys of a terminal."""
        with self._guard:
            self._requests += 1
            self._keyed += keyed
            self._event.set()

    @contextmanager
    def unless(self, allowed: Callable[[], bool]) -> Iterator[None]:
        """Take it for a request when what allows the block's work is over: it is asked at each look.

        So nothing is begun in between, also when this process was paused and nobody else had a chance to ask.
        """
        self._allowed = allowed
        try:
            yield
        finally:
            self._allowed = lambda: True

    @property
    def requests(self) -> int:
        """How many times somebody asked."""
        return self._requests + (self._above.requests if self._above else 0)

    @property
    def keyed(self) -> int:
        """How many of the requests may come from the keys of a terminal."""
        return self._keyed + (self._above.keyed if self._above else 0)

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop, or the work is not allowed any more."""
        if not self._event.is_set() and not self._allowed():
            with self._guard:
                self._requests = max(self._requests, 1)
                self._event.set()
        return self._event.is_set() or (self._above is not None and self._above.requested)

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the request; return whether it came."""
        self._event.wait(timeout)
        return self.requested
