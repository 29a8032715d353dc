"""Asking a repository where its branch and its ledgers stand: one question, and nothing is fetched."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.agent.configuration.model import Configuration, Repository
from orchestrator.agent.work.order import clone_of
from orchestrator.errors import unexpected
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror, Origin, make_mirror
from orchestrator.settings import Settings

_LEDGERS = "refs/orchestrator/"
_LOCKS = "refs/orchestrator-lock/"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Where a branch stands, and the ledgers by ``stack/environment``; or the ``error``, why nobody knows.

    ``locks`` are the stacks, written alike, whose locks somebody holds, sorted.
    """

    repository: str
    revision: str = ""
    ledgers: Mapping[str, str] = field(default_factory=dict)
    locks: tuple[str, ...] = ()
    error: str = ""


def mirror_of(configuration: Configuration, repository: Repository, settings: Settings) -> Mirror:
    """Make the clone of a repository, or give it its settings anew; raises StorageError, RepositoryError."""
    shown = repository.credentials
    origin = Origin(
        url=repository.url,
        author=f"agent {configuration.name}",
        mail=f"{configuration.name}@{settings.host}",
        username=shown.username,
        password_file=shown.password_file,
        ssh_key_file=shown.ssh_key_file,
        known_hosts_file=shown.known_hosts_file,
    )
    return make_mirror(clone_of(configuration, repository.name), origin, settings)


def look(mirror: Mirror, repository: Repository, stop: Stop) -> Sight:
    """Ask a repository; a trouble is told, not raised."""
    branch = f"refs/heads/{repository.branch}"
    try:
        found = mirror.heads(
            (branch, f"{_LEDGERS}*", f"{_LOCKS}*"), patience=_PATIENCE_SECONDS, stop=stop
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the repository is asked again, and others are too
        return Sight(repository=repository.name, error=unexpected(error).message)
    if branch not in found:
        message = f"there is no branch {repository.branch}"
        return Sight(repository=repository.name, error=message)
    return Sight(
        repository=repository.name,
        revision=found[branch],
        ledgers=_below(_LEDGERS, found),
        locks=tuple(sorted(_below(_LOCKS, found))),
    )


def _below(prefix: str, found: Mapping[str, str]) -> Mapping[str, str]:
    return {
        ref.removeprefix(prefix): entry for ref, entry in found.items() if ref.startswith(prefix)
    }
