"""The configuration of a module and of those that it calls, as they are laid out and were fetched."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.layout.overlay import CONFIGURATION
from orchestrator.infrastructure.workspace import Workspace

_READS = re.compile(r'^\s*data\b|"data"', re.MULTILINE)


def own_configuration(workspace: Workspace) -> dict[str, str]:
    """Return the module's own files of configuration, by name; raises UnicodeDecodeError, OSError."""
    files = _configuration(workspace.directory)
    return {name: text for name, text in files.items() if name not in workspace.generated}


def with_called(workspace: Workspace, own: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return a module's own files and those of the modules that it calls, as the last initialisation noted them.

    They are named by the calls that lead to each, the module itself by the empty text; a call that came since
    is missing. Raises UnicodeDecodeError, OSError.
    """
    noted: list[dict[str, Any]] = []
    with suppress(OSError, ValueError, KeyError):
        noted = json.loads(_record(workspace).read_text())["Modules"]
    folders = {str(each["Key"]): workspace.directory / str(each["Dir"]) for each in noted}
    there = {key: folder for key, folder in folders.items() if key and folder.is_dir()}
    return {"": own, **{key: _configuration(folder) for key, folder in there.items()}}


def reads_data(workspace: Workspace) -> bool:
    """Whether a module, or one that it calls, reads data sources, as far as can be told without running anything."""
    module = workspace.module
    folders = [module.directory, *(module.tree / path for path in module.calls)]
    if any(_READS.search(text) for folder in folders for text in _texts(folder)):
        return True
    if not any(
        _fetched(source) for folder in folders for source in declared(folder, "").calls.values()
    ):
        return False
    record = _record(workspace)
    if not record.is_file():
        return True
    inside = (folder for folder in record.parent.rglob("*") if folder.is_dir())
    return any(_READS.search(text) for folder in inside for text in _texts(folder))


def _fetched(source: str) -> bool:
    return source not in {".", ".."} and not source.startswith(("./", "../"))


def _record(workspace: Workspace) -> Path:
    """Return where Terraform notes which modules are called, and where each of them is."""
    return workspace.home / "data" / "modules" / "modules.json"


def _texts(folder: Path) -> Iterator[str]:
    """Yield what the configuration in a folder says, as far as it is text."""
    for file in _files(folder):
        yield file.read_text(encoding="utf-8", errors="replace")


def _configuration(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8-sig") for file in _files(folder)}


def _files(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.iterdir())
        if file.name.endswith(CONFIGURATION) and ".tfvars" not in file.name and file.is_file()
    ]
