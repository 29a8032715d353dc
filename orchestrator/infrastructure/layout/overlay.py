"""Laying a module out in a working directory of its own, without copying the tree around it.

The module and the modules of the tree that it calls are real directories with copies of their files, so that
Terraform can write beside them and finds them at the same path in every revision: it keeps the resolved
paths of called modules, and shows them to the configuration as ``path.module``. Everything else of the tree
is a symbolic link, so that ``../../templates`` means what it means in Git.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.infrastructure.layout.private import write_private

_RECORD = "placed.json"
_NEVER = frozenset({".git", ".terraform", ".orchestrator", "errored.tfstate"})
CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json")
_VALUES = ("terraform.tfvars", "terraform.tfvars.json")
_MORE_VALUES = (".auto.tfvars", ".auto.tfvars.json")

_Placed = dict[str, list[str]]
"""The names that were placed, by directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a module's files are: the tree that they belong to and the path inside it, ``.`` for its root.

    ``calls`` are the directories of the tree whose modules it calls, directly or not, and ``links`` those through which
    it does. ``shown`` is how people know that tree: empty for the repository itself, else an address.
    """

    tree: Path
    path: str
    calls: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    shown: str = ""

    @property
    def directory(self) -> Path:
        """Return the module's directory."""
        return self.tree / self.path


def place(module: Located, home: Path, generated: Mapping[str, bytes]) -> Path:
    """Bring ``home/tree`` up to date with the module and return the directory to run Terraform in.

    ``generated`` are files of ours beside the module's. Files that Terraform's resources wrote there earlier
    stay, unless they would be read as configuration.
    """
    overlay = _Overlay(module, home / "tree", _read_record(home / _RECORD))
    placed = dict(overlay.place())
    for name, content in generated.items():
        _write(overlay.root / module.path / name, content)
        placed[module.path].append(name)
    if placed != overlay.before:
        write_private(home / _RECORD, json.dumps(placed))
    return overlay.root / module.path


class _Overlay:
    def __init__(self, module: Located, root: Path, before: Mapping[str, list[str]]) -> None:
        self.root = root
        self.before = before
        self._module = module
        self._copied = {module.path, *module.calls}
        ancestors = (str(parent) for path in self._copied for parent in PurePosixPath(path).parents)
        self._real = frozenset({".", *self._copied, *ancestors})

    def place(self) -> Iterator[tuple[str, list[str]]]:
        """Place one directory after the other, the outer ones first; yield the names in each."""
        for path in sorted(self._real):
            _make_real(self.root / path)
            with os.scandir(self._module.tree / path) as found:
                entries = [entry for entry in found if self._belongs(path, entry.name)]
            names = sorted(entry.name for entry in entries)
            self._remove_others(path, frozenset(names))
            for entry in entries:
                self._place(path, entry)
            yield path, names

    def _belongs(self, path: str, name: str) -> bool:
        """Return whether an entry is part of a unit.

        Variable files beside the module are not: a unit's inputs stand in the stack file, and a module that
        is fetched would not see them either. State that somebody committed is not ours to use.
        """
        if path == self._module.path and name.startswith("terraform.tfstate"):
            return False
        values = name in _VALUES or name.endswith(_MORE_VALUES)
        return name not in _NEVER and not (values and path == self._module.path)

    def _remove_others(self, path: str, wanted: frozenset[str]) -> None:
        before = self.before.get(path, [])
        with os.scandir(self.root / path) as found:
            strays = [Path(entry.path) for entry in found if entry.name not in wanted]
        for stray in strays:
            read = path in self._copied and stray.name.endswith(CONFIGURATION)
            if read or stray.name in before:
                _remove(stray)

    def _place(self, path: str, entry: os.DirEntry[str]) -> None:
        """Place one entry; a unit has one for each directory beside its module, so that paths are texts here."""
        inside = entry.name if path == "." else f"{path}/{entry.name}"
        target = f"{self.root}/{inside}"
        if entry.is_symlink() and not (path in self._copied and entry.is_file()):
            _link(target, str(self._counterpart(Path(entry.path), Path(target))))
        elif entry.is_dir():
            if inside not in self._real:
                _link(target, entry.path)
        elif path not in self._copied:
            _link(target, entry.path)
        elif entry.is_file():
            mode = 0o700 if os.access(entry, os.X_OK) else 0o600
            _write(Path(target), Path(entry.path).read_bytes(), mode=mode)

    def _counterpart(self, link: Path, target: Path) -> Path:
        """Return what a link of the tree leads to; one that stays in the tree stays in the overlay.

        That one is relative, so that Terraform resolves it to the path that it has in Git.
        """
        destination = link.resolve()
        if not destination.is_relative_to(self._module.tree):
            return link
        inside = self.root / destination.relative_to(self._module.tree)
        return Path(os.path.relpath(inside, target.parent))


def _read_record(record: Path) -> _Placed:
    with suppress(OSError, ValueError):
        content = json.loads(record.read_text())
        return content if isinstance(content, dict) else {}
    return {}


def _make_real(directory: Path) -> None:
    if directory.is_symlink() or directory.is_file():
        directory.unlink()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _link(link: str, target: str) -> None:
    with suppress(OSError):
        if os.readlink(link) == target:  # noqa: PTH115  a path takes longer to make than to read
            return
    _remove(Path(link))
    Path(link).symlink_to(target)


def _write(target: Path, content: bytes, mode: int = 0o600) -> None:
    with suppress(OSError):
        same = not target.is_symlink() and target.read_bytes() == content
        if same and target.stat().st_mode & 0o777 == mode:
            return
    _remove(target)
    target.write_bytes(content)
    target.chmod(mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
