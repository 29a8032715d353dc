"""A repository whose stack file says where its ledger is, and what is done about it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.ledgers.moving import export_ledger, import_ledger
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.session import Session, Surroundings, open_session
from orchestrator.errors import LedgerError
from orchestrator.ledger.archive import decode_archive
from orchestrator.ledger.entry import Kind
from orchestrator.plans.events import Event, Notice
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_repository
from tests.ledger.builders import entry, holder

STACK = "version: 1\nname: shop\nmodules: {{a: {{source: ./a}}}}\n{0}"
IN_GIT, ALONE = "", "ledger: {remote: false}\n"
FILE = "stacks/shop/stack.yaml"


class Ground:
    """A repository whose stack file says where the ledger is."""

    def __init__(self, root: Path, resources: ExitStack) -> None:
        """Take a repository."""
        self.root = root
        self.told: list[str] = []
        self._resources = resources

    def say(self, ledger: str, *, commit: bool = True) -> Session:
        """Write where the ledger is, and return the session of that."""
        (self.root / FILE).write_text(STACK.format(ledger), encoding="utf-8")
        if commit:
            git(self.root, "commit", "--quiet", "--all", "--allow-empty", "--message", "Say where")
        return self.session()

    def session(self) -> Session:
        """Return the session of what the files say."""
        return open_session(self.around(), stack="shop", environment=None)

    def around(self) -> Surroundings:
        """Return what a run is given."""
        return Surroundings(
            settings=Settings.read(),
            directory=self.root,
            on_event=self._hear,
            resources=self._resources,
        )

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.told.append(event.text)


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    """Give what ends with the test."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def ground(tmp_path: Path, resources: ExitStack) -> Ground:
    """Return a repository that says nothing of its ledger yet."""
    root = make_repository(tmp_path / "shop")
    commit_file(root, ".gitignore", ".orchestrator/\n")
    commit_file(root, "stacks/shop/a/main.tf", "\n")
    commit_file(root, FILE, "\n")
    ground = Ground(root, resources)
    ground.say(IN_GIT)
    return ground


def record(session: Session, *numbers: int) -> None:
    """Record entries of these numbers, each after the last one that there is."""
    store = open_store(session)
    lock = store.acquire(holder())
    for number in numbers:
        following = replace(entry(number, Kind.NOTED), previous=store.read().head)
        store.append(following, lock=lock)
    store.release(lock)
    read_present(session, store)


def ids(session: Session) -> list[str]:
    """Return the ids of a ledger's entries, oldest first, without those of its moves."""
    found = open_store(session).history(99)
    return [each.id for each in found if each.id.startswith("entry")][::-1]


def directory(path: Path) -> str:
    """Return what says that the ledger is in a directory, which is made."""
    path.mkdir(exist_ok=True)
    return f"ledger: {{store: directory, path: {path}}}\n"


def refused(session: Session) -> LedgerError:
    """Return why the ledger of a session is not gone on with."""
    with pytest.raises(LedgerError) as found:
        read_present(session, open_store(session))
    return found.value


def move(ground: Ground, session: Session) -> str:
    """Bring the ledger to where a session has it."""
    archive = decode_archive(export_ledger(session))
    return import_ledger(ground.session(), archive, patience=0.0)
