"""The repository's own settings, ``orchestrator.yaml``, and the stack files that it holds."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import Final, cast

from orchestrator.errors import InvalidStack, Mistake, Place, UsageError
from orchestrator.stack.links import MOST, leads_out, trail
from orchestrator.stack.model import Json, Ledger, Risk, State, Terraform
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.policies import Guards, OnFailure
from orchestrator.stack.text.source import Source, in_order
from orchestrator.stack.written.guarding import check_windows, read_guards, read_on_failure
from orchestrator.stack.written.literals import check_literals
from orchestrator.stack.written.parts import (
    read_ledger,
    read_risks,
    read_state,
    read_terraform,
)
from orchestrator.stack.written.schema import PROJECT
from orchestrator.stack.written.sections import Section
from orchestrator.stack.written.shape import check_shape
from orchestrator.stack.yaml import YamlDocument, decode, parse

PROJECT_FILE: Final = "orchestrator.yaml"

USUAL_STACKS: Final = ("stack.yaml", "stacks/*/stack.yaml")
"""Where stack files are found when nothing is said."""
_NAME = re.compile(r"""^name:[ \t]+["']?([-a-z0-9]+)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)
_EXPRESSION: Final = "{{"
_NAMES = re.compile("[-a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What ``orchestrator.yaml`` says; a default that it leaves out is None.

    ``stacks`` are patterns of stack files; ``sources``, ``clusters`` and ``kubeconfigs`` are patterns of what stacks
    may use, None where nothing is said; ``risks`` are what losing things of a type costs.
    """

    stacks: tuple[str, ...] = USUAL_STACKS
    state: State | None = None
    terraform: Terraform | None = None
    ledger: Ledger | None = None
    guards: Guards | None = None
    on_failure: OnFailure | None = None
    sources: tuple[str, ...] | None = None
    clusters: tuple[str, ...] | None = None
    kubeconfigs: tuple[str, ...] | None = None
    risks: Mapping[str, Risk] = field(default_factory=dict)

    def allows_source(self, source: str) -> bool:
        """Whether a module may come from ``source``, which is not a directory of this repository."""
        return self.sources is None or any(fnmatchcase(source, pattern) for pattern in self.sources)

    def allows_cluster(self, context: str, *, known: bool = True) -> bool:
        """Whether the kubeconfig context may be applied to; one that is not ``known`` yet holds expressions."""
        return self.clusters is None or _matches(context, self.clusters, known=known)

    def allows_kubeconfig(self, file: str, *, known: bool = True) -> bool:
        """Whether a stack may name the file; where clusters are limited, a context in it may be any other one."""
        if self.kubeconfigs is None:
            return self.clusters is None
        return _matches(normpath(file), self.kubeconfigs, known=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """A stack's name and its file, relative to the repository's root with forward slashes."""

    name: str
    file: str


def load_project(root: Path) -> Project:
    """Read ``orchestrator.yaml`` under ``root``, if there is one; raise InvalidStack with its mistakes."""
    if not (root / PROJECT_FILE).is_file() and not leads_out(root, PROJECT_FILE):
        return Project()
    document = read_document(root, PROJECT_FILE)
    section = Section(document=document)
    shape = check_shape(document, PROJECT)
    found = (*check_literals(document, PROJECT), *check_windows(section), *_bad_patterns(section))
    mistakes = in_order((*shape, *found))
    if mistakes:
        raise InvalidStack(mistakes)
    return _project(section)


def patterns_in(root: Path) -> tuple[str, ...] | None:
    """Return the patterns of stack files that hold where nobody can read all of ``orchestrator.yaml``: what can be.

    They are the usual ones where it names none, or is not there; None where it names some that cannot be read.
    """
    if not (root / PROJECT_FILE).is_file() and not leads_out(root, PROJECT_FILE):
        return USUAL_STACKS
    try:
        section = Section(document=read_document(root, PROJECT_FILE))
    except InvalidStack:
        return None
    if "stacks" not in section.values:
        return USUAL_STACKS
    named = () if _bad_patterns(section) else section.texts("stacks")
    return named or None


def find_stacks(root: Path, project: Project) -> tuple[StackFile, ...]:
    """Return the stacks of the repository, sorted by name.

    Raises InvalidStack when two stacks have one name: they would share a ledger.
    """
    return told_apart(root, stack_files(root, project))


def stack_files(root: Path, project: Project) -> tuple[StackFile, ...]:
    """Return the stacks of the repository, sorted by name, also where two have one."""
    files = {
        path.relative_to(root).as_posix()
        for pattern in project.stacks
        for path in root.glob(pattern)
        if path.is_file()
    }
    return tuple(
        sorted(
            (StackFile(name=_name_in(root, file), file=file) for file in files),
            key=lambda item: (item.name, item.file),
        )
    )


def told_apart(root: Path, found: tuple[StackFile, ...]) -> tuple[StackFile, ...]:
    """Return stacks of which each has a name of its own; raise InvalidStack when two have one."""
    counts = Counter(item.name for item in found)
    mistakes = tuple(
        Mistake(
            message=f"{counts[item.name]} stacks are named {item.name!r}",
            place=_name_place(root, item.file),
            hint="give each a name of its own",
        )
        for item in found
        if counts[item.name] > 1
    )
    if mistakes:
        raise InvalidStack(mistakes)
    return found


def choose_stack(
    root: Path,
    project: Project,
    wanted: str | None,
    *,
    found: tuple[StackFile, ...] | None = None,
) -> StackFile:
    """Return the stack that ``wanted`` names, or whose file or directory (relative to the root) it is.

    None takes the only one; ``found`` are the stacks, where they were looked for already. Raises UsageError when that
    is not clear.
    """
    found = find_stacks(root, project) if found is None else found
    if wanted is None:
        return _only_one(found, project)
    by_name = {item.name: item for item in found}
    if wanted in by_name:
        return by_name[wanted]
    by_path = _at_path(root, wanted, found)
    if by_path:
        return by_path
    name = PurePosixPath(wanted).name
    hint = did_you_mean(name, by_name, otherwise="make one with 'orchestrator init NAME'")
    raise UsageError(f"there is no stack {wanted!r}", hint=hint)


def read_document(root: Path, file: str, *, start: str = "") -> YamlDocument:
    """Read the one document of a file under ``root``; raise InvalidStack when there is not exactly one map.

    ``start`` says how to begin where the file is empty. What lies outside of the repository is not read: it may be a
    secret of whoever reads what another one wrote, and a mistake would show it.
    """
    if leads_out(root, file):
        raise InvalidStack((_leading_out(root, file),))
    try:
        content = (root / file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    return document_in(content, file, start=start)


def document_in(content: bytes, file: str, *, start: str = "") -> YamlDocument:
    """Return the one document of what a file has; raises InvalidStack."""
    documents = parse(decode(content, file), file)
    if not documents or documents[0].value is None:
        stack = "write a small one with 'orchestrator init NAME'"
        hint = start or (stack if file != PROJECT_FILE else "remove it")
        raise InvalidStack(
            (
                Mistake(
                    message="the file is empty", place=Place(file=file, line=1, column=1), hint=hint
                ),
            )
        )
    if len(documents) > 1:
        place = documents[1].place(())
        message = "a second document starts here"
        raise InvalidStack(
            (Mistake(message=message, place=place, hint="keep one, without '---' between"),)
        )
    if not isinstance(documents[0].value, dict):
        message, hint = "the file must be a map", "write 'key: value' on lines of their own"
        raise InvalidStack((Mistake(message=message, place=documents[0].place(()), hint=hint),))
    return documents[0]


def _leading_out(root: Path, file: str) -> Mistake:
    circle = f"this leads in a circle, or over more than {MOST} symbolic links"
    out = "this leads out of the repository by a symbolic link"
    return Mistake(
        message=circle if trail(root, file).circle else out,
        place=Place(file=file, line=1, column=1),
        hint="write the file itself, or a relative link to a file of the repository",
    )


def _matches(text: str, patterns: Iterable[str], *, known: bool) -> bool:
    """Whether one of the patterns matches; what is not known may become anything, and has to be allowed as that."""
    told = (each for each in patterns if known or each == "*" or _EXPRESSION in each)
    return any(fnmatchcase(text, pattern) for pattern in told)


def _project(section: Section) -> Project:
    values, allow = section.values, section.below("allow")
    return Project(
        stacks=section.texts("stacks") or USUAL_STACKS,
        state=read_state(section.below("state")) if values.get("state") else None,
        terraform=read_terraform(section.below("terraform")) if values.get("terraform") else None,
        ledger=read_ledger(section.below("ledger")) if values.get("ledger") else None,
        guards=read_guards(section.below("guards")) if values.get("guards") else None,
        on_failure=read_on_failure(section.below("on_failure"))
        if values.get("on_failure")
        else None,
        sources=allow.texts("sources") if "sources" in allow.values else None,
        clusters=allow.texts("clusters") if "clusters" in allow.values else None,
        kubeconfigs=allow.texts("kubeconfigs") if "kubeconfigs" in allow.values else None,
        risks=read_risks(section.below("risks")),
    )


def _bad_patterns(section: Section) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(
            message=f"{pattern!r} leaves the repository",
            place=section.document.place(("stacks", index)),
            hint="write patterns relative to the repository's root",
        )
        for index, pattern in enumerate(section.texts("stacks"))
        if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts
    )


def _name_in(root: Path, file: str) -> str:
    """Return the name that the file gives the stack, or its directory's while the file cannot be read.

    Most files need not be parsed for it; where the text misleads, reading the stack tells by ``named_otherwise``.
    """
    if leads_out(root, file):
        return (root / file).parent.name
    try:
        found = _NAME.search((root / file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    return found[1] if found else _parsed_name(root, file) or (root / file).parent.name


def _parsed_name(root: Path, file: str) -> str:
    """Return the name in a file that writes it in another way than most do; empty when there is none."""
    with suppress(InvalidStack, UsageError):
        return _name_of(read_document(root, file))
    return ""


def _name_of(document: YamlDocument) -> str:
    name = cast("dict[str, Json]", document.value).get("name")
    return name if isinstance(name, str) and _NAMES.fullmatch(name) else ""


def named_otherwise(document: YamlDocument, root: Path, file: str) -> tuple[Mistake, ...]:
    """Tell a file that is found by one name and has another: it would be judged as one stack, applied as another."""
    name, found = _name_of(document), _name_in(root, file)
    if name in {"", found}:
        return ()
    message = f"this stack is named {name!r}, and looks as if it were {found!r}"
    hint = f"write 'name: {name}' on a line of its own, and no other line like it"
    return (Mistake(message=message, place=document.place(("name",)), hint=hint),)


def _name_place(root: Path, file: str) -> Place:
    if leads_out(root, file):
        return Place(file=file, line=1, column=1)
    source = Source((root / file).read_text(encoding="utf-8", errors="replace"), file)
    found = _NAME.search(source.text)
    if found is None and _parsed_name(root, file):
        return read_document(root, file).place(("name",))
    return source.place_at(found.start(1) if found else 0)


def _only_one(found: tuple[StackFile, ...], project: Project) -> StackFile:
    if len(found) == 1:
        return found[0]
    if not found:
        looked = ", ".join(project.stacks)
        hint = "make one with 'orchestrator init NAME'"
        raise UsageError(f"there is no stack here (looked for {looked})", hint=hint)
    names = ", ".join(item.name for item in found)
    raise UsageError(
        f"there are {len(found)} stacks here: {names}", hint="name the one that is meant"
    )


def _at_path(root: Path, wanted: str, found: tuple[StackFile, ...]) -> StackFile | None:
    path = Path(wanted)
    try:
        relative = path.relative_to(root) if path.is_absolute() else path
    except ValueError:
        return None
    written = PurePosixPath(relative.as_posix())
    return next(
        (item for item in found if PurePosixPath(item.file) in {written, written / "stack.yaml"}),
        None,
    )
