"""Whether what a stack points at lies where it may: sources of modules and paths of manifests."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from orchestrator.errors import Mistake
from orchestrator.stack.expressions import locate_in
from orchestrator.stack.model import ManifestSet, Module, Stack
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.project import PROJECT_FILE, Project
from orchestrator.stack.reference import OPENING

_ENDINGS = (".tf", ".tf.json", ".tofu", ".tofu.json")
_FEWEST_PARTS = 3  # of a registry address, NAMESPACE/NAME/PROVIDER


def check_origins(stack: Stack, root: Path, project: Project) -> Iterator[Mistake]:
    """Yield modules whose source is not there or not allowed, and paths that leave the repository."""
    for module in stack.modules:
        if module.source and OPENING not in module.source:
            yield from _check_source(module, stack, root, project)
    for manifests in stack.manifests:
        if _leaves(manifests.path) or _inside(stack.directory, manifests.path) is None:
            hint = (
                "manifests have to be part of the revision; write a path relative to the stack file"
            )
            yield _mistake(
                manifests, "path", f"the path {manifests.path!r} leaves the repository", hint
            )


def _check_source(module: Module, stack: Stack, root: Path, project: Project) -> Iterator[Mistake]:
    if module.local:
        yield from _check_directory(module, stack, root)
        if module.version:
            hint = "remove it; versions belong to registry addresses"
            yield _mistake(module, "version", "a directory of this repository has no version", hint)
    elif _leaves(module.source):
        hint = "a module has to be part of the revision, or have an address that others can reach"
        yield _mistake(
            module, "source", f"the source {module.source!r} leaves the repository", hint
        )
    elif not _is_address(module.source):
        message = f"the source {module.source!r} is neither a directory nor an address that Terraform accepts"
        yield _mistake(module, "source", message, f"write './{module.source}' for a directory")
    elif not project.allows_source(module.source):
        hint = f"{PROJECT_FILE} allows {', '.join(project.sources or ()) or 'only directories of this repository'}"
        yield _mistake(module, "source", f"the source {module.source!r} is not allowed", hint)


def _check_directory(module: Module, stack: Stack, root: Path) -> Iterator[Mistake]:
    directory = _inside(stack.directory, module.source)
    if directory is None:
        hint = "a module has to be part of the revision, or have an address that others can reach"
        yield _mistake(
            module, "source", f"the source {module.source!r} leaves the repository", hint
        )
        return
    path = root / directory
    if not path.is_dir():
        message = f"there is no directory {directory.as_posix()!r}"
        yield _mistake(module, "source", message, _nearest(root, directory))
    elif not any(entry.name.endswith(_ENDINGS) for entry in path.iterdir()):
        message = f"the directory {directory.as_posix()!r} has no Terraform files"
        yield _mistake(module, "source", message, _nested(path))


def _leaves(path: str) -> bool:
    return path.startswith(("/", "~"))


def _inside(directory: str, path: str) -> PurePosixPath | None:
    """Return ``path``, which is relative to ``directory``, relative to the root, or None when it is not below it."""
    steps: list[str] = []
    for step in (PurePosixPath(directory) / path).parts:
        if step != "..":
            steps.append(step)
        elif steps:
            steps.pop()
        else:
            return None
    return PurePosixPath(*steps)


def _is_address(source: str) -> bool:
    return "::" in source or ":" in source or len(source.split("/")) >= _FEWEST_PARTS


def _nearest(root: Path, directory: PurePosixPath) -> str:
    parent = root / directory.parent
    if not parent.is_dir():
        return f"{directory.parent.as_posix()!r} is not there either"
    names = [
        entry.name
        for entry in parent.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    ]
    return did_you_mean(directory.name, names, otherwise="a source is relative to the stack file")


def _nested(path: Path) -> str:
    names = {entry.parent.name for ending in _ENDINGS for entry in path.glob(f"*/*{ending}")}
    return (
        f"did you mean the directory {min(names)!r} in it?"
        if names
        else "add a main.tf, or correct the source"
    )


def _mistake(unit: Module | ManifestSet, key: str, message: str, hint: str) -> Mistake:
    return Mistake(message=message, place=locate_in(unit.places)((key,)), hint=hint)
