"""What YAML texts were found to say before, kept in a file: reading thousands of manifests anew takes seconds."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from orchestrator import __version__
from orchestrator.stack.model import Json
from orchestrator.stack.text.secrecy import secrets_of_manifests
from orchestrator.stack.text.source import Source
from orchestrator.stack.yaml import YamlDocument, parse

# What is kept holds for the reader that made it.
_READER: Final = f"{__version__}/1"
_Kept: TypeAlias = dict[str, list[tuple[Json, int, int | None]]]


class Parses:
    """The texts of one set: each by its digest, with the value and the extent of every document in it."""

    def __init__(self, known: _Kept) -> None:
        """Begin with what is known; what is not asked for is forgotten."""
        self.kept: _Kept = {}
        self._known = known

    def read(self, text: str, file: str) -> tuple[YamlDocument, ...]:
        """Return the documents of a manifest, as ``parse`` does, with no line of a Secret; raises InvalidStack."""
        key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        known = self._known.get(key)
        if known is None:
            documents = parse(text, file, secrecy=secrets_of_manifests)
            self.kept[key] = [(each.value, each.start, each.end) for each in documents]
            return documents
        self.kept[key] = known
        source = Source(text.removeprefix("\ufeff"), file, secrets_of_manifests)
        return tuple(
            YamlDocument(value=value, source=source, start=start, end=end)
            for value, start, end in known
        )


@contextmanager
def remembered(file: Path | None) -> Iterator[Parses]:
    """Read texts with what ``file`` holds of them, and keep there what was read; None remembers nothing.

    A file that is missing, damaged, or of another version is no more than work to do.
    """
    known = _known(file) if file else {}
    parses = Parses(known)
    yield parses
    if file and parses.kept.keys() != known.keys():
        _keep(file, parses.kept)


def _known(file: Path) -> _Kept:
    with suppress(OSError, ValueError):
        held = json.loads(file.read_bytes())
        if isinstance(held, dict) and held.get("reader") == _READER:
            texts = held.get("texts")
            return texts if isinstance(texts, dict) else {}
    return {}


def _keep(file: Path, kept: _Kept) -> None:
    with suppress(OSError):  # a full disk costs speed and nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, encoding="utf-8", delete=False
        ) as draft:
            # Not json.dump: that encodes in Python, which takes ten times as long.
            draft.write(json.dumps({"reader": _READER, "texts": kept}, separators=(",", ":")))
        Path(draft.name).replace(file)
