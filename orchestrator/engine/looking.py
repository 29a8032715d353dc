"""What looking at many stacks in one go shares: one connection to each cluster, one look at each remote.

It is for who changes nothing. What it tells of a remote is believed only as long as this clone knows nothing else.
"""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from orchestrator.processes import Stop
from orchestrator.repository.repository import Repository
from orchestrator.stack.load import StackFile, find_stacks
from orchestrator.stack.project import Project

if TYPE_CHECKING:
    from orchestrator.workloads.cluster import Cluster

_LEDGERS: Final = ("refs/orchestrator/*", "refs/orchestrator-lock/*")


@dataclass(slots=True, kw_only=True)
class Looking:
    """It ends with the block; ``patience`` is how many seconds a remote may take to answer.

    ``stop`` is what connections look at: that of all stacks, since one that is told to stop takes nobody's away.
    """

    stop: Stop
    patience: float
    _resources: ExitStack = field(default_factory=ExitStack)
    _clusters: dict[Hashable, "Cluster"] = field(default_factory=dict)
    _listed: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _files: dict[Path, tuple[StackFile, ...]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Close all connections, and with them whatever waits for an answer, and forget what was told."""
        resources, self._resources = self._resources, ExitStack()
        self._clusters, self._listed = {}, {}
        with suppress(TimeoutError):  # one that does not even end is left to this process's end
            resources.close()

    def cluster(
        self, key: Hashable, connect: Callable[[], AbstractContextManager["Cluster"]]
    ) -> "Cluster":
        """Return the connection that goes by a key, made for the first who asks."""
        if key not in self._clusters:
            self._clusters[key] = self._resources.enter_context(connect())
        return self._clusters[key]

    def listed(self, repository: Repository, remote: str, stop: Stop) -> Mapping[str, str]:
        """Return where the ledgers and locks of a remote stood when it was asked; raises RepositoryError."""
        if remote not in self._listed:
            plumbing = repository.plumbing(patience=self.patience, stop=stop)
            self._listed[remote] = plumbing.list_remote(remote, _LEDGERS)
        return self._listed[remote]

    def stacks(self, tree: Path, project: Project) -> tuple[StackFile, ...]:
        """Return the stacks of a copy of a revision, which nobody changes; raises InvalidStack."""
        if tree not in self._files:
            self._files[tree] = find_stacks(tree, project)
        return self._files[tree]
