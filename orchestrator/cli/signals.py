"""Signals turned into a request to stop: an interrupt, a supervisor that ends us, a terminal that closes."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from orchestrator.processes import Stop

_ASKING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE: Final = 2  # the third request breaks off even what does not look at the first two
_PULSE_SECONDS: Final = 0.2
_ANSWER: Final = b"\nstopping; what runs saves its state first (again: hurry)\n"


@contextmanager
def stopping_on_signals(stop: "Stop") -> Iterator[None]:
    """Request a stop whenever a signal asks for one while the block runs.

    Python runs a handler in the main thread and only once that does something. While units are worked on it
    waits for them, and a signal that comes just before it falls asleep does not wake it. So the request is made
    by a thread that does nothing but listen for it; the handler is there for who has lost patience.
    """
    asked = 0

    def handler(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > _PATIENCE:
            raise KeyboardInterrupt

    def request(number: int) -> None:
        stop.request(keyed=number == signal.SIGINT)
        if stop.requests <= _PATIENCE:
            # Not through a stream: another thread may be in the middle of a write to it.
            with suppress(OSError):  # of a terminal that is gone
                os.write(2, _ANSWER)

    # A supervisor that holds signals back while it starts us would make us, and what we start, deaf to them.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING)
    with _handling(handler), _heard(request):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a signal end what the block waits for, soon: a question has nothing to save."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    listener = signal.set_wakeup_fd(-1)
    try:
        with _handling(interrupt), _pulse():
            yield
    finally:
        signal.set_wakeup_fd(listener)


@contextmanager
def _pulse() -> Iterator[None]:
    """Wake the main thread now and then, so that it looks whether a signal came.

    One that comes just before it falls asleep, or that another thread gets, does not wake it by itself.
    """
    former = signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _PULSE_SECONDS, _PULSE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that ask for a stop, but not those that nohup or a shell wants to be ignored."""
    heard = [number for number in _ASKING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _heard(request: Callable[[int], None]) -> Iterator[None]:
    """Call ``request`` in a thread of its own, at once, for every signal that asks and that is handled."""
    ear, mouth = socket.socketpair()
    with ear, mouth:
        mouth.setblocking(False)  # noqa: FBT003 - the name of its only argument is private
        listener = threading.Thread(target=_listen, args=(ear, request), daemon=True)
        former = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        listener.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(former)
            mouth.close()
            listener.join()


def _listen(ear: socket.socket, request: Callable[[int], None]) -> None:
    while numbers := ear.recv(64):  # one byte for each signal
        for number in numbers:
            if number in _ASKING:
                request(number)
