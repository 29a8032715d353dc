"""Stores of every kind, each over a ledger of its own that several writers can open."""

import os
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.holder import Holder
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.aside import Aside
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.cluster import ClusterShelf
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.stores.plumbing import Moves
from orchestrator.ledger.stores.shelf import Shelf
from orchestrator.plans.plan import Revision
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.repository.plumbing import GitPlumbing
from orchestrator.repository.repository import open_repository
from orchestrator.sandbox import Sandbox
from orchestrator.settings import Settings
from orchestrator.workloads.cluster import Target, connect
from orchestrator.workloads.cluster.registers import Registers
from tests.git import make_clone, make_remote, make_repository
from tests.ledger.builders import OWNER, entry, holder, run
from tests.ledger.hindrances import Hindered, Silent, moved_away, stuck
from tests.sandbox.client import client_of

Ledger: TypeAlias = Callable[[], Store]
"""Opens the same ledger once more, as a second writer would."""

DEAD = "dead"


def is_dead(holder: Holder) -> bool:
    """Return whether a holder calls itself dead, in place of the process table."""
    return holder.token.startswith(DEAD)


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


STORES = ["memory", "directory", "cluster", "git", "git with a remote"]
SHELVES = STORES[:3]


@pytest.fixture(params=SHELVES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path, sandbox_programs: None) -> Shelf:  # noqa: ARG001
    """Return an empty shelf of each kind."""
    return make_shelf(request, tmp_path)


@pytest.fixture(params=STORES)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, sandbox_programs: None) -> Ledger:  # noqa: ARG001
    """Return how to open one ledger of each kind; with a remote each writer has a clone of its own."""
    if request.param in SHELVES:
        shelf = make_shelf(request, tmp_path)
        return lambda: ChainStore(OWNER, shelf, is_dead=is_dead)
    repository = make_repository(tmp_path / "shop")
    if request.param == "git":
        return lambda: open_store(repository, remote=None)
    remote = make_remote(tmp_path / "remote.git", of=repository)
    numbers = count()
    return lambda: open_store(make_clone(remote, tmp_path / f"clone-{next(numbers)}"))


@pytest.fixture(params=STORES)
def forgetful(request: pytest.FixtureRequest, tmp_path: Path, sandbox_programs: None) -> Store:  # noqa: ARG001
    """Return a ledger of each kind whose place does what is asked and never gets to say so."""
    if request.param in SHELVES:
        return ChainStore(OWNER, Forgetful(make_shelf(request, tmp_path)), is_dead=is_dead)
    repository = make_repository(tmp_path / "shop")
    remote = None
    if request.param != "git":
        make_remote(tmp_path / "remote.git", of=repository)
        remote = "origin"
    plumbing = open_repository(repository).plumbing()
    return GitStore(OWNER, ForgetfulGit(plumbing, remote), remote=remote, is_dead=is_dead)


@pytest.fixture(params=STORES)
def hindered(request: pytest.FixtureRequest, tmp_path: Path, sandbox_programs: None) -> Hindered:  # noqa: ARG001
    """Return a ledger of each kind whose place can be made to take nothing."""
    if request.param in SHELVES:
        return _hindered_shelf(request, tmp_path)
    shop = make_repository(tmp_path / "shop")
    if request.param == "git":
        fail, mend = stuck(shop / ".git" / "refs" / "orchestrator" / f"{OWNER}.lock")
        return Hindered(
            clone=shop,
            open=lambda: open_store(shop, remote=None),
            other=None,
            fail=fail,
            mend=mend,
        )
    remote = make_remote(tmp_path / "remote.git", of=shop)
    fail, mend = moved_away(remote)
    return Hindered(
        clone=shop,
        open=lambda: open_store(shop),
        other=lambda: open_store(make_clone(remote, tmp_path / "other")),
        fail=fail,
        mend=mend,
    )


def _hindered_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Hindered:
    base = tmp_path / "kept"
    base.mkdir()
    shelf = Silent(make_shelf(request, base))
    fail, mend = (
        moved_away(base) if request.param == "directory" else (shelf.fall_silent, shelf.answer)
    )
    this, other = (make_repository(tmp_path / name) for name in ("this", "other"))

    def opened(clone: Path) -> Store:
        memory = DirectoryShelf(clone, "seen")
        return ChainStore(OWNER, shelf, is_dead=is_dead, memory=memory, aside=aside_in(clone))

    return Hindered(
        clone=this,
        open=lambda: opened(this),
        other=lambda: opened(other),
        fail=fail,
        mend=mend,
    )


class Forgetful:
    """A shelf that loses the answer to each change."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def __getattr__(self, name: str) -> Any:
        """Read as the shelf does."""
        return getattr(self._shelf, name)

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Write, and lose the answer."""
        self._shelf.write(name, content, over=over)
        raise LedgerError("the answer was lost")

    def remove(self, name: str, *, over: str) -> bool:
        """Remove, and lose the answer."""
        self._shelf.remove(name, over=over)
        raise LedgerError("the answer was lost")


class ForgetfulGit:
    """Git that loses the answer to each move of the refs that count."""

    def __init__(self, plumbing: GitPlumbing, remote: str | None) -> None:
        self._plumbing = plumbing
        self._remote = remote

    def __getattr__(self, name: str) -> Any:
        """Do everything else as Git does."""
        return getattr(self._plumbing, name)

    def move(self, moves: Moves) -> bool:
        """Move refs here, and lose the answer where these are the ones that count."""
        moved = self._plumbing.move(moves)
        if self._remote is None:
            raise RepositoryError("the answer was lost")
        return moved

    def push(self, remote: str, moves: Moves) -> bool:
        """Move refs of the remote, and lose the answer."""
        self._plumbing.push(remote, moves)
        raise RepositoryError("the answer was lost")


def make_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Return an empty shelf of the kind that a test is given."""
    match request.param:
        case "memory":
            return MemoryShelf()
        case "directory":
            return DirectoryShelf(tmp_path, str(OWNER))
        case _:
            return ClusterShelf(OWNER, registers_of(request.getfixturevalue("sandbox"), request))


def registers_of(sandbox: Sandbox, request: pytest.FixtureRequest) -> Registers:
    """Return a namespace of one's own in the sandbox, by a connection that ends with the test."""
    namespace = f"ledger-{uuid.uuid4().hex[:10]}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    client_of(sandbox.kubeconfig).create("/api/v1/namespaces", made)
    resources = ExitStack()
    request.addfinalizer(resources.close)
    target = Target(kubeconfig=sandbox.kubeconfig)
    opened = connect(target, Settings.read(), secrets=Secrets(), stop=Stop())
    return resources.enter_context(opened).registers(namespace)


def aside_in(clone: Path) -> Aside:
    """Return what waits in a clone."""
    return Aside(owner=OWNER, plumbing=open_repository(clone).plumbing())


def open_store(repository: Path, *, remote: str | None = "origin") -> Store:
    """Open the ledger that a checkout sees."""
    return GitStore(OWNER, open_repository(repository).plumbing(), remote=remote, is_dead=is_dead)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a repository without a remote."""
    return make_repository(tmp_path / "shop")


@pytest.fixture
def remote(shop: Path, tmp_path: Path) -> Path:
    """Return the bare repository that is the shop's origin."""
    return make_remote(tmp_path / "remote.git", of=shop)


def record_entries(
    store: Store, last: int, *, first: int = 1, commit: str = "", release: bool = True
) -> None:
    """Record entries of these numbers, each of that commit, as one writer."""
    lock = store.acquire(holder(f"writer-{first}"))
    for number in range(first, last + 1):
        store.append(entry_at(number, commit), lock=lock)
    if release:
        store.release(lock)


def entry_at(number: int, commit: str, kind: Kind = Kind.STARTED) -> Entry:
    """Return the entry of that number, which applied a commit."""
    return entry(
        number,
        kind,
        of=run(revision=Revision(commit=commit)),
        message=f"apply shop/production: entry {number}",
    )
