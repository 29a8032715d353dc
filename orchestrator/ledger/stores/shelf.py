"""What a chain of documents needs of the place that keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from orchestrator.errors import ClusterError, LedgerError

ATTEMPTS: Final = 20
"""How often a document is looked at again that somebody else replaced, before that is trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is kept under a name; ``version`` is another one each time that it is replaced, and never empty."""

    content: bytes
    version: str


class Shelf(Protocol):
    """Documents by name, each of which is only replaced or removed as the version that was seen.

    A name is ``KIND`` or ``KIND-REST``, of small letters, digits and hyphens. Every method raises ClusterError or
    LedgerError when the place refuses or does not answer; what was asked for may then have happened all the same.
    """

    @property
    def title(self) -> str:
        """Return what people know the place by, for a sentence: ``the directory /srv/ledgers/shop/production``."""

    def place(self, name: str) -> str:
        """Return what people find a document by."""

    def read(self, name: str) -> Document | None:
        """Return a document, or None when there is none of that name."""

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Replace that version of a document (empty: there is to be none), durably.

        Return the new version, or nothing when another one is there.
        """

    def remove(self, name: str, *, over: str) -> bool:
        """Remove that version of a document; return whether it was the one that is there."""

    def find(self, kind: str) -> Mapping[str, Document]:
        """Return the documents of a kind, by name."""


def written(shelf: Shelf, name: str, content: bytes, *, over: str) -> str:
    """Write a document; one that is there as it was to be was written, though the answer was lost."""
    try:
        if version := shelf.write(name, content, over=over):
            return version
    except (ClusterError, LedgerError):
        if version := _as_written(shelf, name, content):
            return version
        raise
    return _as_written(shelf, name, content)


def _as_written(shelf: Shelf, name: str, content: bytes) -> str:
    found = shelf.read(name)
    return found.version if found and found.content == content else ""


def removed(shelf: Shelf, name: str, version: str) -> bool:
    """Remove a version of a document; one that is gone was removed, though the answer was lost."""
    try:
        return shelf.remove(name, over=version)
    except (ClusterError, LedgerError):
        if shelf.read(name) is None:
            return True
        raise


def restless(shelf: Shelf) -> LedgerError:
    """Return the error for documents that others replaced each time when we were to."""
    return LedgerError(
        f"{shelf.title} kept changing while it was written", hint="run again in a moment"
    )
