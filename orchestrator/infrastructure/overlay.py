"""Laying a module out in a working directory of its own, without copying the tree around it.

The directories along the module's path are real and its own files are copied, so that Terraform can write
beside them; everything else of the tree is a symbolic link, so that ``../common`` means what it means in
Git, and several units can run the same source side by side.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.infrastructure.private import write_private

_RECORD = "placed.json"
_NEVER = frozenset({".git", ".terraform", ".orchestrator", "errored.tfstate"})
_STATE_NAMES = ("terraform.tfstate",)
_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json")
_VARIABLE_FILES = (".auto.tfvars", ".auto.tfvars.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a module's files are: the tree that they belong to and the path inside it, ``.`` for its root.

    ``shown`` is how people know that tree: empty for the repository itself, else the module's address.
    """

    tree: Path
    path: str
    shown: str = ""

    @property
    def directory(self) -> Path:
        """Return the module's directory."""
        return self.tree / self.path

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the path's segments."""
        return tuple(part for part in self.path.split("/") if part not in {"", "."})


def read_by_terraform(name: str) -> bool:
    """Return whether a file of this name, beside a module's configuration, is part of a unit.

    Variable files are not: a unit's inputs stand in the stack file, and a module that is fetched would not
    see them either. State that somebody committed is not ours to use.
    """
    if name in _NEVER or name.startswith(_STATE_NAMES):
        return False
    return name not in {"terraform.tfvars", "terraform.tfvars.json"} and not name.endswith(
        _VARIABLE_FILES
    )


def place(module: Located, home: Path, generated: Mapping[str, bytes]) -> Path:
    """Bring ``home/tree`` up to date with the module and return the directory to run Terraform in.

    ``generated`` are files of ours beside the module's. Files that Terraform's resources wrote there earlier
    stay, unless they would be read as configuration.
    """
    directory = home / "tree"
    for depth, part in enumerate(module.parts):
        beside = module.tree.joinpath(*module.parts[:depth])
        _link_siblings(beside, directory, own=part)
        directory = directory / part
    _fill(module, directory, home / _RECORD, generated)
    return directory


def _link_siblings(source: Path, target: Path, *, own: str) -> None:
    _make_real(target)
    wanted = {entry.name for entry in source.iterdir() if entry.name not in {own, *_NEVER}}
    for entry in list(target.iterdir()):
        if entry.name not in wanted and entry.name != own:
            _remove(entry)
    for name in wanted:
        _link(target / name, source / name)


def _fill(module: Located, target: Path, record: Path, generated: Mapping[str, bytes]) -> None:
    """Copy the module's files, link its directories, and take away what is no longer part of it."""
    _make_real(target)
    entries = [entry for entry in module.directory.iterdir() if read_by_terraform(entry.name)]
    wanted = frozenset(entry.name for entry in entries) | frozenset(generated)
    before = _placed_before(record, target)
    for stray in list(target.iterdir()):
        if stray.name not in wanted and (
            stray.name in before or stray.name.endswith(_CONFIGURATION)
        ):
            _remove(stray)
    if wanted != before:
        write_private(record, json.dumps({"directory": str(target), "names": sorted(wanted)}))
    for entry in entries:
        if entry.is_dir():
            _link(target / entry.name, entry)
        elif entry.is_file() and entry.name not in generated:
            _write(target / entry.name, entry.read_bytes(), mode=_mode(entry))
    for name, content in generated.items():
        _write(target / name, content)


def _placed_before(record: Path, target: Path) -> frozenset[str]:
    """Return the names that were placed here the last time, so that what left the module leaves the directory."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        content = json.loads(record.read_text())
        if content["directory"] == str(target):
            return frozenset(content["names"])
    return frozenset()


def _make_real(directory: Path) -> None:
    if directory.is_symlink() or directory.is_file():
        directory.unlink()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _link(link: Path, target: Path) -> None:
    with suppress(OSError):
        if link.is_symlink() and link.readlink() == target:
            return
    _remove(link)
    link.symlink_to(target)


def _mode(file: Path) -> int:
    return 0o700 if os.access(file, os.X_OK) else 0o600


def _write(target: Path, content: bytes, mode: int = 0o600) -> None:
    with suppress(OSError):
        if (
            not target.is_symlink()
            and target.read_bytes() == content
            and target.stat().st_mode & 0o777 == mode
        ):
            return
    _remove(target)
    target.write_bytes(content)
    target.chmod(mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
