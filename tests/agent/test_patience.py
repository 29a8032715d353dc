"""Time for each of many: what hangs is told to stop, and nobody waits for it any longer."""

import threading

from orchestrator.agent.work.patience import Patience
from orchestrator.processes import Stop


def test_who_is_in_time_is_heard() -> None:
    """Whatever the answer is."""
    patience = Patience(seconds=60, grace=60)
    assert patience.with_it(lambda _: True, Stop()) is True
    assert patience.with_it(lambda _: False, Stop()) is False
    assert patience.passed_over == 0


def test_who_is_late_is_told_to_stop() -> None:
    """One that does so is not passed over, and its answer is none: it was broken off."""
    patience = Patience(seconds=0.05, grace=60)
    assert patience.with_it(lambda stop: stop.wait(60), Stop()) is None
    assert patience.passed_over == 0


def test_who_does_not_stop_is_passed_over() -> None:
    """It is left alone, and the next one has its turn."""
    patience, over = Patience(seconds=0.05, grace=0.05), threading.Event()
    assert patience.with_it(lambda _: over.wait(60), Stop()) is None
    assert patience.passed_over == 1
    over.set()


def test_a_request_to_stop_reaches_who_is_asked() -> None:
    """The whole is stopped: so is what is asked now."""
    patience, stop = Patience(seconds=60, grace=60), Stop()
    stop.request()
    assert patience.with_it(lambda own: own.requested, stop) is True
