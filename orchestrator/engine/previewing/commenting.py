"""A preview as one comment on its request, with statuses of its commit that lead there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.engine.previewing.preview import make_preview
from orchestrator.engine.session import Surroundings
from orchestrator.errors import OrchestratorError, PlanRefused, RepositoryError
from orchestrator.forges.commenting import Ending, Published, publish
from orchestrator.forges.forge import ChangeRequest, Forge, State, Status
from orchestrator.plans.preview import Preview
from orchestrator.reports.preview.comment import comment
from orchestrator.reports.preview.harmless import line
from orchestrator.reports.preview.memory import marker
from orchestrator.reports.preview.words import headline, outlook
from orchestrator.repository.repository import open_repository

_NAME: Final = "orchestrator"
_HISTORY: Final = (
    1_000  # commits that a shallow clone fetches to find where base and request parted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How to comment: ``limit`` is 0 for the forge's own; ``configuration`` tells apart several comments."""

    configuration: str = "default"
    forks: bool = False
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commented:
    """What was planned for a request, and what became of the comment."""

    preview: Preview
    published: Published


def comment_on(surroundings: Surroundings, forge: Forge, ask: Ask) -> Commented:
    """Plan what merging a request would do, and write that where people decide about it.

    Raises PlanRefused for a request that is not to be planned, ForgeError, and what ``make_preview`` raises: then
    the status of the commit says so, too.
    """
    request = forge.request()
    _check(request, ask)
    base, head = _fetched(surroundings, request)
    name = _NAME if ask.configuration == "default" else f"{_NAME} ({line(ask.configuration)})"
    forge.set_status(head, Status(name=name, state=State.PENDING, description="planning"))
    try:
        made = make_preview(surroundings, base=base, head=head)
    except OrchestratorError as error:
        told = _cut(surroundings.secrets.redact(error.message), forge)
        forge.set_status(head, Status(name=name, state=State.FAILURE, description=told))
        raise
    made = replace(made, configuration=ask.configuration)
    published = _publish(surroundings, forge, made, ask.limit or forge.limit)
    if published.ending is not Ending.OVERTAKEN:
        address = published.comment.address if published.comment else ""
        for status in _statuses(made, name, address):
            forge.set_status(head, replace(status, description=_cut(status.description, forge)))
    return Commented(preview=made, published=published)


def _check(request: ChangeRequest, ask: Ask) -> None:
    if not request.is_open:
        raise PlanRefused(f"request {request.number} is merged or closed: there is nothing to plan")
    if request.from_fork and not ask.forks:
        raise PlanRefused(
            f"request {request.number} comes from a fork, and planning it runs its code",
            hint="look at what it changes, then pass --allow-forks; with credentials that can only read",
        )


def _fetched(surroundings: Surroundings, request: ChangeRequest) -> tuple[str, str]:
    """Return the commits at which base and request stand now, fetched, with no ref moved."""
    repository = open_repository(surroundings.directory)
    remote = repository.remote()
    if remote is None:
        message = "this clone has no remote to fetch the request from"
        raise RepositoryError(message, hint="git remote add origin ADDRESS")
    plumbing = repository.plumbing(stop=surroundings.stop)
    refs = (f"refs/heads/{request.base}", request.head_ref)
    stand = plumbing.list_remote(remote, refs)
    missing = [ref for ref in refs if ref not in stand]
    if missing or not plumbing.fetch(remote, refs, depth=_HISTORY):
        raise RepositoryError(f"the remote {remote} has no {' and no '.join(missing or refs)}")
    return stand[refs[0]], stand[refs[1]]


def _publish(surroundings: Surroundings, forge: Forge, made: Preview, limit: int) -> Published:
    redact: Callable[[str], str] = surroundings.secrets.redact

    def make(previous: str) -> str:
        return comment(made, limit=limit, redact=redact, previous=previous)

    return publish(forge, marker=marker(made.configuration), head=made.head, make=make)


def _statuses(made: Preview, name: str, address: str) -> Iterator[Status]:
    """Yield a status for each stack and environment, and one for all of them."""
    for each in made.stacks:
        state = State.FAILURE if each.error else State.SUCCESS
        yield Status(
            name=f"{name}: {each.name}", state=state, description=outlook(each), address=address
        )
    failed = made.error or any(each.error for each in made.stacks)
    state = State.FAILURE if failed else State.SUCCESS
    yield Status(name=name, state=state, description=headline(made), address=address)


def _cut(text: str, forge: Forge) -> str:
    longest = forge.longest_description
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
