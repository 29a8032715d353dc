"""What the agent is told, after it was read and checked: plain frozen data. Times are in seconds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from orchestrator.agent.configuration.channels import Channel
from orchestrator.forges.place import Kind
from orchestrator.stack.model import Drift
from orchestrator.stack.policies import Windows


class Vanished(StrEnum):
    """What follows when Git declares a stack, or one of its environments, no longer."""

    KEEP = "keep"
    DESTROY = "destroy"


class HookKind(StrEnum):
    """Who sends webhooks, and so how they are signed."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a child may work and how much memory it may take, in bytes; ``grace`` is its time after a stop."""

    time: float = 3600.0
    memory: int = 2 * 1024**3
    grace: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When what failed is tried again: first and at most after so long, and one revision so many times in all."""

    first: float = 15.0
    most: float = 900.0
    attempts: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What Git shows to a remote; the files are read each time, so that they may rotate."""

    username: str = ""
    password_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Whose signed commits alone are taken: SSH's list of allowed signers, and OpenPGP's public keys."""

    ssh: Path | None = None
    gpg: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Who tells of new commits, and where the secret is that they sign with."""

    kind: HookKind
    secret_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """Where commits have statuses: the forge and its API, the repository there, and a token that may set them."""

    kind: Kind
    api: str
    repository: str
    token_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Patterns of what the stacks of a repository may use; None allows anything.

    ``modules`` says whether they may bring code that is run: modules, or programs that they name.
    """

    modules: bool = True
    clusters: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    ledgers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftChecks:
    """What follows from drift, and how often to look for it; None never looks."""

    policy: Drift = Drift.HEAL
    workloads: float | None = 300.0
    infrastructure: float | None = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """How a stack is kept equal to Git; ``environments`` is None for all that it declares.

    ``service_account`` is who the API server takes the agent for, as ``NAMESPACE/NAME``, or empty.
    """

    environments: tuple[str, ...] | None = None
    drift: DriftChecks = field(default_factory=DriftChecks)
    approval: bool = False
    windows: Windows = field(default_factory=Windows)
    vanished: Vanished = Vanished.KEEP
    service_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository to watch: where it is, which branch counts, and what its stacks may do.

    ``stacks`` are those that are named, None for all; ``otherwise`` is what holds for one that is not. Only stacks
    whose files are below ``path`` count, which is relative, with forward slashes, and empty for all.
    """

    name: str
    url: str
    branch: str = "main"
    path: str = ""
    poll: float = 60.0
    credentials: Credentials = field(default_factory=Credentials)
    signed: Signed | None = None
    webhook: Webhook | None = None
    statuses: Statuses | None = None
    allowed: Allowed = field(default_factory=Allowed)
    stacks: Mapping[str, StackSettings] | None = None
    otherwise: StackSettings = field(default_factory=StackSettings)

    def keeps(self, stack: str, file: str) -> bool:
        """Whether a stack is the agent's business, whose file is at this path in the repository."""
        return self.below(file) and self.settings_of(stack) is not None

    def below(self, file: str) -> bool:
        """Whether a file of the repository is where its stack files are looked for."""
        return not self.path or PurePosixPath(file).is_relative_to(self.path)

    def settings_of(self, stack: str) -> StackSettings | None:
        """Return how a stack is kept, None for one that is none of the agent's business."""
        if self.stacks is None:
            return self.otherwise
        return self.stacks.get(stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """Where replicas keep their Leases, and after how long a silence one is taken for dead."""

    namespace: str
    context: str = ""
    kubeconfig: Path | None = None
    lease: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All that the agent is told; ``file`` says where, and ``directory`` is where it keeps clones.

    ``said`` is what the file had when it was read. Without ``leader`` it has no replicas.
    """

    file: Path
    name: str
    directory: Path
    listen: str = ""
    workers: int = 4
    leader: Leader | None = None
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    said: bytes = b""

    @property
    def digest(self) -> str:
        """Return what identifies all that it is told."""
        return hashlib.sha256(self.said).hexdigest()

    @property
    def children(self) -> int:
        """Return how many children there may be at once: for new revisions as many again, and patrols."""
        return 2 * self.workers + len(self.repositories)
