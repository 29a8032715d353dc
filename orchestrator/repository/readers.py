"""One ``git cat-file`` for many questions: starting a program takes longer than most of them do.

It looks refs and objects up anew for each question, so that it tells what a program of its own would.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from subprocess import Popen  # noqa: TID251 - GitPython starts the child, in these terms
from typing import Final

_AT_ONCE: Final = 16 * 1024
"""How much is asked at once, in bytes: less than a pipe holds, so that asking never waits for answers to be read."""


class Gone(Exception):
    """The program ended before all was answered."""


class Reader:
    """A program that takes a name a line and answers each with a line, and what more that line tells of.

    Any thread may ask. It ends when it is closed, or when this process ends.
    """

    def __init__(self, start: Callable[[], "Popen[bytes]"], more: Callable[[bytes], int]) -> None:
        """Take how it is started, with pipes: for the first question. ``more`` is how many bytes follow a line."""
        self._start = start
        self._more = more
        self._asking = threading.Lock()
        self._child: Popen[bytes] | None = None
        self._closed = False

    def ask(self, names: Sequence[str]) -> bytes:
        """Return the answers as the program gives them, one after the other; raises Gone."""
        with self._asking:
            try:
                return b"".join(part for some in _lots(names) for part in self._answers(some))
            except (OSError, ValueError) as error:  # its pipes are broken, or were closed
                self.close()
                raise Gone from error
            except BaseException:  # what was not read yet would be taken for the next answer
                self.close()
                raise

    def close(self) -> None:
        """End it, whoever still waits for an answer."""
        self._closed, child = True, self._child
        if child is None or child.returncode is not None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                with suppress(OSError):  # what was not written is for nobody
                    stream.close()

    def _answers(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        child = self._running()
        questions, answers, troubles = child.stdin, child.stdout, child.stderr
        if questions is None or answers is None or troubles is None:
            raise Gone
        questions.write(b"".join(lines))
        questions.flush()
        for _ in lines:
            line = answers.readline()
            content = answers.read(self._more(line)) if line else b""
            if not line or len(content) < self._more(line):
                raise Gone
            yield line
            yield content
        troubles.read()  # warnings, which nobody wants: a full pipe would hold it up

    def _running(self) -> "Popen[bytes]":
        if self._closed:
            raise Gone
        if self._child is None:
            self._child = self._start()
            if self._child.stderr is not None:
                os.set_blocking(self._child.stderr.fileno(), False)
        return self._child


def _lots(names: Sequence[str]) -> Iterator[list[bytes]]:
    lot, size = list[bytes](), 0
    for name in names:
        line = os.fsencode(f"{name}\n")
        if lot and size + len(line) > _AT_ONCE:
            yield lot
            lot, size = [], 0
        lot.append(line)
        size += len(line)
    if lot:
        yield lot
