"""Maps of a document that people wrote, read leniently: what has the wrong shape is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.errors import Place
from orchestrator.stack.model import Json
from orchestrator.stack.yaml import Path, YamlDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One map of a document: what it holds and where it stands."""

    document: YamlDocument
    path: Path = ()

    @property
    def value(self) -> Json:
        """Return what stands here, whatever it is, or None."""
        value = self.document.value
        for step in self.path:
            value = value.get(str(step)) if isinstance(value, dict) else None
        return value

    @property
    def values(self) -> dict[str, Json]:
        """Return the map, empty when there is none."""
        value = self.value
        return value if isinstance(value, dict) else {}

    def below(self, *steps: str) -> "Section":
        """Return the section at ``steps`` inside this one."""
        return Section(document=self.document, path=(*self.path, *steps))

    def entries(self) -> tuple["Section", ...]:
        """Return the section of every entry of this map, in the file's order."""
        return tuple(self.below(name) for name in self.values)

    def locate(self, path: Path, /, *, within: str = "") -> Place:
        """Return the place of a value inside this section."""
        return self.document.place((*self.path, *path), within=within)

    def text(self, key: str) -> str:
        """Return the text at ``key``, or an empty one."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """Return the whole number at ``key``, or None."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, key: str) -> bool | None:
        """Return whether ``key`` says true or false, or None."""
        value = self.values.get(key)
        return value if isinstance(value, bool) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of the list at ``key``."""
        value = self.values.get(key)
        return (
            tuple(item for item in value if isinstance(item, str))
            if isinstance(value, list)
            else ()
        )

    def places(self) -> Mapping[Path, Place]:
        """Return the places of all values inside; a map and a list have that of their key."""
        return {
            path: self.document.place((*self.path, *path), key=is_container)
            for path, is_container in _paths(self.values, ())
        }


def _paths(value: Json, path: Path) -> Iterator[tuple[Path, bool]]:
    yield path, isinstance(value, (dict, list))
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))
