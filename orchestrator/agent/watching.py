"""Asking a repository where its branch and its ledgers stand: one question, and nothing is fetched."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestrator.agent.configuration.model import Configuration, Repository
from orchestrator.agent.work.order import clone_of
from orchestrator.errors import unexpected
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror, Origin, make_mirror
from orchestrator.repository.signers import Signers, fingerprint
from orchestrator.settings import Settings

_LEDGERS = "refs/orchestrator/"
_LOCKS = "refs/orchestrator-lock/"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Where a branch stands, and the ledgers by ``stack/environment``; or the ``error``, why nobody knows.

    ``reached`` says that the remote answered, be it that there is no such branch. ``locks`` are the stacks, written
    alike, whose locks somebody holds, sorted. ``signers`` identifies whose signed commits are taken, as that stands
    now; empty where anybody's are.
    """

    repository: str
    reached: bool = False
    revision: str = ""
    ledgers: Mapping[str, str] = field(default_factory=dict)
    locks: tuple[str, ...] = ()
    signers: str = ""
    error: str = ""


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks one repository, one question at a time.

    The clone is made, or given its settings, with the first one and after each that failed: what is wrong with it is
    this repository's trouble, and nobody else's.
    """

    configuration: Configuration
    repository: Repository
    settings: Settings
    mirror: Mirror | None = None

    def look(self, stop: Stop) -> Sight:
        """Ask where the branch and the ledgers stand; a trouble is told, not raised."""
        signers = signers_of(self.repository)
        found = self._asked(stop)
        return replace(found, signers=fingerprint(signers)) if signers else found

    def _asked(self, stop: Stop) -> Sight:
        name, branch = self.repository.name, f"refs/heads/{self.repository.branch}"
        refs = (branch, f"{_LEDGERS}*", f"{_LOCKS}*")
        try:
            self.mirror = self.mirror or self._make()
            found = self.mirror.heads(refs, patience=_PATIENCE_SECONDS, stop=stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, this one is asked again, and others are too
            self.mirror = None
            return Sight(repository=name, error=unexpected(error).message)
        if branch not in found:
            missing = f"there is no branch {self.repository.branch}"
            return Sight(repository=name, reached=True, error=missing)
        return Sight(
            repository=name,
            reached=True,
            revision=found[branch],
            ledgers=_below(_LEDGERS, found),
            locks=tuple(sorted(_below(_LOCKS, found))),
        )

    def _make(self) -> Mirror:
        shown = self.repository.credentials
        origin = Origin(
            url=self.repository.url,
            author=f"agent {self.configuration.name}",
            mail=f"{self.configuration.name}@{self.settings.host}",
            username=shown.username,
            password_file=shown.password_file,
            ssh_key_file=shown.ssh_key_file,
            known_hosts_file=shown.known_hosts_file,
        )
        clone = clone_of(self.configuration, self.repository.name)
        return make_mirror(clone, origin, self.settings)


def signers_of(repository: Repository) -> Signers | None:
    """Return whose signed commits alone are taken; None where anybody's are."""
    signed = repository.signed
    return Signers(ssh=signed.ssh, gpg=signed.gpg) if signed else None


def _below(prefix: str, found: Mapping[str, str]) -> Mapping[str, str]:
    return {
        ref.removeprefix(prefix): entry for ref, entry in found.items() if ref.startswith(prefix)
    }
