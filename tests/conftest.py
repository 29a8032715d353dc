"""What every test can ask for."""

import os
import signal
import sys

import pytest
from hypothesis import settings

pytest_plugins = (
    "tests.sandbox_fixture",
    "tests.forges.real.fixture",
    "tests.infrastructure.opentofu",
)

# The command is started hundreds of times: without compiled files each start would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# So are the tests themselves, by every worker of every run.
sys.dont_write_bytecode = False

# Other tests keep the machine busy: how long one example takes says nothing.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")

# Whoever starts the tests (a shell in the background, nohup, a supervisor) may have signals ignored or held
# back, which children inherit; tests send them to commands that are to hear them.
_SENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
for _number in _SENT:
    if signal.getsignal(_number) is signal.SIG_IGN:
        heard = signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL
        signal.signal(_number, heard)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers share the tests: more than there are processors, since a third of the time is waiting."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that need the most time, as their limits say, so that none of them runs alone at the end.

    Each worker is given an even part of the tests, one after the other: each part begins with its share of those.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    long = sorted((item for item in items if _limit(item)), key=_limit, reverse=True)
    others = [item for item in items if not _limit(item)]
    size = len(items) // workers
    items.clear()
    for number in range(workers):
        first = long[number::workers]
        share = max(0, size - len(first))
        items += first + others[:share]
        del others[:share]
    items += others


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker and marker.args else 0.0
