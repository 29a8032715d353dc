"""Where the commit of a rollback goes: the checkout, a branch of its own, a remote, a request."""

from dataclasses import dataclass, replace

from orchestrator.engine.rollback.preparing import Prepared, check_checkout
from orchestrator.errors import UsageError
from orchestrator.plans.rollback import Rollback
from orchestrator.repository.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is wanted with the commit: a new ``branch``, or the one checked out; pushed; and asked for."""

    branch: str = ""
    push: bool = False
    request: bool = False


def check_way(prepared: Prepared, way: Way) -> Way:
    """Refuse what cannot be done with a commit before anything is, and return the way with its branch named.

    Raises UsageError, PlanRefused, RepositoryError.
    """
    repository = prepared.session.repository
    if way.push or way.request:
        _remote(repository)
    if way.request and not way.branch:
        way = replace(way, branch=_branch_for(prepared))
    if way.branch:
        repository.commits().check_branch(way.branch)
        return way
    if not repository.commits().branch():
        message = "no branch is checked out that the commit could go to"
        raise UsageError(message, hint="have a new one made: --branch NAME")
    check_checkout(prepared)
    return way


def land(prepared: Prepared, way: Way) -> Rollback:
    """Bring the commit to its branch, to the remote first if that is wanted; nothing is ever forced.

    Raises RepositoryError; when the remote does not take it, nothing moved here either.
    """
    commits, commit = prepared.session.repository.commits(), prepared.session.revision.commit
    base = commits.branch()
    told = _told(prepared, way, branch=way.branch or base)
    if way.push or way.request:
        told = _pushed(prepared, told, base=base)
    if way.branch:
        commits.branch_off(way.branch, commit)
    else:
        commits.move_forward(commit)
    return told


def _told(prepared: Prepared, way: Way, *, branch: str) -> Rollback:
    session, run = prepared.session, prepared.target.run
    return Rollback(
        stack=session.stack.name,
        environment=session.stack.environment,
        revision=session.revision,
        target=prepared.target.revision,
        entry=run.entry if run else "",
        at=run.at if run else None,
        by=run.who if run else "",
        changed=prepared.changed,
        notices=prepared.notices,
        branch=branch,
        here=not way.branch,
        requested=way.request,
    )


def _pushed(prepared: Prepared, told: Rollback, *, base: str) -> Rollback:
    session = prepared.session
    remote, there = _destination(session.repository, told)
    address = session.repository.push(
        remote, told.revision.commit, branch=there, base=base, stop=session.surroundings.stop
    )
    return replace(told, remote=remote, address=address if told.requested else "")


def _destination(repository: Repository, told: Rollback) -> tuple[str, str]:
    """Return the remote and its branch: for one that is followed, that one, else of the same name."""
    followed = repository.commits().followed(told.branch) if told.here else None
    return followed or (_remote(repository), told.branch)


def _remote(repository: Repository) -> str:
    remote = repository.remote()
    if remote is None:
        message = "the repository has no remote to push to"
        raise UsageError(message, hint="git remote add origin ADDRESS")
    return remote


def _branch_for(prepared: Prepared) -> str:
    owner = prepared.session.owner
    return f"rollback/{owner.stack}-{owner.environment}-{prepared.session.revision.commit[:10]}"
