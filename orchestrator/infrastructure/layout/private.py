"""Folders and files that only their owner may enter and read."""

import os
from pathlib import Path
from typing import TextIO

from orchestrator.errors import StorageError


def make_private(folder: Path) -> Path:
    """Make a folder and what is missing above it, and return it; raises StorageError."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {error.filename or folder}: {error.strerror}") from error
    return folder


def write_private(file: Path, content: str) -> None:
    """Write a file that was private before its first byte; raises OSError."""
    with open_private(file, os.O_TRUNC) as stream:
        stream.write(content)


def open_private(file: Path, flags: int = 0) -> TextIO:
    """Open a private file for writing, made where it is missing; raises OSError."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | flags, 0o600), "w", encoding="utf-8")
