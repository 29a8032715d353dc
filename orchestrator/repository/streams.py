"""Many commits at once, as the stream that ``git fast-import`` reads. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol


class Draft(Protocol):
    """A commit that is still to be written; ``parents`` are those beside the one before it."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return all that it holds, by name."""

    @property
    def parents(self) -> Sequence[str]:
        """Return the ids of its further parents."""

    @property
    def message(self) -> str:
        """Return its message."""

    @property
    def author(self) -> str:
        """Return ``Name <mail>``, or a name alone."""

    @property
    def at(self) -> datetime:
        """Return the time that both sides carry."""


def stream_of(
    drafts: Sequence[Draft], signatures: Sequence[str], *, ref: str, parent: str
) -> Iterator[bytes]:
    """Yield a stream that writes commits one after the other and tells the id of the last on stdout.

    ``signatures`` are ``Name <mail> seconds zone``, one for each; ``ref`` is where the last one is left, and
    ``parent`` what the first one follows, empty for nothing.
    """
    before = parent
    for number, (draft, signature) in enumerate(zip(drafts, signatures, strict=True), start=1):
        parents = [one for one in (before, *draft.parents) if one]
        yield f"commit {ref}\nmark :{number}\n".encode()
        yield f"author {signature}\ncommitter {signature}\n".encode()
        yield from _data(draft.message.encode())
        for keyword, one in zip(("from", *["merge"] * len(parents)), parents, strict=False):
            yield f"{keyword} {one}\n".encode()
        yield b"deleteall\n"
        for name, content in sorted(draft.files.items()):
            yield f"M 100644 inline {name}\n".encode()
            yield from _data(content)
        before = f":{number}"
    yield f"get-mark {before}\ndone\n".encode()


def _data(content: bytes) -> Iterator[bytes]:
    yield b"data %d\n" % len(content)
    yield content
    yield b"\n"
