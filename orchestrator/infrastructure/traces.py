"""What a module is made from apart from its inputs and state: its code, and the versions of its providers."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.layout.private import write_private
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.links import part_behind

LOCK_FILE = ".terraform.lock.hcl"
_NEVER = frozenset({".git", ".terraform", ".orchestrator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Hashes of a module's code and of its lock file, and where its state is if that is a file here."""

    code: str
    lock: str
    state_file: str = ""


def trace_of(workspace: Workspace) -> Trace:
    """Return what a workspace is made from now; raises OSError."""
    return Trace(
        code=_code(workspace.module),
        lock=hashlib.sha256(lock_text(workspace).encode()).hexdigest(),
        state_file=str(workspace.local_state or ""),
    )


def lock_text(workspace: Workspace) -> str:
    """Return the lock file that counts: the committed one, else the one that the engine wrote, else nothing."""
    for folder in (workspace.module.directory, workspace.directory):
        if (folder / LOCK_FILE).is_file():
            return (folder / LOCK_FILE).read_text(encoding="utf-8")
    return ""


def adopt_lock(workspace: Workspace, text: str) -> None:
    """Have the next initialisation take the providers of this lock file, unless one is committed.

    Raises TerraformError, Interrupted, StorageError.
    """
    if not text or (workspace.module.directory / LOCK_FILE).is_file():
        return
    if lock_text(workspace) == text:
        return
    with occupied(workspace):
        write_private(workspace.directory / LOCK_FILE, text)
        (workspace.data / "initialised").unlink(missing_ok=True)


def files_of(module: Located) -> Iterator[str]:
    """Yield the files and links of a module, and of those that it calls, as paths in its tree, in order.

    Then come those of directories of the tree that links of these lead to.
    """
    folders = sorted({module.path, *module.calls})
    for path in folders:
        for file in _files(module.tree / path):
            name = file.relative_to(module.tree).as_posix()
            yield name
            linked = part_behind(module.tree, name) if file.is_symlink() else None
            if linked and linked not in folders and (module.tree / linked).is_dir():
                folders.append(linked)  # its turn comes, too


def _code(module: Located) -> str:
    hashed = hashlib.sha256()
    for name in files_of(module):
        content = _content(module.tree, name)
        hashed.update(f"{name}\0{len(content)}\0".encode())
        hashed.update(content)
    return hashed.hexdigest()


def _content(tree: Path, name: str) -> bytes:
    """Return what a file holds; for a link what it says, with what the file of the tree holds that it leads to."""
    file = tree / name
    if not file.is_symlink():
        return file.read_bytes()
    said = str(file.readlink()).encode()
    read = part_behind(tree, name) and file.is_file()
    return said + b"\0" + file.read_bytes() if read else said


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files and links below a folder in order; the lock file is told apart."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        links = (name for name in folders if Path(parent, name).is_symlink())  # not walked
        yield from (Path(parent, name) for name in sorted([*names, *links]) if name != LOCK_FILE)
