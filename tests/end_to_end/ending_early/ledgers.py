"""Ledgers as those look at them who have nothing but what they are kept in: commits, files or ConfigMaps."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.end_to_end.world import World
from tests.git import git
from tests.sandbox.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry: what it says, and the state after it, which single documents have of the last one alone."""

    entry: Mapping[str, Any]
    state: Mapping[str, Any]


class Ledger(Protocol):
    """The ledger of one stack."""

    def records(self) -> list[Record]:
        """Return the entries, the first one first, after checking that they form one chain."""

    def locked(self) -> bool:
        """Whether somebody has the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InGit:
    """Two refs of a repository: of a clone, or of the remote that clones share."""

    root: Path
    name: str

    def records(self) -> list[Record]:
        """Return the entries, the first one first, after checking that they form one chain."""
        ref = f"refs/orchestrator/{self.name}/default"
        if not git(self.root, "for-each-ref", ref):
            return []
        git(self.root, "fsck", "--connectivity-only", ref)
        commits = git(self.root, "rev-list", "--first-parent", "--reverse", ref).splitlines()
        shown = [self._shown(commits, f"{file}.json") for file in ("entry", "state")]
        return _chained(
            [Record(entry=entry, state=state) for entry, state in zip(*shown, strict=True) if entry]
        )

    def locked(self) -> bool:
        """Whether somebody has the lock."""
        return bool(git(self.root, "for-each-ref", f"refs/orchestrator-lock/{self.name}"))

    def _shown(self, commits: Sequence[str], file: str) -> list[Any]:
        """Return what a file of each commit holds, None for the revisions that the first entry follows."""
        names = "".join(f"{commit}:{file}\n" for commit in commits)
        shown = git(self.root, "cat-file", "--batch=%(objectsize)", "--buffer", stdin=names)
        # A document is one line, and Git ends each with an empty one; of what is missing it says so in one.
        lines = [line for line in shown.splitlines() if line and not line.isdigit()]
        return [None if line.endswith(" missing") else json.loads(line) for line in lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class InDirectory:
    """Files, of which the head names the last."""

    folder: Path

    def records(self) -> list[Record]:
        """Return the entries, the first one first, after checking that they form one chain."""
        return _linked(self._read)

    def locked(self) -> bool:
        """Whether somebody has the lock."""
        return (self.folder / "lock.json").exists()

    def _read(self, name: str) -> str:
        kind, _, rest = name.partition("-")
        file = self.folder / (f"{kind}/{rest}.json" if rest else f"{kind}.json")
        return file.read_text() if file.exists() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InCluster:
    """ConfigMaps and a Lease in a namespace of their own."""

    cluster: Client
    namespace: str
    name: str

    def records(self) -> list[Record]:
        """Return the entries, the first one first, after checking that they form one chain."""
        return _linked(self._read)

    def locked(self) -> bool:
        """Whether somebody has the lock."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        return bool(self.cluster.get(path)["items"])

    def _read(self, name: str) -> str:
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/ledger.{self.name}.default.{name}"
        code, found = self.cluster.request("GET", path)
        return str(found["data"]["document"]) if code == 200 else ""


def records(world: World) -> list[Record]:
    """Return the entries of a world's own clone, the first one first."""
    return InGit(root=world.root, name=world.name).records()


def _linked(read: Callable[[str], str]) -> list[Record]:
    """Go from the head back to the first entry."""
    head = json.loads(read("head") or "{}")
    found: list[Record] = []
    reference = head.get("entry")
    state = json.loads(read(head["state"]["name"])) if reference else {}
    while reference:
        place, _, entry = read(reference["name"]).partition("\n")
        found.append(Record(entry=json.loads(entry), state=state))
        reference, state = json.loads(place)["before"], {}
    return _chained(found[::-1])


def _chained(found: list[Record]) -> list[Record]:
    ids = [each.entry["id"] for each in found]
    assert [each.entry["previous"] for each in found] == ["", *ids][: len(ids)]
    return found
