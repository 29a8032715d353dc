"""Giving each of many things some time: one that hangs is told to stop, and passed over when it does not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.processes import Stop


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long one thing may take, and how long it may take to stop then, in seconds.

    ``passed_over`` counts those that did not stop. They may do so until this process ends.
    """

    seconds: float
    grace: float
    passed_over: int = 0

    def with_it(self, ask: Callable[[Stop], bool], stop: Stop) -> bool | None:
        """Return what something answers that looks at its own request to stop; None when it took too long, or failed.

        What is asked of ``stop`` is asked of that too.
        """
        own, answers = Stop(above=stop), list[bool]()
        thread = threading.Thread(target=lambda: answers.append(ask(own)), daemon=True)
        thread.start()
        thread.join(self.seconds)
        late = thread.is_alive()
        if late:
            own.request()
            thread.join(self.grace)
        if thread.is_alive():
            self.passed_over += 1
        return None if late or not answers else answers[0]
