"""A shelf in a directory: on this machine, or one that several machines mount.

Each document is a file, ``KIND.json`` or ``KIND/REST.json``. A file is replaced by renaming another one over it that
is on the disk already, so that a reader finds the old or the new one and a crash leaves either. Who writes holds the
kernel's lock on the file ``guard`` meanwhile: it ends with the process, however that ends.
"""

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator import clock
from orchestrator.errors import LedgerError, LedgerUnreachable
from orchestrator.ledger.stores.documents import ENTRY, HEAD, STATE
from orchestrator.ledger.stores.shelf import Document
from orchestrator.plans.objects import Owner

_PRIVATE, _OURS = 0o700, 0o600
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.005
_ENDING = ".json"


def owners_in(base: Path) -> list[Owner]:
    """Return whose ledgers are in a directory, also those of which only a part is left, sorted."""
    parts = (f"{HEAD}{_ENDING}", STATE, ENTRY)
    found = (place.relative_to(base).parts for part in parts for place in base.glob(f"*/*/{part}"))
    named = sorted({(stack, environment) for stack, environment, _ in found})
    return [Owner(stack=stack, environment=environment) for stack, environment in named]


class DirectoryShelf:
    """Documents in a directory of their own, which is made when the first one is written."""

    def __init__(self, base: Path, owner: str, *, patience: float = _PATIENCE_SECONDS) -> None:
        """Take a directory, which has to be there, and what the one in it is for, such as ``shop/production``.

        ``patience`` is how many seconds somebody else may take to write.
        """
        self._base = base
        self._root = base / owner
        self._patience = patience
        self._pause = threading.Event()

    @property
    def title(self) -> str:
        """Return what people know the place by."""
        return f"the directory {self._root}"

    def place(self, name: str) -> str:
        """Return the file of a document."""
        return str(self._file(name))

    def read(self, name: str) -> Document | None:
        """Return a document, or None when there is none of that name."""
        with self._explained():
            self._check_base()
            return _read(self._file(name))

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Replace that version of a document, and return the new one; nothing when another one is there."""
        file = self._file(name)
        with self._explained(), self._guarded():
            if _version(file) != over:
                return ""
            _replace(file, content)
            return _digest(content)

    def remove(self, name: str, *, over: str) -> bool:
        """Remove that version of a document; return whether it was the one that is there."""
        file = self._file(name)
        with self._explained(), self._guarded():
            if not over or _version(file) != over:
                return False
            file.unlink()
            _settle(file.parent)
            return True

    def find(self, kind: str) -> Mapping[str, Document]:
        """Return the documents of a kind, by name."""
        with self._explained():
            self._check_base()
            files = sorted((self._root / kind).glob(f"*{_ENDING}"))
            found = ((f"{kind}-{file.name.removesuffix(_ENDING)}", _read(file)) for file in files)
            return {name: each for name, each in found if each is not None}

    def _file(self, name: str) -> Path:
        kind, _, rest = name.partition("-")
        return self._root / (f"{kind}/{rest}{_ENDING}" if rest else f"{kind}{_ENDING}")

    def _check_base(self) -> None:
        # Nothing to mount, and a ledger that is somewhere else, look like an empty one otherwise.
        if not self._base.is_dir():
            raise LedgerUnreachable(
                f"the directory {self._base}, which ledgers are kept in, is not there",
                hint="make it, or mount it: what it holds is not known until then",
            )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Keep all other writers out while the block lasts."""
        self._check_base()
        between = self._root.relative_to(self._base).parents
        for each in (*(self._base / one for one in reversed(between)), self._root):
            each.mkdir(mode=_PRIVATE, exist_ok=True)
        deadline = clock.seconds() + self._patience
        while True:
            guard = os.open(self._root / "guard", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OURS)
            try:
                if self._locked(guard):
                    yield
                    return
            finally:
                os.close(guard)
            if clock.seconds() > deadline:
                raise LedgerError(
                    f"{self.title} is being written by another process for {self._patience:g} seconds",
                    hint="it may be paused: see who has the file guard in it open, such as with fuser",
                )
            self._pause.wait(_PAUSE_SECONDS)

    def _locked(self, guard: int) -> bool:
        """Try to lock the guard; one that was removed meanwhile, with all the rest, keeps nobody out."""
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(guard), (self._root / "guard").stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            reason = "the disk is full" if full else str(error.strerror or error).lower()
            hint = (
                "free some space and run again"
                if full
                else "see whether this user may read and write there, and nobody else changes it"
            )
            raise LedgerUnreachable(f"{self.title} cannot be used: {reason}", hint=hint) from error


def _read(file: Path) -> Document | None:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    return Document(content=content, version=_digest(content))


def _version(file: Path) -> str:
    found = _read(file)
    return found.version if found else ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(file: Path, content: bytes) -> None:
    """Put a file in place that is on the disk; what a crash left of an earlier try is written over."""
    made = not file.parent.exists()
    file.parent.mkdir(mode=_PRIVATE, exist_ok=True)
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OURS)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    _settle(file.parent)
    if made:
        _settle(file.parent.parent)


def _settle(directory: Path) -> None:
    """Have what is in a directory on the disk, too."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
