"""Where a module's files are: in the revision's tree, or fetched by Terraform as it understands addresses."""

from pathlib import Path

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.infrastructure.overlay import Located
from orchestrator.infrastructure.workspace import ModuleRequest, Site


def is_local(source: str) -> bool:
    """Return whether an address names a directory of the repository; Terraform draws the line there too."""
    return source in {".", ".."} or source.startswith(("./", "../"))


def locate(request: ModuleRequest, site: Site) -> Located:
    """Return where a unit's module is; raises InvalidStack when there is no such directory."""
    return local(request)


def local(request: ModuleRequest) -> Located:
    """Return the directory that a local address names; raises InvalidStack when there is none, or outside."""
    tree = request.tree.resolve()
    directory = (tree / request.directory / request.source).resolve()
    problem = _problem(directory, tree)
    if problem:
        message = f"source `{request.source}` of {request.unit} {problem}"
        raise InvalidStack(
            (Mistake(message=message, place=request.place, hint=_hint(directory, request)),)
        )
    return Located(tree=tree, path=directory.relative_to(tree).as_posix())


def _problem(directory: Path, tree: Path) -> str:
    if not directory.is_relative_to(tree):
        return "leads out of the repository"
    if not directory.exists():
        return "does not exist"
    if not directory.is_dir():
        return "is a file, not a directory"
    return "" if _has_configuration(directory) else "holds no Terraform files"


def _has_configuration(directory: Path) -> bool:
    endings = (".tf", ".tf.json", ".tofu", ".tofu.json")
    return any(entry.name.endswith(endings) for entry in directory.iterdir())


def _hint(directory: Path, request: ModuleRequest) -> str:
    import difflib

    parent = directory.parent
    if (
        not directory.is_relative_to(request.tree.resolve())
        or not parent.is_dir()
        or directory.exists()
    ):
        return f"it counts from {request.directory}, the stack file's directory"
    beside = sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    near = difflib.get_close_matches(directory.name, beside, n=1)
    if near:
        return f"did you mean {request.source.rstrip('/').removesuffix(directory.name)}{near[0]}?"
    return (
        f"it counts from {request.directory}, the stack file's directory; only what Git has is seen"
    )
