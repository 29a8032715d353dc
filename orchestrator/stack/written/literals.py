"""Where a file may hold expressions, and where only what is written out counts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from orchestrator.errors import Mistake
from orchestrator.stack.model import Json
from orchestrator.stack.reference import OPENING, spell
from orchestrator.stack.written.shape import is_read
from orchestrator.stack.yaml import Path, YamlDocument

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema

HOLDS_EXPRESSIONS: Final = (
    ("vars",),
    ("state", "config"),
    ("cluster",),
    ("modules", "*", "inputs"),
    ("manifests", "*", "namespace"),
)
"""The values that may hold expressions, with all that is below them; ``*`` is any name."""


def check_literals(document: YamlDocument, schema: "CoreSchema") -> Iterator[Mistake]:
    """Yield every expression that stands where none is read, such as in a module's source.

    What decides which units there are and where their files lie has to be known before anything is resolved.
    Below a key that ``schema`` does not know nobody can say where one is read: that key is the mistake.
    """
    for path, text in texts_in(document.value):
        if OPENING in text and not _holds_expressions(path) and is_read(schema, path):
            yield Mistake(
                message=f"{spell(str(path[0]), path[1:])} cannot hold an expression",
                place=document.place(path),
                hint="write the value itself",
            )


def texts_in(value: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text inside a value with its path, in order."""
    match value:
        case str():
            yield path, value
        case dict():
            for key, item in value.items():
                yield from texts_in(item, (*path, key))
        case list():
            for index, item in enumerate(value):
                yield from texts_in(item, (*path, index))
        case _:
            return


def _holds_expressions(path: Path) -> bool:
    inside = path[2:] if path[:1] == ("environments",) else path
    return any(
        len(inside) >= len(pattern)
        and all(step in {"*", given} for step, given in zip(pattern, inside, strict=False))
        for pattern in HOLDS_EXPRESSIONS
    )
