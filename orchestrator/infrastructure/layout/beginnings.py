"""What a first apply leaves when it dies: an empty state file, and a word of whether something was made by then.

Terraform makes an empty file when it locks a new state, and writes a state in place. So an empty file does not tell
whether nothing was made yet, or whether its first state was lost: to a power cut, a full disk, or a kill in between.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from orchestrator.infrastructure.layout.private import open_private
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeDone, Event

_HARMLESS: Final = frozenset({Action.NO_OP, Action.READ})


def never_written(file: Path) -> bool:
    """Whether a state file is empty since an engine made it when it locked a new state, and wrote none that lasts.

    It releases the lock by removing what is told of it, and keeps a copy of a state before it writes one anew.
    """
    empty = file.is_file() and not file.stat().st_size
    return empty and lock_info(file).exists() and not backup(file).exists()


def lock_info(file: Path) -> Path:
    """Return where an engine tells who holds the lock on a state file."""
    return file.with_name(f".{file.name}.lock.info")


def backup(file: Path) -> Path:
    """Return where an engine keeps the state before the last one."""
    return file.with_name(f"{file.name}.backup")


def noting_first(
    workspace: Workspace, on_event: Callable[[Event], None]
) -> Callable[[Event], None]:
    """Return a listener that notes the first thing that is made while there is no state, for who finds none later.

    A note that is there belongs to an apply whose state came to be, and goes.
    """
    if not _without_state(workspace):
        _note(workspace).unlink(missing_ok=True)
        return on_event
    noted = _note(workspace).exists()

    def listen(event: Event) -> None:
        nonlocal noted
        on_event(event)
        if not noted and isinstance(event, ChangeDone) and event.action not in _HARMLESS:
            noted = True
            _write(_note(workspace), event.name)

    return listen


def made_first(workspace: Workspace) -> str:
    """Return what was made first by an apply whose state is not there, an empty text where nothing is known of one."""
    if not _without_state(workspace) or not _note(workspace).exists():
        return ""
    return _note(workspace).read_text(encoding="utf-8") or "something"


def _without_state(workspace: Workspace) -> bool:
    """Whether the state would be in a file of ours, and nothing is in it."""
    file = workspace.local_state
    return file is not None and not (file.is_file() and file.stat().st_size)


def _note(workspace: Workspace) -> Path:
    return workspace.home / "made-first.txt"


def _write(file: Path, text: str) -> None:
    """Write the note so that a power cut leaves it, which may take the state."""
    with open_private(file, os.O_TRUNC) as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
