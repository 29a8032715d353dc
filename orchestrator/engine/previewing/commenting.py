"""A preview as one comment on its request, with statuses of its commit that lead there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from orchestrator import clock
from orchestrator.engine.previewing.fetching import Fetched, fetched, stands_at
from orchestrator.engine.previewing.preview import make_preview
from orchestrator.engine.previewing.refreshing import refresh
from orchestrator.engine.previewing.standing import ledger_moved
from orchestrator.engine.previewing.statuses import Statuses
from orchestrator.engine.previewing.touched import Merge
from orchestrator.engine.session import Surroundings
from orchestrator.errors import Interrupted, OrchestratorError, PlanRefused, RepositoryError
from orchestrator.forges.commenting import Ending, Published, Text, publish
from orchestrator.forges.forge import ChangeRequest, Forge
from orchestrator.plans.preview import Preview, Refreshed
from orchestrator.reports.preview.budget import SMALLEST
from orchestrator.reports.preview.comment import comment
from orchestrator.reports.preview.memory import marker, recall, worth
from orchestrator.reports.preview.standing import ROOM
from orchestrator.stack.load import load_project

_LOOKS: Final = 5
_LOOK_SECONDS: Final = 1.0
_LATE: Final = frozenset({Ending.OVERTAKEN, Ending.CLOSED, Ending.MERGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How to comment: ``limit`` is 0 for the forge's own, and never more; ``configuration`` tells apart comments.

    ``head`` is the commit of the request that somebody looked at: no other one is planned.
    """

    configuration: str = "default"
    forks: bool = False
    head: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commented:
    """What was planned for a request, and what became of the comment; None when it could not be written.

    ``error`` is the first that kept the answer from one of the places where it belongs; it is in the others.
    ``refreshed`` says how the request stood when something had moved on meanwhile, which the comment tells by now.
    """

    preview: Preview
    published: Published | None = None
    error: OrchestratorError | None = None
    refreshed: Refreshed | None = None


def comment_on(
    surroundings: Surroundings,
    forge: Forge,
    request: ChangeRequest,
    ask: Ask,
    *,
    keep: Callable[[Preview], None],
) -> Commented:
    """Plan what merging a request would do, and write that where people decide about it.

    ``keep`` is given the answer before the forge is, which may refuse it. Raises PlanRefused for a request that is
    not to be planned, ForgeError where the forge does not tell how it stands, RepositoryError where its Git does not.
    """
    _check(request, ask)
    request, found = _as_it_stands(surroundings, forge, request)
    _check_head(found, ask)
    begun = clock.milliseconds()
    statuses = Statuses(
        forge=forge,
        commit=found.head,
        configuration=ask.configuration,
        stop=surroundings.stop,
        other_base=request.other_base,
    )
    errors: list[OrchestratorError] = []
    made = replace(
        _planned(surroundings, found, statuses, errors),
        configuration=ask.configuration,
        into=request.base,
        begun=begun,
    )
    published: Published | None = None
    with _collected(errors):
        keep(made)
    with _collected(errors):
        limit = min(ask.limit or forge.limit, forge.limit)
        text = _text(surroundings, found, made, limit=limit, base=request.base)
        published = publish(forge, text, stop=surroundings.stop)
    with _collected(errors):
        _conclude(statuses, made, published, request, redact=surroundings.secrets.redact)
    refreshed: Refreshed | None = None
    with _collected(errors):
        if _is_late(
            published,
            lambda: (
                _is_elsewhere(forge, request, found.head)
                or _moved_on(surroundings, found, made, request.base)
            ),
        ):
            # Whoever was faster may have called the comment stale before our statuses were set.
            refreshed = refresh(
                surroundings,
                forge,
                configuration=ask.configuration,
                limit=ask.limit,
                anew=found.head,
            )
    return Commented(
        preview=made,
        published=published,
        error=errors[0] if errors else None,
        refreshed=refreshed,
    )


def _as_it_stands(
    surroundings: Surroundings, forge: Forge, request: ChangeRequest
) -> tuple[ChangeRequest, Fetched]:
    """Return a request with its commits, once the forge says the same of its head as its Git does.

    Either may be behind for a moment after a push. A plan of what is not the head any more would be nobody's.
    """
    found = fetched(surroundings, request)
    for _ in range(_LOOKS):
        if found.head == request.head:
            return request, found
        if surroundings.stop.wait(_LOOK_SECONDS):
            raise Interrupted("interrupted while the forge took in what was pushed")
        request = forge.request()
        found = fetched(surroundings, request)
    if found.head == request.head:
        return request, found
    message = f"the request is at {request.head[:10]} as its forge says, and at {found.head[:10]} in its repository"
    raise RepositoryError(
        message, hint="run it again: the forge takes in what was pushed in a moment"
    )


def _planned(
    surroundings: Surroundings,
    found: Fetched,
    statuses: Statuses,
    errors: list[OrchestratorError],
) -> Preview:
    """Make the plans, and say in the statuses that somebody is at it; why nothing could be planned is an answer, too.

    Where a forge refuses statuses, the answer has other places to go to: that comes to ``errors``.
    """

    def announce(names: Sequence[str]) -> None:
        with _collected(errors):
            statuses.planning(names)

    with _collected(errors):
        statuses.planning()

    try:
        return make_preview(surroundings, base=found.base, head=found.head, announce=announce)
    except Interrupted:  # a later run for the same commit may have its answer already
        raise
    except OrchestratorError as error:  # what was answered before does not hold, whatever this is
        return Preview(
            base=found.base, head=found.head, error=error, ci_run=surroundings.settings.ci_run
        )


def _is_late(published: Published | None, moved: Callable[[], bool]) -> bool:
    """Whether something moved on while the plans were made.

    Whoever moved it may have looked for a comment before there was ours. So this is asked once comment and statuses
    are there: what moves from now on finds them. Where another run for the same commit and base has the comment, ours
    may have said that it plans after that one was done.
    """
    if published is None:
        return False
    if published.ending is Ending.OVERTAKEN and published.comment is None:
        return False  # nothing that we said counts by now, and who plans the request as it is has the comment
    try:
        return published.ending in _LATE or moved()
    except Interrupted:
        raise
    except OrchestratorError:  # whoever refreshes looks again, and tells if that fails, too
        return True


def _is_elsewhere(forge: Forge, before: ChangeRequest, head: str) -> bool:
    """Whether a request was closed, pushed or given another base after its comment was written."""
    now = forge.request()
    return (now.head, now.base, now.is_open) != (head, before.base, True)


def _moved_on(surroundings: Surroundings, found: Fetched, made: Preview, base: str) -> bool:
    repository = found.repository
    if stands_at(surroundings, repository, base) != made.base:
        return True
    if not any(each.plan for each in made.stacks):
        return False  # no ledger either
    with ExitStack() as resources:
        around = replace(surroundings, trusted=made.base, resources=resources, ledgers={})
        onto = repository.revision(made.base)
        project = load_project(repository.export(onto))
        merge = Merge(
            surroundings=around, repository=repository, base=onto, result=onto, project=project
        )
        return any(ledger_moved(merge, each) for each in made.stacks if each.plan)


@contextmanager
def _collected(errors: list[OrchestratorError]) -> Iterator[None]:
    """Go on after an error: the answer has other places to go to. A request to stop is none."""
    try:
        yield
    except Interrupted:
        raise
    except OrchestratorError as error:
        errors.append(error)


def _conclude(
    statuses: Statuses,
    made: Preview,
    published: Published | None,
    request: ChangeRequest,
    *,
    redact: Callable[[str], str],
) -> None:
    """Say in the statuses what was planned, also when no comment could be written that they lead to."""
    if published is None:
        statuses.uncommented(made)
    elif published.ending not in {Ending.OVERTAKEN, Ending.CLOSED}:
        address = published.comment.address if published.comment else ""
        leading = replace(statuses, address=address)
        leading.planned(made, redact=redact)
        _retire(statuses, made, published, request)


def _retire(
    statuses: Statuses, made: Preview, published: Published, request: ChangeRequest
) -> None:
    """Withdraw what earlier plans said of other commits, or of another base: their comment is gone."""
    why = f"what was planned since is {made.head[:10]} into {made.into}"
    for text in dict.fromkeys((published.before, *published.beside)):
        former = recall(text)
        if former is None:
            continue
        into = former.into or made.into
        if (former.head, into) != (made.head, made.into):
            # They lead nowhere: another request may take them that has this head and base, and a comment that holds.
            retired = replace(statuses, commit=former.head, other_base=request.apart(into))
            retired.withdraw(former, why, of=request.number)


def _check(request: ChangeRequest, ask: Ask) -> None:
    if request.from_fork and not ask.forks:
        raise PlanRefused(
            f"request {request.number} comes from a fork, and planning it runs its code",
            hint="look at what it changes, then pass --allow-forks, with --head and the commit that you looked at; and"
            " with credentials that can only read",
        )


def _check_head(found: Fetched, ask: Ask) -> None:
    if ask.head not in {"", found.head}:
        raise PlanRefused(
            f"the request is at {found.head[:10]} by now, and {ask.head[:10]} is what is to be planned",
            hint="look at what was pushed since, and name its commit",
        )


def _text(
    surroundings: Surroundings, found: Fetched, made: Preview, *, limit: int, base: str
) -> Text:
    redact: Callable[[str], str] = surroundings.secrets.redact
    room = max(SMALLEST, limit - ROOM)

    def make(previous: str) -> str:
        return comment(made, limit=room, redact=redact, previous=previous)

    def is_newer(previous: str) -> bool:
        memory = recall(previous)
        if memory is None or memory.head != made.head or memory.into not in {"", base}:
            return False
        if memory.base in {"", made.base}:
            # What began after we are done did not: the clock of where it ran is ahead.
            return made.begun < memory.begun <= clock.milliseconds()
        return memory.base == stands_at(surroundings, found.repository, base)

    return Text(
        marker=marker(made.configuration),
        head=made.head,
        base=base,
        make=make,
        is_newer=is_newer,
        worth=partial(worth, head=made.head, into=base),
    )
