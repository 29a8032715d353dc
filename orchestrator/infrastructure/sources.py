"""Where a module's files are: in the revision's tree, or at an address that Terraform fetches from."""

import difflib
import re
from pathlib import Path
from urllib.parse import unquote

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.infrastructure.declarations import called
from orchestrator.infrastructure.fetching import fetch
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.workspace import ModuleRequest, Site

_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json")
_CREDENTIALS = re.compile(r"://(?:([^/\s:@]+)@|[^/\s:@]*:([^/\s@]+)@)")
_WELL_KNOWN_USERS = frozenset({"git", "hg"})


def locate(request: ModuleRequest, site: Site) -> Located:
    """Return where a unit's module is, fetched where it is not part of the repository.

    Raises InvalidStack when a local directory is not there, TerraformError when an address cannot be read.
    """
    if request.local:
        return locate_local(request)
    for secret in credentials_in(request.source):
        site.secrets.learn(secret)
    return fetch(request, site)


def locate_local(request: ModuleRequest) -> Located:
    """Return the directory of the revision's tree that a local source names.

    Links inside the tree are followed. Raises InvalidStack when there is no such directory with Terraform
    files, or when it leads out of the tree.
    """
    tree = request.tree.resolve()
    directory = (tree / request.directory / request.source).resolve()
    problem = _problem(directory, tree)
    if problem:
        message = f"source {request.source!r} of {request.unit} {problem}"
        mistake = Mistake(message=message, place=request.place, hint=_hint(directory, request))
        raise InvalidStack((mistake,))
    calls = called(directory, tree)
    return Located(
        tree=tree,
        path=directory.relative_to(tree).as_posix(),
        calls=calls.directories,
        links=calls.links,
    )


def credentials_in(source: str) -> tuple[str, ...]:
    """Return the passwords and tokens that stand in an address, as they are and decoded."""
    found = [user or password for user, password in _CREDENTIALS.findall(source)]
    return tuple(
        form for text in found if text not in _WELL_KNOWN_USERS for form in {text, unquote(text)}
    )


def _problem(directory: Path, tree: Path) -> str:
    if not directory.is_relative_to(tree):
        return "leads out of the repository"
    if not directory.exists():
        return "does not exist"
    if not directory.is_dir():
        return "is a file, not a directory"
    configured = any(entry.name.endswith(_CONFIGURATION) for entry in directory.iterdir())
    return "" if configured else "holds no Terraform files"


def _hint(directory: Path, request: ModuleRequest) -> str:
    counts = f"it counts from {request.directory}, the stack file's directory"
    if directory.exists() or not directory.is_relative_to(request.tree.resolve()):
        return counts
    beside = directory.parent.iterdir() if directory.parent.is_dir() else ()
    names = sorted(entry.name for entry in beside if entry.is_dir())
    near = difflib.get_close_matches(directory.name, names, n=1)
    if near:
        return f"did you mean {request.source.rstrip('/').removesuffix(directory.name)}{near[0]}?"
    return f"{counts}, and only what Git knows is seen"
