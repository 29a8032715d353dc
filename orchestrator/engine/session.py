"""A session: everything that one run of a verb knows about where it runs and what it is about."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.engine.looking import Looking
from orchestrator.engine.overtaking import Overtaken
from orchestrator.engine.planning.wanted import manifest_mistakes
from orchestrator.errors import InvalidStack, Mistake
from orchestrator.ledger.store import Store
from orchestrator.plans.events import Event, Notice
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.repository.repository import Repository, open_repository
from orchestrator.repository.root import stack_from_root
from orchestrator.settings import Settings
from orchestrator.stack.load import choose_stack, load_project, read_stack
from orchestrator.stack.model import Ledger, Stack
from orchestrator.stack.project import Project


class Gate(Protocol):
    """What may be opened, by the word of somebody other than the repository: asked at each revision that is opened."""

    def admit(self, revision: Revision) -> None:
        """Refuse a revision of which nothing may be read; raises PlanRefused."""

    def check_ledger(self, session: "Session") -> None:
        """Refuse to look for a ledger in the place that the session's stack says; raises PlanRefused."""

    def check(self, session: "Session") -> None:
        """Refuse a stack that uses what it may not; raises PlanRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run is given from outside: settings, secrets met so far, a way to be stopped, a listener.

    ``plan_files`` are Terraform's plan files made so far, to be removed when the run ends. ``resources`` end with
    the run, and ``ledgers`` are those that were opened in it, by whose they are and where. ``overtaken`` is told when
    a newer revision waits. ``impersonated`` is the user whose rights hold in clusters in place of ours, or empty.
    ``looking`` is what plans of several stacks share that are only looked at.
    ``trusted`` names the revision whose history is believed about where ledgers were; empty: the session's own.
    ``aside`` is the commit of a merge that was made on the side, and is checked out nowhere; or empty.
    ``gate`` is asked about each session; without one, all may be opened.
    """

    settings: Settings
    directory: Path
    on_event: Callable[[Event], None]
    secrets: Secrets = field(default_factory=Secrets)
    stop: Stop = field(default_factory=Stop)
    plan_files: list[Path] = field(default_factory=list)
    resources: ExitStack = field(default_factory=ExitStack)
    ledgers: dict[tuple[Owner, Ledger], Store] = field(default_factory=dict)
    overtaken: Overtaken = field(default_factory=Overtaken)
    impersonated: str = ""
    trusted: str = ""
    aside: str = ""
    looking: Looking | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One stack in one environment at one revision; ``tree`` is a private copy of that revision's files.

    ``keeper`` is the stack whose cluster the ledger is in, where it is kept in the stack's own; None for ``stack``.
    """

    surroundings: Surroundings
    repository: Repository
    revision: Revision
    tree: Path
    stack: Stack
    keeper: Stack | None = None

    @property
    def owner(self) -> Owner:
        """Return whose objects this session's are."""
        return Owner(stack=self.stack.name, environment=self.stack.environment)


def open_session(
    surroundings: Surroundings, *, stack: str | None, environment: str | None
) -> Session:
    """Open the repository at hand and read the stack as the working tree has it.

    ``stack`` is a name or a path; None takes the only one. Raises UsageError when there is no repository,
    stack or environment of that name, InvalidStack with all mistakes of the stack file.
    """
    repository = open_repository(surroundings.directory)
    revision = repository.working_revision()
    named = stack_from_root(stack, surroundings.directory, repository.root)
    return session_at(surroundings, repository, revision, stack=named, environment=environment)


def session_at(
    surroundings: Surroundings,
    repository: Repository,
    revision: Revision,
    *,
    stack: str | None,
    environment: str | None,
    project: Project | None = None,
) -> Session:
    """Read a stack as it stands at a revision; raises UsageError, InvalidStack, RepositoryError, PlanRefused.

    ``project`` is what holds for all stacks, where that is not to be read from the revision itself.
    """
    session, mistakes = session_with_mistakes(
        surroundings, repository, revision, stack=stack, environment=environment, project=project
    )
    if mistakes:
        raise InvalidStack((*mistakes, *manifest_mistakes(session.tree, session.stack)))
    if surroundings.gate is not None:
        surroundings.gate.check(session)
    return session


def session_with_mistakes(
    surroundings: Surroundings,
    repository: Repository,
    revision: Revision,
    *,
    stack: str | None,
    environment: str | None,
    project: Project | None = None,
) -> tuple[Session, tuple[Mistake, ...]]:
    """Read a stack at a revision as far as that goes, with what is wrong in its file.

    Raises UsageError, InvalidStack when the file cannot be read at all, RepositoryError, PlanRefused.
    """
    if surroundings.gate is not None:
        surroundings.gate.admit(revision)
    tree = repository.export(revision)
    _tell_of_submodules(surroundings, repository, tree)
    project = project or load_project(tree)
    found = surroundings.looking.stacks(tree, project) if surroundings.looking else None
    file = choose_stack(tree, project, stack, found=found)
    loaded, mistakes = read_stack(tree, file, environment, project, revision=revision.commit)
    session = Session(
        surroundings=surroundings,
        repository=repository,
        revision=revision,
        tree=tree,
        stack=loaded,
    )
    return session, mistakes


def _tell_of_submodules(surroundings: Surroundings, repository: Repository, tree: Path) -> None:
    if not (tree / ".gitmodules").exists():
        return
    for name in repository.missing_submodules(tree):
        text = f"the files of the submodule {name} are missing here: git submodule update --init"
        surroundings.on_event(Notice(text=text))


def earlier(session: Session, revision: Revision) -> Session:
    """Return the session of the same stack and environment at a revision that was applied before.

    Raises RepositoryError when the revision is gone, UsageError or InvalidStack when the stack file was not
    there or is not readable by this version.
    """
    return session_at(
        session.surroundings,
        session.repository,
        revision,
        stack=session.stack.name,
        environment=session.stack.environment,
    )
