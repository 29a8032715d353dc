"""Fetching a module from a registry, a Git repository or wherever else Terraform can read one.

Terraform itself does it, for a configuration of one module call, so that every kind of address, credential
helper and mirror works as people know it. What was fetched is kept, and read again only when it can change.
"""

import hashlib
import json
import re
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from orchestrator.errors import Interrupted, OrchestratorError, TerraformError
from orchestrator.infrastructure.declarations import called_directories
from orchestrator.infrastructure.layout.occupancy import DOWNLOAD_SECONDS, explained_storage, held
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.layout.private import make_private, write_private
from orchestrator.infrastructure.reading.diagnostics import Diagnostic, failure, from_text
from orchestrator.infrastructure.reading.versions import parse_version
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.infrastructure.workspace import ModuleRequest, Site
from orchestrator.processes import Command, Completed, run

_CALL = "unit"
_REGISTRY = re.compile(r"([\w.-]+\.[\w-]+(:\d+)?/)?[\w-]+/[\w-]+/[\w-]+(//.*)?")
_TAG_OR_COMMIT = re.compile(r"[?&]ref=([0-9a-f]{40}|v?\d+\.\d+(\.\d+)?([-+][\w.-]+)?)(&|$)")
_REQUIRED = re.compile(r'The argument "([^"]+)" is required')
_GENERATIONS_KEPT = 2


def fetch(request: ModuleRequest, site: Site) -> Located:
    """Return where a module that is not part of the repository was fetched to.

    A version, a tag or a commit is fetched once and kept; anything else once in each run, so that a plan and
    its apply see the same files of a moving branch. Raises TerraformError, or Interrupted.
    """
    key = hashlib.sha256(f"{request.source}\0{request.version}".encode()).hexdigest()[:20]
    if key not in site.fetched:
        folder = make_private(site.folder / "sources" / key)
        with (
            explained_storage(str(request.unit)),
            held(folder / "lock", site, request.unit, patience=DOWNLOAD_SECONDS),
        ):
            if key not in site.fetched:
                site.fetched[key] = _current(request, site, folder)
    return site.fetched[key]


def immutable(source: str, version: str) -> bool:
    """Return whether an address always means the same files: an exact version, a tag or a whole commit."""
    if _REGISTRY.fullmatch(source):
        with suppress(ValueError):
            return len(parse_version(version.removeprefix("=").strip()).numbers) == 3  # noqa: PLR2004
        return False
    return bool(_TAG_OR_COMMIT.search(source))


def _current(request: ModuleRequest, site: Site, folder: Path) -> Located:
    known = _kept(folder)
    if known is not None and immutable(request.source, request.version):
        return _located(known, request, site)
    fresh = Path(mkdtemp(dir=folder, prefix="fetched-"))
    try:
        _get(request, site, fresh)
        located = _located(fresh, request, site)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if known is not None and _digest(known) == _digest(fresh):
        shutil.rmtree(fresh)
        return _located(known, request, site)
    write_private(folder / "current", fresh.name)
    _clean(folder, fresh)
    return located


def _kept(folder: Path) -> Path | None:
    with suppress(OSError):
        kept = folder / (folder / "current").read_text().strip()
        return kept if (kept / "modules" / "modules.json").is_file() else None
    return None


def _clean(folder: Path, current: Path) -> None:
    """Remove all but the newest generations; the one before may still be linked from a running plan."""
    others = [path for path in folder.glob("fetched-*") if path != current]
    newest_first = sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest_first[_GENERATIONS_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def _get(request: ModuleRequest, site: Site, folder: Path) -> None:
    """Let Terraform fetch a module; newer versions refuse a call without the arguments that it requires."""
    done = _run(request, site, folder)
    required = _REQUIRED.findall(" ".join(done.stderr.split()))
    if done.code != 0 and required and not done.interrupted:
        done = _run(request, site, folder, arguments=tuple(required))
    if done.code != 0:
        raise _failure(request, site, done, folder)


def _run(
    request: ModuleRequest, site: Site, folder: Path, arguments: tuple[str, ...] = ()
) -> Completed:
    if site.stop.requested:
        raise Interrupted(f"{request.unit}: stopped before its source was fetched")
    version = {"version": request.version} if request.version else {}
    call = {"source": request.source, **version, **dict.fromkeys(arguments)}
    write_private(folder / "main.tf.json", json.dumps({"module": {_CALL: call}}))
    environment = child_environment(site.settings.environment, site.passes, TF_DATA_DIR=str(folder))
    argv = (*site.binary.argv, "get", "-no-color")
    command = Command(argv=argv, directory=folder, environment=environment)
    return run(command, limits=site.limits, stop=site.stop)


def _failure(
    request: ModuleRequest, site: Site, done: Completed, folder: Path
) -> OrchestratorError:
    if done.interrupted:
        return Interrupted(
            f"{request.unit}: stopped while its source was fetched; nothing was changed"
        )

    def as_known(text: str) -> str:
        text = text.replace(f'module "{_CALL}" (main.tf.json:1)', str(request.unit))
        return site.secrets.redact(text.replace(f"{folder}/", ""))

    def placed(diagnostic: Diagnostic) -> Diagnostic:
        place = request.place
        return replace(
            diagnostic,
            summary=as_known(diagnostic.summary),
            detail=as_known(diagnostic.detail),
            file=place.file if place else "",
            line=place.line if place else 0,
            context="",
            code=place.text if place else "",
        )

    found = tuple(map(placed, from_text(done.stderr)))
    return failure(request.unit, "fetching its source", found, output=as_known(done.stderr))


def _located(folder: Path, request: ModuleRequest, site: Site) -> Located:
    """Find the module among what was fetched, by the list that Terraform keeps of it."""
    listed = json.loads((folder / "modules" / "modules.json").read_text())["Modules"]
    directory = next((Path(one["Dir"]) for one in listed if one["Key"] == _CALL), None)
    package = folder / "modules" / _CALL
    if directory is None or not directory.is_relative_to(package):
        raise TerraformError(
            f"{request.unit}: its source was fetched, but cannot be found in {folder}"
        )
    path, tree = directory.relative_to(package).as_posix(), package.resolve()
    return Located(
        tree=tree,
        path=path,
        calls=called_directories(tree / path, tree),
        shown=site.secrets.redact(_package(request.source)),
    )


def _package(source: str) -> str:
    """Return an address without the directory inside of it and without what chooses a version."""
    address = source.partition("?")[0]
    scheme, separator, rest = address.rpartition("://")
    return scheme + separator + rest.partition("//")[0]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    package = (folder / "modules" / _CALL).resolve()
    for file in sorted(package.rglob("*")):
        inside = file.relative_to(package)
        if ".git" in inside.parts or not file.is_file():
            continue
        content = file.read_bytes()
        digest.update(
            f"{inside}\0{file.stat().st_mode & 0o111}\0{len(content)}\0".encode() + content
        )
    return digest.hexdigest()
