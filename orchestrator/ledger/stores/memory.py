"""A shelf that lives as long as this process: for trying things out, where no Git is at hand."""

import threading
from collections.abc import Mapping
from itertools import count

from orchestrator.ledger.stores.shelf import Document


class MemoryShelf:
    """Documents in a dictionary."""

    title = "the memory of this process"

    def __init__(self) -> None:
        """Start with none."""
        self._guard = threading.Lock()
        self._kept: dict[str, Document] = {}
        self._versions = map(str, count(1))

    def place(self, name: str) -> str:
        """Return what people find a document by."""
        return name

    def read(self, name: str) -> Document | None:
        """Return a document, or None when there is none of that name."""
        return self._kept.get(name)

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Replace that version of a document, and return the new one; nothing when another one is there."""
        with self._guard:
            if self._version(name) != over:
                return ""
            version = next(self._versions)
            self._kept[name] = Document(content=content, version=version)
            return version

    def remove(self, name: str, *, over: str) -> bool:
        """Remove that version of a document; return whether it was the one that is there."""
        with self._guard:
            if self._version(name) != over:
                return False
            self._kept.pop(name, None)
            return True

    def find(self, kind: str) -> Mapping[str, Document]:
        """Return the documents of a kind, by name."""
        kept = dict(self._kept)
        return {name: each for name, each in kept.items() if name.startswith(f"{kind}-")}

    def _version(self, name: str) -> str:
        found = self._kept.get(name)
        return found.version if found else ""
