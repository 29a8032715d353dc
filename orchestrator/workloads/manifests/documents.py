"""Manifests as files hold them: which files a set reads, and the objects declared in them.

Nothing is replaced or defaulted here; references are still text.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.stack.expressions import Path as ValuePath
from orchestrator.stack.expressions import Reference, references
from orchestrator.stack.links import leads_out
from orchestrator.stack.model import Json, ManifestSet, UnitId
from orchestrator.stack.parses import remembered
from orchestrator.stack.reference import OPENING
from orchestrator.stack.yaml import YamlDocument, decode
from orchestrator.workloads.kinds import BUILT_IN

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_GLOB_CHARACTERS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDocument:
    """One object as it is declared; an item of a ``List`` is one too.

    ``prefix`` is where its value begins in the document of the file.
    """

    value: Mapping[str, Json]
    source: YamlDocument = field(repr=False)
    prefix: ValuePath = ()

    @property
    def literal(self) -> bool:
        """Whether there is surely no expression in it; an escape could stand for a part of one."""
        return not (self.source.mentions(OPENING) or self.source.mentions("\\"))

    def place(self, path: ValuePath, /, *, within: str = "") -> Place:
        """Return where the value at ``path`` inside the object stands, or the text ``within`` it."""
        return self.source.place((*self.prefix, *path), within=within)


def read_documents(
    tree: Path, manifests: ManifestSet, directory: str, *, memory: Path | None = None
) -> tuple[ManifestDocument, ...]:
    """Return the objects that a set declares, in the order of files and of documents in them.

    ``tree`` is the root of the revision's files and ``directory`` the stack file's, relative to it. The
    set's path is a file, a directory (read with everything below it, hidden names left out) or a pattern.
    ``memory`` is a file in which is kept what texts say, for the next time. Raises InvalidStack with every
    mistake: nothing there, files that cannot be read, objects without a kind.
    """
    documents: list[ManifestDocument] = []
    mistakes: list[Mistake] = []
    with remembered(memory) as parses:
        for file in _files(tree, manifests, directory):
            try:
                for document in parses.read(_text(tree, file), file):
                    documents += _objects(document, mistakes)
            except InvalidStack as error:
                mistakes += error.mistakes
    if not documents and not mistakes:
        mistakes.append(_nothing(manifests, "holds no objects"))
    if mistakes:
        raise InvalidStack(tuple(mistakes))
    return tuple(documents)


def references_of(documents: Iterable[ManifestDocument]) -> tuple[tuple[Reference, Place], ...]:
    """Return every reference in the documents with its place; raises InvalidStack for malformed ones."""
    found: list[tuple[Reference, Place]] = []
    mistakes: list[Mistake] = []
    for document in documents:
        if document.literal:
            continue
        try:
            pairs = references(dict(document.value), document.place)
        except InvalidStack as error:
            mistakes += error.mistakes
            continue
        found += [(item, document.place(path, within=item.text)) for path, item in pairs]
    if mistakes:
        raise InvalidStack(tuple(mistakes))
    return tuple(found)


def check_duplicates(documents: Mapping[UnitId, tuple[ManifestDocument, ...]]) -> None:
    """Raise InvalidStack when the same object is declared twice, naming both places.

    Only what is certain before references are replaced counts: a namespace that is left out may become
    another one in each set.
    """
    first: dict[tuple[str, ...], ManifestDocument] = {}
    mistakes: list[Mistake] = []
    for unit, of_unit in documents.items():
        for document in of_unit:
            earlier = first.setdefault(_identity(unit, document.value), document)
            if earlier is not document:
                mistakes.append(_declared_twice(document, earlier))
    if mistakes:
        raise InvalidStack(tuple(mistakes))


def _files(tree: Path, manifests: ManifestSet, directory: str) -> tuple[str, ...]:
    """Return the files of a set relative to ``tree``, sorted."""
    written = os.path.normpath(Path(directory, manifests.path)).replace(os.sep, "/")
    if written.startswith("..") or Path(written).is_absolute():
        raise InvalidStack((_nothing(manifests, "lies outside of the repository"),))
    found = sorted(_matching(tree, written))
    if not found:
        raise InvalidStack((_nothing(manifests, _why_nothing(tree, written)),))
    if _lead_outside(tree, found):
        message = "leads out of the repository by a symbolic link"
        raise InvalidStack((_nothing(manifests, message),))
    return tuple(found)


def _lead_outside(tree: Path, files: Iterable[str]) -> bool:
    """Whether some of the files lie elsewhere; folders are asked once, and files that are no links not at all."""
    links = [file for file in files if (tree / file).is_symlink()]
    folders = {file.rpartition("/")[0] for file in files}
    return any(leads_out(tree, path) for path in (*links, *folders))


def _matching(tree: Path, written: str) -> Iterator[str]:
    chosen = tree / written
    if chosen.is_file():
        yield written
    elif chosen.is_dir():
        yield from _below(tree, chosen)
    elif _GLOB_CHARACTERS & set(written):
        for path in tree.glob(written):
            if path.is_dir():
                yield from _below(tree, path)
            elif not _hidden(path.relative_to(tree)) and path.suffix in _SUFFIXES:
                yield path.relative_to(tree).as_posix()


def _below(tree: Path, directory: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(directory):
        folders[:] = (name for name in folders if not name.startswith("."))
        prefix = Path(folder).relative_to(tree).as_posix()
        for name in names:
            visible = not name.startswith(".")
            if visible and name.endswith(tuple(_SUFFIXES)) and Path(folder, name).is_file():
                yield name if prefix == "." else f"{prefix}/{name}"


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _why_nothing(tree: Path, written: str) -> str:
    if (tree / written).is_dir():
        return "holds no .yaml, .yml or .json files"
    return "matches no files" if _GLOB_CHARACTERS & set(written) else "does not exist"


def _nothing(manifests: ManifestSet, what: str) -> Mistake:
    return Mistake(
        message=f"{manifests.id}: the path {manifests.path!r} {what}",
        place=manifests.places.get(("path",)),
        hint="it is a file, a directory or a pattern, relative to the stack file's directory;"
        " remove the set from the stack file to delete what it owns",
    )


def _text(tree: Path, file: str) -> str:
    try:
        return decode((tree / file).read_bytes(), file)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise InvalidStack((Mistake(message=message),)) from error


def _objects(document: YamlDocument, mistakes: list[Mistake]) -> Iterator[ManifestDocument]:
    if document.value is None:
        return
    yield from _unpacked(document, document.value, (), mistakes)


def _unpacked(
    document: YamlDocument, value: Json, prefix: ValuePath, mistakes: list[Mistake]
) -> Iterator[ManifestDocument]:
    match value:
        case {"kind": str(kind), "items": list(items)} if kind.endswith("List"):
            for index, item in enumerate(items):
                yield from _unpacked(document, item, (*prefix, "items", index), mistakes)
        case dict():
            found = tuple(_missing(document, value, prefix))
            mistakes.extend(found)
            if not found:
                yield ManifestDocument(value=value, source=document, prefix=prefix)
        case _:
            message = "a manifest is a map with apiVersion, kind and metadata"
            mistakes.append(Mistake(message=message, place=document.place(prefix)))


def _missing(
    document: YamlDocument, value: Mapping[str, Json], prefix: ValuePath
) -> Iterator[Mistake]:
    for field_name, hint in (
        ("apiVersion", "add one, such as `apiVersion: apps/v1`, or `v1` for the core kinds"),
        ("kind", "add one, such as `kind: Deployment`"),
    ):
        if not (isinstance(value.get(field_name), str) and value[field_name]):
            yield _lacks(document, field_name, (*prefix, field_name), hint)
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        yield _lacks(
            document,
            "metadata",
            (*prefix, "metadata"),
            "add it, with the object's name: `metadata: {name: web}`",
        )
    elif not (isinstance(metadata.get("name"), str) and metadata["name"]):
        yield _lacks(document, "metadata.name", (*prefix, "metadata", "name"), _name_hint(metadata))


def _name_hint(metadata: Mapping[str, Json]) -> str:
    if "generateName" in metadata:
        return "generateName would make another object with each apply: give it a name"
    if "name" in metadata:
        return "it has to be a text: put quotes around a number"
    return "add one: every object needs it"


def _lacks(document: YamlDocument, name: str, path: ValuePath, hint: str) -> Mistake:
    return Mistake(
        message=f"the manifest has no usable {name}", place=document.place(path), hint=hint
    )


def _identity(unit: UnitId, value: Mapping[str, Json]) -> tuple[str, ...]:
    group = str(value["apiVersion"]).rpartition("/")[0]
    kind = str(value["kind"])
    metadata = value["metadata"]
    names = metadata if isinstance(metadata, dict) else {}
    if BUILT_IN.namespaced(group, kind) is False:
        return (group, kind, str(names.get("name")))
    namespace = names.get("namespace")
    return (group, kind, str(names.get("name")), str(namespace) if namespace else f"of {unit}")


def _declared_twice(document: ManifestDocument, earlier: ManifestDocument) -> Mistake:
    metadata = document.value["metadata"]
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    return Mistake(
        message=f"{document.value['kind']} {name} is declared twice",
        place=document.place(("metadata", "name")),
        hint="remove or rename one of them",
        related=earlier.place(("metadata", "name")),
    )
