"""Looking whether the agent's file still says what it said when the agent read it.

The agent and its children go by what it said then, all of it: half of a file that is being written may allow more than
the whole, and what one of them reads must not differ from what the others do. Another file counts from the next start.
"""

from dataclasses import dataclass

from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.events import FileChanged

_Mark = tuple[int, int, int]


@dataclass(slots=True, kw_only=True)
class OwnFile:
    """The agent's file; ``changed`` says whether it was another one, or none, when it was looked at last."""

    configuration: Configuration
    changed: bool = False
    _mark: _Mark | None = (0, 0, 0)

    def look(self) -> FileChanged | None:
        """Return that it is another one now, or the same again; None when that is as it was."""
        mark = self._marked()
        if mark == self._mark:
            return None
        before, self._mark, self.changed = self.changed, mark, self._differs()
        file = str(self.configuration.file)
        return None if self.changed == before else FileChanged(file=file, changed=self.changed)

    def _marked(self) -> _Mark | None:
        """Return what differs once somebody wrote it; None when it is not there."""
        try:
            found = self.configuration.file.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _differs(self) -> bool:
        try:
            return self.configuration.file.read_bytes() != self.configuration.said
        except OSError:
            return True
