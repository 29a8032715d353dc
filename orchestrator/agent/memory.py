"""The agent's own directory: one agent at a time works there, and finds what the one before it knew.

All of it can be removed: then the agent fetches and looks at everything anew.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator import clock
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import Agenda
from orchestrator.agent.decisions.recollection import Verdicts, recalled, remembered
from orchestrator.errors import Locked, storage_error

_FILE: Final = "agenda.json"
_LOCK: Final = "agent.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is kept in a directory, for as long as the agent's file stays the same."""

    directory: Path
    told: str

    def recall(self, *, longest: float) -> tuple[Agenda, Verdicts]:
        """Return what was kept; nothing when the agent is told something else by now, or it cannot be read."""
        try:
            document = json.loads((self.directory / _FILE).read_bytes())
        except (OSError, ValueError):
            return {}, {}
        if not isinstance(document, dict) or document.get("told") != self.told:
            return {}, {}
        now, wall = clock.lasting(), clock.now().timestamp()
        return recalled(document, now=now, wall=wall, longest=longest)

    def keep(self, agenda: Agenda, verdicts: Verdicts) -> None:
        """Keep what is known; a disk that is full costs no more than that."""
        found = remembered(agenda, verdicts, now=clock.lasting(), wall=clock.now().timestamp())
        text = json.dumps({**found, "told": self.told})
        new = self.directory / f"{_FILE}.new"
        with suppress(OSError):
            new.write_text(text, encoding="utf-8")
            new.replace(self.directory / _FILE)


@contextmanager
def own_directory(configuration: Configuration) -> Iterator[Memory]:
    """Have the agent's directory for the block alone; raises Locked when another agent works there, StorageError."""
    directory = configuration.directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise storage_error(error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Locked(
            f"another agent works in {directory}",
            hint="give each agent a `directory` of its own, or wait until that one ended",
        ) from error
    try:
        yield Memory(directory=directory, told=configuration.digest)
    finally:
        os.close(lock)
