"""Opening a ledger to be read, whatever state the files are in that it is about."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.engine.history.choosing import Declared, choose_ledger
from orchestrator.engine.ledgers.listing import Listed, Wanted, survey
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import check_place
from orchestrator.engine.session import Session, Surroundings
from orchestrator.errors import (
    InvalidStack,
    LedgerError,
    LedgerLost,
    NewerFormat,
    OrchestratorError,
    RepositoryError,
)
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.store import Store
from orchestrator.ledger.troubles import moved_away
from orchestrator.plans.events import Notice
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository, open_repository
from orchestrator.repository.root import stack_from_root
from orchestrator.stack.load import (
    Project,
    StackFile,
    choose_stack,
    environment_names,
    find_stacks,
    load_project,
    read_stack,
)
from orchestrator.stack.model import Cluster, Ledger, Stack, State, Terraform, UnitId

_NO_REVISION = Revision(commit="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One ledger, open: its state, and the units that Git declares, None where Git does not tell.

    ``vanished`` says that Git does tell, and declares no such stack or environment. The ``session`` is as far as
    it could be read: its stack may be empty, and it has no revision.
    """

    session: Session
    store: Store
    state: LedgerState
    declared: tuple[UnitId, ...] | None
    vanished: bool = False

    @property
    def owner(self) -> Owner:
        """Return whose ledger it is."""
        return self.session.owner

    @property
    def bare(self) -> Session:
        """Return the session without units, whose files are not a private copy of a revision."""
        return replace(self.session, stack=bare_stack(self.owner, self.session.stack.ledger))


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the working tree declares, as far as it can be read; ``troubles`` are files that cannot.

    ``known`` is False where there is no commit yet: nothing follows from what is not declared there.
    """

    root: Path
    project: Project
    stacks: tuple[StackFile, ...]
    environments: Declared
    troubles: tuple[str, ...]
    known: bool = True

    @property
    def ledger(self) -> Ledger:
        """Return where ledgers are, as the repository says it."""
        return self.project.ledger or Ledger(remote="")

    def declares(self, owner: Owner) -> bool | None:
        """Whether a stack is declared in an environment; None where that cannot be told."""
        names = self.environments.get(owner.stack, () if self.known else None)
        return None if names is None else owner.environment in names


def open_book(surroundings: Surroundings, *, stack: str | None, environment: str | None) -> Book:
    """Open a stack's ledger, from the files at hand where they tell which, else from the ledgers that there are.

    What cannot be read, or a remote that does not answer, is told as a notice as long as there is something to
    read all the same. Raises UsageError, LedgerError, RepositoryError.
    """
    repository = open_repository(surroundings.directory)
    files = read_files(repository)
    session = session_of_ledger(
        surroundings, repository, files, stack=stack, environment=environment
    )
    for trouble in files.troubles:
        surroundings.on_event(Notice(text=f"{trouble} cannot be read; the ledger can"))
    return _opened(session, vanished=files.declares(session.owner) is False)


def read_files(repository: Repository, *, tree: Path | None = None) -> Files:
    """Read which stacks and environments the working tree declares; what cannot be read is no error.

    A ``tree`` is a private copy of a revision's files, to be read in its place.
    """
    root = tree or repository.root
    troubles: list[str] = []
    project = Project()
    stacks: tuple[StackFile, ...] = ()
    try:
        project = load_project(root)
        stacks = find_stacks(root, project)
    except InvalidStack as error:
        troubles += sorted({each.place.file for each in error.mistakes if each.place})
    environments: dict[str, tuple[str, ...] | None] = {}
    for file in stacks:
        try:
            environments[file.name] = environment_names(root, file)
        except OrchestratorError:
            environments[file.name] = None
            troubles.append(file.file)
    return Files(
        root=root,
        project=project,
        stacks=stacks,
        environments=environments,
        troubles=tuple(troubles),
        known=bool(stacks) or tree is not None or _has_commit(repository),
    )


def _has_commit(repository: Repository) -> bool:
    try:
        repository.revision()
    except RepositoryError:
        return False
    return True


def session_of_ledger(
    surroundings: Surroundings,
    repository: Repository,
    files: Files,
    *,
    stack: str | None,
    environment: str | None,
) -> Session:
    """Return a session that is enough to open a ledger with; its stack has what could be read of it."""
    named = stack_from_root(stack, surroundings.directory, repository.root)
    if named is not None and named not in files.environments:
        with suppress(OrchestratorError):  # else it is the name of a ledger
            named = choose_stack(files.root, files.project, named).name
    owner = choose_ledger(
        named,
        environment,
        files.environments,
        lambda: all_ledgers(surroundings, repository, files),
    )
    return replace(bare_session(surroundings, repository, files), stack=_stack(files, owner))


def bare_session(surroundings: Surroundings, repository: Repository, files: Files) -> Session:
    """Return the session of no stack in particular: it knows where the repository keeps ledgers."""
    return Session(
        surroundings=surroundings,
        repository=repository,
        revision=_NO_REVISION,
        tree=repository.root,
        stack=bare_stack(Owner(stack="", environment=""), files.ledger),
    )


def all_ledgers(
    surroundings: Surroundings,
    repository: Repository,
    files: Files,
    *,
    wanted: Wanted = lambda _owner: True,
) -> Listed:
    """Return the ledgers of all places where stacks keep theirs; what a stack says itself outweighs the rest.

    A place that does not answer is told, and a ledger that is damaged.
    """
    found: dict[Owner, LedgerState | None] = {}
    for session in _places(bare_session(surroundings, repository, files), files):
        try:
            found |= survey(session, wanted=wanted)
        except OrchestratorError as error:
            if surroundings.stop.requested:
                raise
            text = f"some ledgers cannot be listed: {error.message}"
            surroundings.on_event(Notice(text=text))
    return found


def _places(bare: Session, files: Files) -> Iterator[Session]:
    """Yield a session for each place where ledgers are kept: the repository's, then those that stacks say."""
    yield bare
    told = {files.ledger}
    written = {each.name: files.root / each.file for each in files.stacks}
    for stack, names in files.environments.items():
        for environment in names or ():
            if not _may_say(written[stack], b"ledger"):  # reading it whole costs more than a look
                continue
            own = _stack(files, Owner(stack=stack, environment=environment))
            if own.ledger not in told:
                told.add(own.ledger)
                yield replace(bare, stack=own)


def _stack(files: Files, owner: Owner) -> Stack:
    """Return a stack as far as its file can be read: it may have no units, and no file."""
    file = next((each for each in files.stacks if each.name == owner.stack), None)
    names = files.environments.get(owner.stack)
    if file is None or not names:
        return bare_stack(owner, files.ledger)
    known = owner.environment if owner.environment in names else names[0]
    try:
        stack, _ = read_stack(files.root, file, known, files.project)
    except OrchestratorError:
        return bare_stack(owner, files.ledger)
    if known == owner.environment:
        return replace(stack, name=owner.stack)
    return bare_stack(owner, stack.ledger)


def _may_say(file: Path, key: bytes) -> bool:
    """Whether a file may have a key: by its letters, or by something that can stand for them."""
    try:
        text = file.read_bytes()
    except OSError:  # reading it whole says what that means
        return True
    return key in text or b"\\" in text


def bare_stack(owner: Owner, ledger: Ledger) -> Stack:
    """Return a stack of which nothing is known but whose it is and where its ledger is."""
    return Stack(
        name=owner.stack,
        environment=owner.environment,
        file="",
        vars={},
        state=State(),
        cluster=Cluster(),
        terraform=Terraform(),
        ledger=ledger,
        modules=(),
        manifests=(),
    )


def _opened(session: Session, *, vanished: bool) -> Book:
    """Open the store, or what this clone has of it when its remote is not there."""
    try:
        book = _book(session, vanished=vanished)
    except (LedgerLost, NewerFormat):  # what this clone has is no ledger to go by then
        raise
    except (LedgerError, RepositoryError) as error:
        if session.surroundings.stop.requested or session.stack.ledger.remote is None:
            raise
        ledger = replace(session.stack.ledger, remote=None)
        alone = replace(session, stack=replace(session.stack, ledger=ledger))
        book = _book(alone, vanished=vanished)
        if not book.state.head:
            raise
        text = f"{error.message}; what follows is what this clone has of the ledger"
        session.surroundings.on_event(Notice(text=text))
        return book
    if book.state.moved:
        told = moved_away(str(book.owner), book.state.moved).message
        session.surroundings.on_event(Notice(text=f"{told}; what follows is until then"))
    else:
        check_place(session, book.store, book.state)
    return book


def _book(session: Session, *, vanished: bool) -> Book:
    store = open_store(session)
    stack = session.stack
    declared = tuple(unit.id for unit in stack.units) if stack.file or vanished else None
    return Book(
        session=session, store=store, state=store.read(), declared=declared, vanished=vanished
    )
