"""Stacks and environments that Git declares no more: destroyed from the revision that applied them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache

from orchestrator.engine.history.opening import (
    Files,
    all_ledgers,
    bare_session,
    bare_stack,
    read_files,
    session_of_ledger,
)
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.session import (
    Session,
    Surroundings,
    open_session,
    session_at,
    session_with_mistakes,
)
from orchestrator.errors import (
    InvalidStack,
    Mistake,
    OrchestratorError,
    PlanRefused,
    RepositoryError,
    UsageError,
)
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.events import Notice
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository, open_repository
from orchestrator.stack.load import StackFile, find_stacks, load_project, read_stack


class Unplaced(PlanRefused):
    """Nobody knows any more where the ledger is of what Git declares no more."""


class Forgotten(PlanRefused):
    """No revision can be read that applied what Git declares no more."""


class Elsewhere(PlanRefused):
    """What a revision declares no more was applied last from no commit of its history: others may keep it."""


def open_what_is_left(
    surroundings: Surroundings, *, stack: str | None, environment: str | None
) -> Session:
    """Open a stack as the working tree has it; one that is gone from there as it was applied last.

    Only to take it away: nothing is ever applied from there. Raises UsageError, InvalidStack, PlanRefused when
    no revision that applied it can be read.
    """
    try:
        return open_session(surroundings, stack=stack, environment=environment)
    except UsageError:
        session = None
        # Neither declared nor in a ledger: the first error says it better.
        with suppress(UsageError):
            session = _as_applied(surroundings, stack, environment)
        if session is None:
            raise
    text = f"{session.owner} is no longer declared in Git; taken as it was applied at {session.revision}"
    surroundings.on_event(Notice(text=text))
    return session


def left_at(
    surroundings: Surroundings,
    repository: Repository,
    revision: Revision,
    wanted: Callable[[StackFile], bool],
) -> tuple[Owner, ...]:
    """Return whose stacks a revision declares no more, of which something is left that was applied from here; sorted.

    From here is from the history of the revision: another branch may declare it. ``wanted`` says of a stack whether it
    is asked about, wherever its file was, or by the one that it had then. Nothing follows from files that cannot be
    read, or have mistakes. A place of ledgers that does not answer is told.
    """
    files = read_files(repository, tree=repository.export(revision))
    if files.troubles:
        return ()
    plain = cache(lambda: not _doubtful(files, revision))
    ledgers = all_ledgers(
        surroundings, repository, files, wanted=lambda owner: files.declares(owner) is False
    )
    left = (
        owner
        for owner, state in ledgers.items()
        if state is not None
        and (state.units or state.inventory)
        and _is_in(repository, revision, _applied_last(state))
        and any(wanted(file) for file in _files_of(owner, state, surroundings, repository))
        and plain()
    )
    return tuple(sorted(left, key=lambda owner: (owner.stack, owner.environment)))


def _doubtful(files: Files, revision: Revision) -> str:
    """Return what is wrong with a file that may declare more than it seems to; empty when all of them are plain.

    Where `environments` is a list, or `name` misspelt, it seems to declare another stack than the one that it is.
    """
    if files.troubles:
        return f"{files.troubles[0]} cannot be read"
    for file in files.stacks:
        named = files.environments[file.name] or ()
        try:  # what is declared is the same in all of them
            _, mistakes = read_stack(
                files.root, file, next(iter(named), None), files.project, revision=revision.commit
            )
        except (InvalidStack, UsageError):
            return f"{file.file} cannot be read"
        if mistakes:
            return f"{file.file} has mistakes"
    return ""


def _applied_last(state: LedgerState) -> Revision | None:
    last = next((each.revision for each in state.past), None)
    return last or next(iter(revisions_of(state)), None)


def _is_in(repository: Repository, revision: Revision, applied: Revision | None) -> bool:
    """Whether what was applied last is in the history of a revision, as far as is known.

    Else others keep the stack: on another branch, or from another repository that has its ledgers in the same place.
    """
    plumbing = repository.plumbing()
    return applied is not None and (
        plumbing.descends(revision.commit, ancestor=applied.commit) is True
    )


def _files_of(
    owner: Owner, state: LedgerState, surroundings: Surroundings, repository: Repository
) -> Iterator[StackFile]:
    """Yield the file of a stack: one that is nowhere, and then the one that it had when it was applied last."""
    yield StackFile(name=owner.stack, file="")
    for revision in revisions_of(state):
        with suppress(OrchestratorError):
            if surroundings.gate is not None:
                surroundings.gate.admit(revision)
            tree = repository.export(revision)
            named = (
                each for each in find_stacks(tree, load_project(tree)) if each.name == owner.stack
            )
            if (file := next(named, None)) is not None:
                yield file
                return


def open_as_applied(
    surroundings: Surroundings,
    repository: Repository,
    revision: Revision,
    owner: Owner,
    *,
    declared: str = "",
) -> Session | None:
    """Open what a revision declares no more as it was applied last; None when it is declared, or nothing is left.

    Only to take it away. ``declared`` is the commit that declared it last, where that is known: it says where its
    ledger is. Raises PlanRefused when it may stand in a file that has mistakes, or no revision that applied it can be
    read; Elsewhere, Unplaced, LedgerError, RepositoryError.
    """
    files = read_files(repository, tree=repository.export(revision))
    if files.declares(owner):
        return None
    if doubtful := _doubtful(files, revision):
        message = f"{owner} is to be taken away, and {doubtful}: it may be declared there"
        raise PlanRefused(message, hint="correct that file")
    known = _as_declared(surroundings, repository, declared, owner)
    hollow, mistakes = known or (_in_usual_place(surroundings, repository, files, owner), ())
    state = open_store(hollow).read()
    if state.units or state.inventory:
        try:
            found = _readable(hollow, state)
        except Forgotten:  # so is what another branch applied, of which no commit is here
            _check_from_here(repository, revision, owner, state)
            raise
        _check_from_here(repository, revision, owner, state)
        return found
    if declared and (known is None or mistakes):
        what = f"where its ledger is: {declared[:10]}, which declared it last, cannot be read"
        raise _unplaced(owner, what)
    return None


def _check_from_here(
    repository: Repository, revision: Revision, owner: Owner, state: LedgerState
) -> None:
    applied = _applied_last(state)
    if applied is not None and not _is_in(repository, revision, applied):
        message = (
            f"{owner} was applied last at {applied}, which is not in the history of {revision}"
        )
        raise Elsewhere(
            f"{message}: another branch may declare it",
            hint="only if no other branch does, take it away by hand:"
            f" orchestrator destroy {owner.stack} --env {owner.environment}",
        )


def _as_declared(
    surroundings: Surroundings, repository: Repository, commit: str, owner: Owner
) -> tuple[Session, tuple[Mistake, ...]] | None:
    """Open a stack at the commit that declared it last, with what is wrong there; None where that is not there."""
    if not commit or not all(repository.plumbing().identify([f"{commit}^{{commit}}"])):
        return None
    revision = repository.revision(commit)
    try:
        return session_with_mistakes(
            surroundings, repository, revision, stack=owner.stack, environment=owner.environment
        )
    except (UsageError, InvalidStack):
        return None


def _in_usual_place(
    surroundings: Surroundings, repository: Repository, files: Files, owner: Owner
) -> Session:
    """Open a stack of which only the repository's own settings say where its ledger is; raises Unplaced."""
    hollow = bare_session(surroundings, repository, files)
    hollow = replace(hollow, stack=bare_stack(owner, files.ledger))
    if hollow.stack.ledger.in_own_cluster:
        raise _unplaced(owner, "in which cluster its ledger is: it was its own")
    return hollow


def _unplaced(owner: Owner, what: str) -> Unplaced:
    return Unplaced(
        f"{owner} is no longer declared in Git, and so nobody knows {what}",
        hint="declare it again, and take it away by hand before it goes:"
        f" orchestrator destroy {owner.stack} --env {owner.environment}",
    )


def revisions_of(state: LedgerState) -> tuple[Revision, ...]:
    """Return the revisions that something of a state is from, the newest first, as they are in Git."""
    return tuple(dict.fromkeys(replace(each, difference="") for each in _revisions(state)))


def _revisions(state: LedgerState) -> Iterator[Revision]:
    if state.open is not None:
        yield state.open.run.revision
    for record in sorted(state.units.values(), key=lambda record: record.at, reverse=True):
        yield record.applied or record.revision


def _as_applied(
    surroundings: Surroundings, stack: str | None, environment: str | None
) -> Session | None:
    """Return the session of a stack that is in a ledger and not in Git, None when it is none of these."""
    if stack is None:
        return None
    repository = open_repository(surroundings.directory)
    files = read_files(repository)
    hollow = session_of_ledger(
        surroundings, repository, files, stack=stack, environment=environment
    )
    state = open_store(hollow).read()
    if files.declares(hollow.owner) is not False or not (state.units or state.inventory):
        return None
    return _readable(hollow, state)


def _readable(hollow: Session, state: LedgerState) -> Session:
    owner, troubles = hollow.owner, []
    for revision in revisions_of(state):
        try:
            return session_at(
                hollow.surroundings,
                hollow.repository,
                revision,
                stack=owner.stack,
                environment=owner.environment,
            )
        except (UsageError, InvalidStack, RepositoryError) as error:
            troubles.append(f"{revision}: {error.in_a_line}")
    message = f"{owner} is no longer declared in Git, and no revision that applied it can be read"
    hint = "declare it again, apply, and destroy it then"
    raise Forgotten(message, hint=hint, detail="\n".join(troubles))
