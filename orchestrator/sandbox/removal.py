"""Removing what a sandbox put on disk, and nothing else."""

import shutil
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import StorageError
from orchestrator.sandbox.layout import Layout


def remove(*paths: Path) -> None:
    """Remove files and folders, as far as they are there.

    Raises StorageError naming the path that cannot be removed.
    """
    for path in paths:
        try:
            _remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror}") from error


def remove_sandbox(layout: Layout) -> None:
    """Remove all that belongs to a sandbox, and its directory unless it holds anything else."""
    drafts = (path.with_name(f"{path.name}.new") for path in layout.entries)
    remove(*drafts, *layout.entries)
    with suppress(OSError):
        layout.directory.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
