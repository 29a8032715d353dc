"""Fetching what a request is about, with no ref moved: its commits and those of its base."""

from dataclasses import dataclass
from typing import Final

from orchestrator.engine.session import Surroundings
from orchestrator.errors import RepositoryError
from orchestrator.forges.forge import ChangeRequest
from orchestrator.repository.repository import Repository, open_repository

# So many commits a shallow clone fetches to find where base and request parted.
_HISTORY: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where base and head of a request stand now; the head is empty where nobody asked for it."""

    repository: Repository
    base: str
    head: str


def fetched(
    surroundings: Surroundings, request: ChangeRequest, *, with_head: bool = True
) -> Fetched:
    """Fetch the commits at which base and request stand now; raises RepositoryError when one is gone."""
    repository = open_repository(surroundings.directory)
    remote = repository.remote()
    if remote is None:
        message = "this clone has no remote to fetch the request from"
        raise RepositoryError(message, hint="git remote add origin ADDRESS")
    plumbing = repository.plumbing(stop=surroundings.stop)
    refs = (f"refs/heads/{request.base}", *((request.head_ref,) if with_head else ()))
    stand = plumbing.list_remote(remote, refs)
    missing = [ref for ref in refs if ref not in stand]
    if missing or not plumbing.fetch(remote, refs, depth=_HISTORY):
        raise RepositoryError(f"the remote {remote} has no {' and no '.join(missing or refs)}")
    head = stand[request.head_ref] if with_head else ""
    return Fetched(repository=repository, base=stand[refs[0]], head=head)


def stands_at(surroundings: Surroundings, repository: Repository, base: str) -> str:
    """Return where a branch of the remote stands now, empty when it is gone; raises RepositoryError."""
    ref, remote = f"refs/heads/{base}", repository.remote()
    if remote is None:
        return ""
    return repository.plumbing(stop=surroundings.stop).list_remote(remote, (ref,)).get(ref, "")
