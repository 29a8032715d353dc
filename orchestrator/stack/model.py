"""What a stack file means, after it was read and checked for one environment: plain frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, NewType, TypeAlias

from orchestrator.errors import Place
from orchestrator.stack.policies import Guards, OnFailure

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

UnitId = NewType("UnitId", str)
"""``modules.NAME`` or ``manifests.NAME``."""

DEFAULT_ENVIRONMENT: Final = "default"
"""The one environment of a stack that declares none."""


class Drift(StrEnum):
    """What follows when the live system differs from what was applied."""

    HEAL = "heal"
    REPORT = "report"
    IGNORE = "ignore"


class Risk(StrEnum):
    """What deleting or replacing a thing costs, from worst to harmless."""

    DATA_LOSS = "data-loss"
    RECREATED = "recreated"
    REVERSIBLE = "reversible"


class Conflicts(StrEnum):
    """What follows when another controller set a field that a manifest sets too."""

    FAIL = "fail"
    TAKE = "take"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a set may do to what is there already, beyond changing its own.

    ``conflicts`` is about fields of other controllers, ``adopt`` holds patterns of the owners whose objects it
    may take over, such as ``helm/shop/web``, and ``replace`` says that objects may be deleted and made anew
    where a field cannot be changed.
    """

    conflicts: Conflicts = Conflicts.FAIL
    adopt: tuple[str, ...] = ()
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Fields of a set's objects that are left to whoever else sets them.

    ``paths`` are JSON pointers. The others are patterns of objects; an empty one means all.
    """

    paths: tuple[str, ...]
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRule:
    """When objects of a kind are healthy, and when they have failed, beyond what is known of their kind.

    ``condition`` is the type of one, with ``=`` and the status that it has to have if not ``True``; ``healthy``
    and ``failed`` are in CEL. Each may be empty.
    """

    kind: str
    group: str = ""
    condition: str = ""
    healthy: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Whether and how long an apply waits for a set's objects to be healthy; the timeout is in seconds."""

    enabled: bool = True
    timeout: float = 300.0
    health: tuple[HealthRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where Terraform state lives; ``config`` may hold expressions. ``local`` means our own directory."""

    backend: str = "local"
    config: Mapping[str, Json] = field(default_factory=dict)
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """Which engine runs the modules: a path or name, a version constraint, variables passed on to it.

    ``timeout`` is how long one of its commands may take, in seconds; None where nothing is said. ``asker`` is
    who says so, as messages name it.
    """

    binary: str = ""
    version: str = ""
    environment: tuple[str, ...] = ()
    timeout: float | None = None
    asker: str = "the stack"

    def over(self, other: "Terraform") -> "Terraform":
        """Return what this says, key by key, and what ``other`` says where this says nothing."""
        return Terraform(
            binary=self.binary or other.binary,
            version=self.version or other.version,
            environment=self.environment or other.environment,
            timeout=other.timeout if self.timeout is None else self.timeout,
            asker=self.asker if self.binary or self.version else other.asker,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How the API server is reached; every field may hold expressions, unused ones are None or empty.

    Exactly one way is chosen: the sandbox, an explicit server, or a kubeconfig context (the current one by
    default; in a pod, its service account).
    """

    sandbox: bool = False
    context: Json = None
    kubeconfig: Json = None
    server: Json = None
    certificate_authority: Json = None
    token: Json = None
    exec: tuple[Json, ...] = ()
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict)

    @property
    def address(self) -> dict[str, Json]:
        """Return all that may hold expressions, by the names of the stack file's keys."""
        return {
            "context": self.context,
            "kubeconfig": self.kubeconfig,
            "server": self.server,
            "certificate_authority": self.certificate_authority,
            "token": self.token,
            "exec": list(self.exec),
        }


class LedgerStore(StrEnum):
    """What kind of place a ledger is kept in."""

    GIT = "git"
    DIRECTORY = "directory"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where the ledger is kept.

    In Git: ``remote`` is the name of the one that it is pushed to, empty for the repository's own, or None to keep
    it in this repository alone. ``path`` is the directory, relative to the repository's root. In a cluster it is in
    ``namespace``; ``context`` and ``kubeconfig`` say in which, empty for the stack's own.
    """

    store: LedgerStore = LedgerStore.GIT
    remote: str | None = ""
    path: str = ""
    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict, compare=False)

    @property
    def in_own_cluster(self) -> bool:
        """Whether it is in the cluster of the stack, whichever that is."""
        return self.store is LedgerStore.CLUSTER and not (self.context or self.kubeconfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Terraform module of a stack.

    ``source`` is a directory relative to the stack file's directory, or any address that Terraform accepts;
    ``version`` only goes with a registry address. ``terraform`` is what it says itself of its engine, over
    what the stack says. ``protect`` is None where nothing is said, which leaves it as it was applied last.
    ``places`` maps a path inside the unit's YAML (such as ``("inputs", "cidr")``) to where it stands.
    """

    name: str
    source: str
    version: str = ""
    terraform: Terraform | None = None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    needs: tuple[UnitId, ...] = ()
    protect: bool | None = None
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict)

    @property
    def id(self) -> UnitId:
        """Return ``modules.NAME``."""
        return UnitId(f"modules.{self.name}")

    @property
    def local(self) -> bool:
        """Whether the source is a directory of this repository; Terraform asks for ``./`` or ``../`` too."""
        return self.source.startswith(("./", "../")) or self.source in {".", ".."}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSet:
    """One set of Kubernetes manifests of a stack; ``path`` is relative to the stack file's directory.

    ``protect`` is None where nothing is said, which leaves it as it was applied last.
    """

    name: str
    path: str
    namespace: Json = None
    needs: tuple[UnitId, ...] = ()
    protect: bool | None = None
    wait: Wait = field(default_factory=Wait)
    drift: Drift = Drift.HEAL
    ignore: tuple[Ignored, ...] = ()
    rights: Rights = field(default_factory=Rights)
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict)

    @property
    def id(self) -> UnitId:
        """Return ``manifests.NAME``."""
        return UnitId(f"manifests.{self.name}")


Unit: TypeAlias = Module | ManifestSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack in one environment.

    ``file`` is the stack file's path relative to the repository's root, with forward slashes; ``vars`` are
    the environment's, over the stack's; ``modules`` and ``manifests`` keep the file's order. ``risks`` are what
    losing things of a type costs, by name or pattern; the environment's come first, the repository's last.
    ``sources`` are patterns of where modules may come from, beside this repository; None for anywhere.
    """

    name: str
    environment: str
    file: str
    vars: Mapping[str, Json]
    state: State
    cluster: Cluster
    terraform: Terraform
    ledger: Ledger
    modules: tuple[Module, ...]
    manifests: tuple[ManifestSet, ...]
    risks: Mapping[str, Risk] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    on_failure: OnFailure = field(default_factory=OnFailure)
    sources: tuple[str, ...] | None = None

    @property
    def directory(self) -> str:
        """Return the stack file's directory relative to the root, ``.`` for the root itself."""
        return self.file.rpartition("/")[0] or "."

    @property
    def units(self) -> tuple[Unit, ...]:
        """Return modules, then manifest sets."""
        return (*self.modules, *self.manifests)

    def allows_source(self, source: str) -> bool:
        """Whether a module may come from ``source``, which is not a directory of this repository."""
        return self.sources is None or any(fnmatchcase(source, pattern) for pattern in self.sources)
