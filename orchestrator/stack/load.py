"""From the files of a revision to a checked stack: what every verb starts with."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from orchestrator.errors import InvalidStack, Mistake, UsageError
from orchestrator.stack.expressions import Scope, resolve
from orchestrator.stack.model import (
    DEFAULT_ENVIRONMENT,
    Cluster,
    Json,
    Ledger,
    Risk,
    Stack,
    State,
    Terraform,
    UnitId,
)
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.policies import Guards, OnFailure
from orchestrator.stack.project import (
    PROJECT_FILE,
    Project,
    StackFile,
    choose_stack,
    find_stacks,
    load_project,
    named_otherwise,
    read_document,
    stack_files,
    told_apart,
)
from orchestrator.stack.text.source import in_order
from orchestrator.stack.written.guarding import check_windows, read_guards, read_on_failure
from orchestrator.stack.written.literals import check_literals
from orchestrator.stack.written.meaning import check_stack
from orchestrator.stack.written.origins import check_origins
from orchestrator.stack.written.parts import (
    read_cluster,
    read_ledger,
    read_manifests,
    read_module,
    read_risks,
    read_state,
    read_terraform,
)
from orchestrator.stack.written.schema import STACK
from orchestrator.stack.written.sections import Section
from orchestrator.stack.written.shape import check_shape
from orchestrator.stack.written.sharing import check_environments, check_stacks, place_of

__all__ = [
    "DEFAULT_ENVIRONMENT",
    "Project",
    "StackFile",
    "choose_stack",
    "environment_names",
    "find_stacks",
    "load_project",
    "load_stack",
    "read_environments",
    "read_policies",
    "read_stack",
    "stack_files",
    "told_apart",
]

T = TypeVar("T")

Read: TypeAlias = tuple[Stack, tuple[Mistake, ...]]
"""A stack without what is wrong with it, and all that is."""


def load_stack(
    root: Path,
    stack_file: StackFile,
    environment: str | None,
    project: Project,
    *,
    revision: str = "",
) -> Stack:
    """Read and check a stack for one environment.

    Raises InvalidStack with every mistake of the file, UsageError when the environment has to be chosen or
    does not exist.
    """
    stack, mistakes = read_stack(root, stack_file, environment, project, revision=revision)
    if mistakes:
        raise InvalidStack(mistakes)
    return stack


def read_stack(
    root: Path,
    stack_file: StackFile,
    environment: str | None,
    project: Project,
    *,
    revision: str = "",
) -> Read:
    """Read a stack for one environment as far as that goes, with every mistake of the file.

    Raises InvalidStack when the file cannot be read at all, UsageError when the environment has to be chosen
    or does not exist.
    """
    reading = _Reading(root=root, file=stack_file.file, project=project, revision=revision)
    return reading.stack(_choose_environment(reading.section, stack_file, environment))


def read_policies(root: Path, stack_file: StackFile, environment: str, project: Project) -> Stack:
    """Read a stack as it would be in an environment, which it need not declare; mistakes are passed over.

    Raises InvalidStack when the file cannot be read at all.
    """
    reading = _Reading(root=root, file=stack_file.file, project=project, revision="")
    return reading.as_far_as(environment)


def read_environments(
    root: Path, stack_file: StackFile, project: Project, *, revision: str = ""
) -> tuple[Read, ...]:
    """Read a stack for each of its environments as far as that goes, with every mistake of the file."""
    reading = _Reading(root=root, file=stack_file.file, project=project, revision=revision)
    return tuple(reading.stack(name) for name in _environments(reading.section))


def environment_names(root: Path, stack_file: StackFile) -> tuple[str, ...]:
    """Return the environments that a stack file declares, in its order, whatever else is wrong with it.

    Raises InvalidStack when the file cannot be read at all.
    """
    return _environments(Section(document=read_document(root, stack_file.file)))


def _environments(section: Section) -> tuple[str, ...]:
    return tuple(section.below("environments").values) or (DEFAULT_ENVIRONMENT,)


def _choose_environment(section: Section, stack_file: StackFile, wanted: str | None) -> str:
    names = _environments(section)
    if wanted in names:
        return wanted
    listed = ", ".join(names)
    if wanted is not None:
        declared = bool(section.below("environments").values)
        hint = did_you_mean(wanted, names) if declared else "it declares none: leave --env out"
        raise UsageError(f"stack {stack_file.name!r} has no environment {wanted!r}", hint=hint)
    if len(names) > 1:
        message = f"stack {stack_file.name!r} has {len(names)} environments: {listed}"
        raise UsageError(message, hint=f"choose one, such as --env {names[0]}")
    return names[0]


class _Reading:
    """One stack file, read once, from which the stack of any environment is made."""

    def __init__(self, *, root: Path, file: str, project: Project, revision: str) -> None:
        self._root = root
        self._file = file
        self._project = project
        self._revision = revision
        self._document = read_document(root, file)
        self._known: dict[str, tuple[Stack, list[Mistake]]] = {}
        self.section = Section(document=self._document)

    def stack(self, environment: str) -> Read:
        """Return the stack as far as it can be read, and everything that is wrong with it."""
        stack, of_vars = self._built(environment)
        others = [self._built(name)[0] for name in _environments(self.section)]
        found = (
            *self._of_file,
            *of_vars,
            *check_stack(stack, self._project),
            *check_environments(stack, others),
            *check_stacks(stack, self._other_stacks(stack)),
            *check_origins(stack, self._root, self._project),
        )
        return stack, in_order(found)

    def as_far_as(self, environment: str) -> Stack:
        """Return the stack in an environment as far as it can be read, with nothing checked."""
        return self._built(environment)[0]

    def _other_stacks(self, stack: Stack) -> Iterator[Stack]:
        """Yield the other stacks that say where their states are, and may say what this one does.

        Those that say nothing have the repository's, which keeps stacks apart. What is wrong with them is told
        when they are read for themselves.
        """
        if stack.state.backend == "local" or _is_shared(stack):
            return
        for other in find_stacks(self._root, self._project):
            if other.file == self._file or not _says(self._root / other.file, stack.state.backend):
                continue
            with suppress(InvalidStack):
                reading = _Reading(
                    root=self._root, file=other.file, project=self._project, revision=self._revision
                )
                yield from (reading._built(name)[0] for name in _environments(reading.section))

    @cached_property
    def _of_file(self) -> tuple[Mistake, ...]:
        return (
            *check_shape(self._document, STACK),
            *check_literals(self._document, STACK),
            *check_windows(self.section),
            *named_otherwise(self._document, self._root, self._file),
        )

    def _built(self, environment: str) -> tuple[Stack, list[Mistake]]:
        if environment not in self._known:
            values, mistakes = self._vars(environment)
            self._known[environment] = self._stack(environment, values), mistakes
        return self._known[environment]

    def _stack(self, environment: str, values: dict[str, Json]) -> Stack:
        top = self.section
        known = [
            UnitId(f"{kind}.{name}")
            for kind in ("modules", "manifests")
            for name in top.below(kind).values
        ]
        return Stack(
            name=top.text("name"),
            environment=environment,
            file=self._file,
            vars=values,
            state=self._shared(environment, "state", read_state, self._project.state or State()),
            cluster=self._shared(environment, "cluster", read_cluster, Cluster()),
            terraform=self._shared(
                environment, "terraform", read_terraform, self._project.terraform or Terraform()
            ),
            ledger=self._shared(
                environment, "ledger", read_ledger, self._project.ledger or Ledger(remote="")
            ),
            guards=self._shared(
                environment, "guards", read_guards, self._project.guards or Guards()
            ),
            on_failure=self._shared(
                environment, "on_failure", read_on_failure, self._project.on_failure or OnFailure()
            ),
            modules=tuple(read_module(item, known) for item in top.below("modules").entries()),
            manifests=tuple(
                read_manifests(item, known) for item in top.below("manifests").entries()
            ),
            risks=self._risks(environment),
            sources=self._project.sources,
        )

    def _risks(self, environment: str) -> dict[str, Risk]:
        """Return what losing things costs; what stands first counts."""
        sections = (self.section.below("environments", environment), self.section)
        written = (read_risks(section.below("risks")) for section in sections)
        merged: dict[str, Risk] = {}
        for risks in (*written, self._project.risks):
            merged |= {name: risk for name, risk in risks.items() if name not in merged}
        return merged

    def _shared(self, environment: str, key: str, read: Callable[[Section], T], otherwise: T) -> T:
        """Read what an environment may set: its own, else the stack's, else ``otherwise``."""
        own = self.section.below("environments", environment)
        for section in (own, self.section):
            if section.values.get(key) is not None:
                return read(section.below(key))
        return otherwise

    def _vars(self, environment: str) -> tuple[dict[str, Json], list[Mistake]]:
        """Return the environment's variables over the stack's, resolved."""
        scope = Scope(
            stack=self.section.text("name"), environment=environment, revision=self._revision
        )
        values: dict[str, Json] = {}
        mistakes: list[Mistake] = []
        for section in (self.section, self.section.below("environments", environment)):
            written = section.below("vars")
            resolution = resolve(written.values, scope, written.locate)
            mistakes += resolution.mistakes
            # Nothing in this scope is ever pending.
            values |= cast(dict[str, Json], resolution.value)
        return values, mistakes


def _is_shared(stack: Stack) -> bool:
    """Whether the repository says where this stack's states are."""
    place = place_of(stack)
    return place is not None and place.file == PROJECT_FILE


def _says(file: Path, backend: str) -> bool:
    """Whether a stack file may say itself that states are in a backend: reading it whole costs more."""
    text = file.read_text(encoding="utf-8", errors="replace")
    return "state:" in text and backend in text
