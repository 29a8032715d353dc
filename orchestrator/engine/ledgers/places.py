"""Whether the ledger of a stack is where the stack file says, or was left in another place.

Where nothing is found, or nothing that has been in that very place, the others are looked at: those that the files
said before, the repository's own refs, and where this clone saw the ledger last. A ledger that is in one of them is
never taken for one that is yet to begin.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from orchestrator.engine.ledgers.memory import Memory, remembered
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.remotes import remote_of
from orchestrator.engine.session import Session
from orchestrator.errors import (
    LedgerError,
    LedgerLost,
    OrchestratorError,
    PlanRefused,
    RepositoryError,
)
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.marks import part
from orchestrator.ledger.troubles import forgotten, moved_away
from orchestrator.plans.events import Notice
from orchestrator.stack.links import trail
from orchestrator.stack.model import Ledger, LedgerStore
from orchestrator.stack.project import PROJECT_FILE
from orchestrator.stack.said import said_of_ledger

_MOST: Final = 200  # commits that changed the files in which it is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place with a ledger of the stack: the session as if the stack file named it, its state, and its last entry."""

    session: Session
    store: Store
    state: LedgerState
    last: Entry

    @property
    def told(self) -> str:
        """Return the place and its last entry, for a sentence."""
        return f"{self.store.title}, whose last entry is {sentence_of(self.last)}"


def sentence_of(entry: Entry) -> str:
    """Return an entry as the end of a sentence."""
    return f"{entry.id[:10]} ({entry.message}, {entry.at:%Y-%m-%d %H:%M:%S} UTC)"


def read_present(session: Session, store: Store) -> LedgerState:
    """Return the state of the session's ledger, to go on from; raises LedgerError when that is in another place.

    PlanRefused when that may be, and may not be looked at.
    """
    state = store.read()
    if state.moved:
        raise moved_away(str(session.owner), state.moved)
    check_place(session, store, state)
    return state


def check_place(session: Session, store: Store, state: LedgerState) -> None:
    """Raise LedgerError when the ledger of the session is not in the place of that store, but in another one.

    LedgerLost when it was in this one, and is gone. PlanRefused when another one may not be looked at.
    """
    seen = remembered(session)
    if seen.damaged:
        text = forgotten(str(session.owner), str(seen.file))
        session.surroundings.on_event(Notice(text=text))
    if state.head and store.rooted():
        if bring_along(session):
            seen.keep(store.title, session.stack.ledger, state.head)
        return
    if not state.head and seen.title == store.title:
        raise _gone(session, seen)
    for place in places_of(session, store):
        if not place.state.moved or not state.head:
            raise _elsewhere(session, store, place)


def bring_along(session: Session) -> bool:
    """Let what this clone alone has of a ledger, ahead of the remote that it left, wait for where it goes on.

    Return whether that is done; where this clone takes nothing, that is told, and tried again.
    """
    seen, now = remembered(session).ledger, session.stack.ledger
    if seen == now:
        return True
    if now.store is LedgerStore.GIT:
        if seen is not None and seen.store is LedgerStore.GIT:
            with suppress(OrchestratorError):  # what is the matter is told where the ledger is read
                open_store(session).read()
        return True
    try:
        part(session.repository.plumbing(), session.owner)
    except (LedgerError, RepositoryError) as error:
        text = (
            f"what this clone could not record in the ledger of {session.owner} where it was before cannot be brought"
            f" along: {error.message}"
        )
        session.surroundings.on_event(Notice(text=text))
        return False
    return True


def places_of(
    session: Session, store: Store, *, unread: Callable[[LedgerError], None] | None = None
) -> Iterator[Place]:
    """Yield the other places that have a ledger of the session's stack.

    Raises LedgerError for one that cannot be read, or tells ``unread`` and goes on; PlanRefused for one that may not be
    looked at. A place on a remote of which this repository knows nothing is none.
    """
    own = store.title
    looked = {own}
    for ledger in _said(session):
        other = replace(session, stack=replace(session.stack, ledger=ledger))
        try:
            if _one_clone(session, other):
                continue
            found = open_store(other)
            state = found.read() if found.title not in looked else LedgerState()
            looked.add(found.title)
            if state.head:
                last = next(iter(found.history(1)))
                yield Place(session=other, store=found, state=state, last=last)
        except RepositoryError:
            continue
        except PlanRefused as refused:
            raise _forbidden(session, own, refused) from refused
        except OrchestratorError as error:
            untold = _untold(session, own, error)
            if unread is None:
                raise untold from error
            unread(untold)


def _one_clone(session: Session, other: Session) -> bool:
    """Whether another place is nothing but the refs of this clone, which the session's own ledger has, too."""
    pair = (session.stack.ledger, other.stack.ledger)
    if any(each.store is not LedgerStore.GIT for each in pair):
        return False
    wanted = other.stack.ledger.remote
    return wanted is None or session.repository.remote(wanted) is None


def _said(session: Session) -> Iterator[Ledger]:
    """Yield where the ledger may be: as this clone saw it, as the files said it, and where it is if nobody says."""
    seen = remembered(session)
    if seen.ledger is not None:
        yield seen.ledger
    if session.stack.file:  # else it cannot be read, or is gone
        yield from _said_before(session)
    yield Ledger(remote="")


def _said_before(session: Session) -> Iterator[Ledger]:
    """Yield what the stack file and the repository's own said of ledgers at each commit that changed them."""
    repository = session.repository
    files, settings = (trail(session.tree, each).all for each in (session.stack.file, PROJECT_FILE))
    trusted = _trusted(session)
    if trusted and repository.shallow:
        _deepen(session, trusted)
    own = (*files, *settings)
    commits = repository.commits_of(trusted, own, limit=_MOST) if trusted else ()
    pairs = product(commits, files, settings)
    names = [f"{commit}:{path}" for commit, *each in pairs for path in each]
    found = [each[1] if each else b"" for each in repository.plumbing().read(names)]
    told = dict.fromkeys(zip(found[::2], found[1::2], strict=True))
    for stack, project in told:
        if stack:
            texts = (stack.decode(errors="replace"), project.decode(errors="replace"))
            yield said_of_ledger(*texts, session.stack.environment)


def _trusted(session: Session) -> str:
    """Return the commit whose history is believed, empty where there is none yet."""
    # An agent's clone has nothing checked out.
    name = session.surroundings.trusted or session.revision.commit or "HEAD"
    try:
        return session.repository.revision(name).commit
    except RepositoryError:
        return ""


def _deepen(session: Session, commit: str) -> None:
    around, remote = session.surroundings, remote_of(session)
    if not session.repository.deepen(commit, remote=remote, stop=around.stop):
        text = (
            f"no ledger of {session.owner} is where the stack file says, and this shallow clone does not tell whether"
            " it was somewhere else before: fetch more of the history to be sure (in CI: a fetch depth of 0)"
        )
        around.on_event(Notice(text=text))


def _elsewhere(session: Session, store: Store, place: Place) -> LedgerError:
    owner = session.owner
    words = f"{owner.stack} --env {owner.environment}"
    if place.state.moved and place.state.moved.to != store.title:
        return LedgerError(
            f"the ledger of {owner} is not in {store.title}: it was moved from {place.store.title} to"
            f" {place.state.moved.to}, by {place.state.moved.by} on {place.state.moved.at:%Y-%m-%d %H:%M:%S} UTC",
            hint="take the commit that says so (git pull), and run again",
        )
    return LedgerError(
        f"the ledger of {owner} is not in {store.title}, where the stack file says it is: it is in {place.told}",
        hint=f"move it: orchestrator ledger export {words} | orchestrator ledger import -;"
        " or name that place in the stack file again. Without it everything would look new, and nothing protected",
    )


def _gone(session: Session, seen: Memory) -> LedgerLost:
    owner = session.owner
    return LedgerLost(
        f"the ledger of {owner} in {seen.title} is gone: the last entry that this clone saw was {seen.head[:10]},"
        " and now nothing is there",
        hint="put it back from a backup; or see what it would go on with:"
        f" orchestrator ledger repair {owner.stack} --env {owner.environment}; if it was meant: rm {seen.file}",
    )


def _untold(session: Session, own: str, error: OrchestratorError) -> LedgerError:
    owner = session.owner
    return LedgerError(
        f"no ledger of {owner} is in {own}, and it cannot be told whether it is in another place,"
        f" where it was kept before: {error.message}",
        hint=f"{error.hint}; if that place is gone for good, begin anew with what exists:"
        f" orchestrator ledger repair {owner.stack} --env {owner.environment}",
        detail=error.detail,
    )


def _forbidden(session: Session, own: str, refused: PlanRefused) -> PlanRefused:
    owner = session.owner
    return PlanRefused(
        f"no ledger of {owner} is in {own}, and nobody may look whether it is in another place,"
        f" where it was kept before: {refused.message}",
        hint=f"begin it by hand, which looks there: orchestrator apply {owner.stack} --env {owner.environment};"
        f" or allow that place as well: {refused.hint}",
        detail=refused.detail,
    )


def unsealed(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return the places whose ledger has not moved on; where all have, the places as they are."""
    found = tuple(places)
    return tuple(each for each in found if not each.state.moved) or found
