from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from orchestrator.cli.signals import interruptible, stopping_on_signals
from orchestrator.processes import Stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_run_whose_main_thread_sleeps(number: signal.Signals) -> None:
    """The request does not wait until the main thread does something again."""
    stop = Stop()
    with stopping_on_signals(stop):
        _signal_in_another_thread(number)
        assert stop.wait(30.0)

    assert stop.requests == 1


def test_former_handlers_are_back_afterwards() -> None:
    """Whoever handled signals before does so again, and no file descriptor is left behind."""
    before = signal.getsignal(signal.SIGTERM)
    with stopping_on_signals(Stop()):
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_what_is_to_be_ignored_stays_ignored() -> None:
    """`nohup`, and a shell's background job, mean it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop()
        with stopping_on_signals(stop):
            signal.raise_signal(signal.SIGHUP)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_supervisor_held_back_is_heard() -> None:
    """A mask is inherited by what is started; nobody could stop the run, nor what it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        stop = Stop()
        with stopping_on_signals(stop):
            signal.raise_signal(signal.SIGTERM)
            assert stop.wait(30.0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_a_question_is_ended_at_once_and_requests_nothing() -> None:
    """What a person answers has nothing to save: the block is left by KeyboardInterrupt."""
    stop = Stop()
    with stopping_on_signals(stop), pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)

    assert not stop.requested


def test_a_question_hears_a_signal_that_does_not_end_its_read() -> None:
    """One that another thread gets does not, nor one that comes just before the main thread falls asleep."""
    ear, mouth = os.pipe()
    reads = threading.Event()
    _signal_in_another_thread(signal.SIGINT, once=reads)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # the other thread runs once this one is in its read, not before
    try:
        with stopping_on_signals(Stop()), pytest.raises(KeyboardInterrupt), interruptible():
            _read_after(reads, ear)
    finally:
        sys.setswitchinterval(interval)
        os.close(ear)
        os.close(mouth)


def _read_after(told: threading.Event, ear: int) -> None:
    told.set()
    os.read(ear, 1)


def _signal_in_another_thread(
    number: signal.Signals, *, once: threading.Event | None = None
) -> None:
    def send() -> None:
        if once is not None:
            once.wait()
        signal.pthread_kill(threading.get_ident(), number)

    threading.Thread(target=send).start()
