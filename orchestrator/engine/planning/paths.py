"""Which paths of the repository a stack and its units are made of."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from orchestrator.engine.planning.reached import kubeconfig_of, kubeconfig_of_ledger, program_of
from orchestrator.engine.planning.requests import module_request
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.infrastructure.layout.overlay import Located
from orchestrator.infrastructure.outside import Leading, look_outside
from orchestrator.infrastructure.sources import locate_local
from orchestrator.infrastructure.traces import LOCK_FILE, files_of
from orchestrator.stack.links import is_file, links_below, part_behind, trail, trails
from orchestrator.stack.model import ManifestSet, Module, Stack, Unit
from orchestrator.stack.project import PROJECT_FILE

WHOLE: Final = ""
"""The path of the repository's root."""

Known = dict[str, tuple[frozenset[str], Leading]]
"""What modules of a tree are made of, and what in them leads elsewhere, by where they lie."""

_GLOB_CHARACTERS: Final = frozenset("*?[")
_EXPRESSIONS: Final = (".yaml", ".yml", ".json")  # where they can stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Paths from the repository's root, of files and directories.

    ``paths`` are what something is made of. ``beside`` may decide about it too: where files could be added that a
    pattern takes, and everything where a module may read files that lie elsewhere. ``outside`` tells, for each such
    module, the place that says so.
    """

    paths: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    outside: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Return every path that may decide, sorted."""
        return tuple(sorted(self.paths | self.beside))


def stack_made_of(tree: Path, wanted: Wanted) -> Made:
    """Return what a stack is made of: its file, the repository's settings, modules and manifests."""
    parts = [unit_made_of(tree, wanted, unit) for unit in wanted.stack.units]
    own = own_files(tree, wanted.stack)
    return Made(
        paths=own.union(clusters(tree, wanted.stack), *(part.paths for part in parts)),
        beside=frozenset().union(*(part.beside for part in parts)),
        outside=tuple(place for part in parts for place in part.outside),
    )


def survey(tree: Path, stack: Stack, known: Known | None = None) -> Made:
    """Return all that may decide about a stack, told from its file and its modules alone.

    ``known`` keeps what modules are made of, for other stacks of the same tree. Raises InvalidStack when a module is
    not where the stack says.
    """
    known = {} if known is None else known
    modules = [_module(tree, stack, module, known) for module in stack.modules]
    manifests = [_anywhere(tree, _normal(stack, manifests.path)) for manifests in stack.manifests]
    return Made(
        paths=own_files(tree, stack).union(
            clusters(tree, stack), *manifests, *(module.paths for module in modules)
        ),
        beside=frozenset().union(*(module.beside for module in modules)),
        outside=tuple(place for module in modules for place in module.outside),
    )


def own_files(tree: Path, stack: Stack) -> frozenset[str]:
    """Return the stack's file and the repository's settings, or the links that stand there with what they lead to."""
    files = {stack.file, PROJECT_FILE}
    return frozenset(path for _, found in trails(tree, files) for path in found.all)


def clusters(tree: Path, stack: Stack) -> frozenset[str]:
    """Return the kubeconfigs of the repository that a stack names, with the files that these name and all links."""
    own = kubeconfig_of(stack) if stack.manifests else ""
    named = {each for each in (own, kubeconfig_of_ledger(stack)) if each}
    return frozenset().union(*(leading_to_cluster(tree, each) for each in named))


def leading_to_cluster(tree: Path, kubeconfig: str) -> frozenset[str]:
    """Return a kubeconfig of the repository with the files that it names there, and the links on the way to them."""
    if not kubeconfig:
        return frozenset()
    from orchestrator.workloads.cluster.access.kubeconfig import files_named

    way = trail(tree, kubeconfig)
    found = set(way.all)
    if way.end:
        folder = PurePosixPath(kubeconfig).parent  # where a link stands, and not where it leads to
        for name in files_named(tree / way.end):
            found |= {*trail(tree, f"{folder}/{name}").all} if not name.startswith("/") else set()
    return frozenset(found)


def mentions_revision(tree: Path, reach: frozenset[str]) -> bool:
    """Whether files of a stack may read the name of the revision: it is another one then after every commit."""
    named = (file for path in reach for file in _files_at(tree / path))
    files = (Path(file) for file in named if file.endswith(_EXPRESSIONS))
    return any(file.is_file() and b"revision" in file.read_bytes() for file in files)


def _files_at(place: Path) -> Iterator[str]:
    """Yield a file, or all that lie below a directory: by plain texts, since there may be thousands."""
    if is_file(place):
        yield str(place)
    for folder, _, names in os.walk(place):
        yield from (f"{folder}{os.sep}{name}" for name in names)


def below(file: str, paths: Iterable[str]) -> bool:
    """Whether a file is one of the paths, or lies in a directory that is."""
    return any(path in {WHOLE, file} or file.startswith(f"{path}/") for path in paths)


def unit_made_of(tree: Path, wanted: Wanted, unit: Unit) -> Made:
    """Return what a unit is made of, apart from its entry in the stack file; of a module elsewhere its program."""
    if isinstance(unit, Module):
        return _module(tree, wanted.stack, unit, {})
    made = _manifests(tree, wanted, unit)
    cluster = leading_to_cluster(tree, kubeconfig_of(wanted.stack))
    return replace(made, paths=made.paths | cluster)


def _module(tree: Path, stack: Stack, module: Module, known: Known) -> Made:
    program = program_of(stack, module)
    run_by = trail(tree, program).all if program else ()
    if not module.local:
        return Made(paths=frozenset(run_by))
    request = module_request(tree, stack, module)
    written = f"{stack.directory}/{module.source}"
    way = trail(tree, written)
    # What two stacks write alike may be two modules, where one of them lies behind a link.
    place = written if way.end is None else way.end
    if place not in known:
        known[place] = _at_home(tree, locate_local(request))
    places, leading = known[place]
    outside = leading.given(dict(module.inputs))
    return Made(
        paths=places.union(way.links, run_by),
        beside=frozenset({WHOLE}) if outside else frozenset(),
        outside=(f"{module.id} ({outside})",) if outside else (),
    )


def _at_home(tree: Path, located: Located) -> tuple[frozenset[str], Leading]:
    """Return what a module of the tree is made of, with what links in it lead to, and what leads elsewhere."""
    files = [*files_of(located)]
    linked = _linked(tree, (*files, f"{located.path}/{LOCK_FILE}"))
    folders = map(_rooted, (located.path, *located.calls))
    return located.links.union(folders, linked), look_outside(tree, files)


def _linked(tree: Path, files: Iterable[str]) -> Iterator[str]:
    """Yield the links among files of a module, and the parts of the repository that they lead to."""
    for file, found in trails(tree, files):
        yield from found.links
        if found.links and (part := part_behind(tree, file)):
            yield part


def _manifests(tree: Path, wanted: Wanted, manifests: ManifestSet) -> Made:
    written = _normal(wanted.stack, manifests.path)
    if not _GLOB_CHARACTERS & set(written):
        return Made(paths=_anywhere(tree, written))
    files = {document.source.source.file for document in wanted.documents[manifests.id]}
    paths = frozenset(path for _, found in trails(tree, files) for path in found.all)
    return Made(paths=paths, beside=_anywhere(tree, written))


def _anywhere(tree: Path, written: str) -> frozenset[str]:
    """Return where the manifests of a path may lie: there, and where links lead, on the way to it and in it.

    Of a directory no link to another one is followed, of a pattern all are.
    """
    pattern = bool(_GLOB_CHARACTERS & set(written))
    found: set[str] = set()
    ahead = ["/".join(_fixed(written))]
    while ahead:
        leading = trail(tree, ahead.pop())
        new = {*leading.all} - found
        found |= new
        if leading.end in new and leading.end:  # of the whole repository everything counts
            links = links_below(tree, leading.end)
            ahead += (link for link in links if pattern or not (tree / link).is_dir())
    return frozenset(found)


def _fixed(pattern: str) -> Iterator[str]:
    """Yield the first parts of a pattern, as long as they stand for themselves."""
    for part in PurePosixPath(pattern).parts:
        if _GLOB_CHARACTERS & set(part):
            return
        yield part


def _normal(stack: Stack, path: str) -> str:
    return _rooted(os.path.normpath(Path(stack.directory, path)).replace(os.sep, "/"))


def _rooted(path: str) -> str:
    return WHOLE if path == "." else path
