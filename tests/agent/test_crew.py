"""What becomes of those that wait for something when the one who sent them fails."""

import io
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from orchestrator import log
from orchestrator.agent.crew import crew
from orchestrator.processes import Stop


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Return what is logged meanwhile."""
    stream = io.StringIO()
    log.configure(verbose=False, terminal=False, redact=str, stream=stream)
    yield stream
    log.configure(verbose=False, terminal=False, redact=str)


@pytest.mark.timeout(20)
def test_who_fails_asks_all_to_stop_and_says_why(said: io.StringIO) -> None:
    """Nobody waits for what is at work until it ends by itself; the error goes on, and a line of the log has it."""
    stop, ended = Stop(), list[bool]()
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        ended.append(stop.wait(60))

    with pytest.raises(KeyError):
        _fail(stop, wait, begun)
    assert ended == [True]
    (line,) = map(json.loads, said.getvalue().splitlines())
    assert (line["event"], line["why"]) == ("agent fails", "internal error: KeyError: 'newer'")
    assert line["level"] == "error"


def _fail(stop: Stop, wait: Callable[[], None], begun: threading.Event) -> None:
    with crew(stop, workers=1, askers=1) as threads:
        threads.workers.submit(wait)
        begun.wait()
        raise KeyError("newer")


def test_who_ends_well_waits_for_all() -> None:
    """Nobody is asked to stop by that alone."""
    stop, ended = Stop(), list[bool]()
    with crew(stop, workers=1, askers=1) as threads:
        threads.workers.submit(lambda: ended.append(stop.requested))
    assert ended == [False]
    assert not stop.requested
