"""The file of a saved plan: a zip archive that says itself what it is, readable by its owner alone."""

import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import StorageError, UsageError
from orchestrator.stack.model import UnitId

_FORMAT = 4
_DESCRIPTION = "plan.json"
# What zipfile and json raise for files that were cut or changed: another compression or encryption is claimed, too.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_MARK = b"A saved plan. It may hold secrets in clear text: keep it as private as the state.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFrom:
    """What one module's part of a plan was made from, to be compared before it is applied.

    ``state`` is the state's stamp and ``state_file`` where it is, if that is a file; ``code`` and ``lock`` are
    hashes, ``engine`` is its name and version, ``inputs`` maps the name of each to a hash of its value. ``waits``
    says that it is planned again in its turn, so that there is no plan of it to be kept.
    """

    state: str
    state_file: str
    code: str
    lock: str
    engine: str
    inputs: dict[str, str]
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a saved plan was made from; ``place`` identifies the cluster.

    ``effects`` maps a unit to the changes that it showed, for saying what differs.
    """

    stack: str
    environment: str
    commit: str
    difference: str
    only: list[str]
    destroy: bool
    head: str
    place: str
    digest: str
    modules: dict[str, MadeFrom]
    effects: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A saved plan: its description, and Terraform's plan files and lock files by unit."""

    description: Description
    plan_files: Mapping[UnitId, bytes] = field(default_factory=dict)
    lock_files: Mapping[UnitId, str] = field(default_factory=dict)


def packed(archive: Archive) -> bytes:
    """Return a saved plan as the bytes of its file."""
    described = {"format": _FORMAT, "version": __version__, **asdict(archive.description)}
    packed_ = io.BytesIO()
    with zipfile.ZipFile(packed_, "w", compression=zipfile.ZIP_DEFLATED) as file:
        file.comment = _MARK
        file.writestr(_DESCRIPTION, json.dumps(described, indent=2, sort_keys=True))
        for unit, plan_file in archive.plan_files.items():
            file.writestr(f"modules/{unit}.tfplan", plan_file)
        for unit, lock_file in archive.lock_files.items():
            file.writestr(f"modules/{unit}.lock.hcl", lock_file)
    return packed_.getvalue()


def unpacked(content: bytes, *, shown: str) -> Archive:
    """Read what ``packed`` made; raises UsageError for anything else, or for one of another version."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            written: dict[str, Any] = json.loads(file.read(_DESCRIPTION))
            _check_version(written, shown)
            parts = {name: file.read(name) for name in file.namelist() if "/" in name}
        made_from = {unit: MadeFrom(**made) for unit, made in written.pop("modules").items()}
        description = Description(**written, modules=made_from)
    except _DAMAGES as error:
        message = f"{shown} is not a saved plan, or is damaged"
        raise UsageError(message, hint="make one with `orchestrator plan --out FILE`") from error
    return Archive(
        description=description,
        plan_files=_by_unit(parts, ".tfplan"),
        lock_files={unit: text.decode() for unit, text in _by_unit(parts, ".lock.hcl").items()},
    )


def _by_unit(parts: Mapping[str, bytes], ending: str) -> dict[UnitId, bytes]:
    return {
        UnitId(Path(name).name.removesuffix(ending)): content
        for name, content in parts.items()
        if name.endswith(ending)
    }


def _check_version(written: dict[str, Any], shown: str) -> None:
    """Refuse what another version saved: the same words may mean something else to this one."""
    version, format_ = written.pop("version", ""), written.pop("format", 0)
    if (version, format_) != (__version__, _FORMAT):
        message = f"{shown} was saved by orchestrator {version or 'of an unknown version'}"
        raise UsageError(
            f"{message}, and this is {__version__}",
            hint="plan again with this one, or apply with that one",
        )


def write(file: Path, content: bytes) -> None:
    """Write a file at once and readable only by its owner; a device or a pipe just gets the bytes.

    Raises StorageError.
    """
    try:
        _write(file, content)
    except OSError as error:
        message = f"cannot save the plan to {file}: {(error.strerror or str(error)).lower()}"
        hint = "make room or choose another place; nothing was kept of it"
        raise StorageError(message, hint=hint) from error


def _write(file: Path, content: bytes) -> None:
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as draft:
            draft.write(content)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
