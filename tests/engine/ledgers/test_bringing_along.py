"""Outcomes that wait in a clone follow their ledger to where it goes on, and nowhere else."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.turns import Turn, take_turn
from orchestrator.ledger.entry import Kind, Operation
from orchestrator.ledger.stores.aside import Aside
from orchestrator.ledger.troubles import NotShared
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from tests.engine.ledgers.conftest import IN_GIT, Ground, directory, ids, move, record, refused
from tests.git import commit_file, git, make_clone, make_remote, make_repository
from tests.ledger.builders import entry, holder, run
from tests.ledger.hindrances import moved_away


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("directory", "directory"),
        ("directory", IN_GIT),
        (IN_GIT, "directory"),
        (IN_GIT, "ledger: {remote: backup}\n"),
    ],
)
def test_what_could_not_be_recorded_follows_a_ledger_that_another_clone_moved(
    ground: Ground, tmp_path: Path, resources: ExitStack, before: str, after: str
) -> None:
    """What waits in a clone is recorded where the ledger goes on, before the next run plans anything."""
    remote = make_remote(tmp_path / "remote.git", of=ground.root)
    git(tmp_path, "init", "--quiet", "--bare", "backup.git")
    old, new = (
        directory(tmp_path / name) if kind == "directory" else kind
        for kind, name in ((before, "old"), (after, "new"))
    )
    store = open_store(ground.say(old))
    git(ground.root, "push", "--quiet", "origin", "main")
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    read_present(ground.session(), store)
    leave, come_back = moved_away(tmp_path / "old" if before == "directory" else remote)
    leave()
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED, outcome=Outcome.FAILED), lock=lock)
    come_back()
    other = Ground(make_clone(remote, tmp_path / "other"), resources)
    for each in (ground, other):
        git(each.root, "remote", "add", "backup", (tmp_path / "backup.git").as_uri())
    assert open_store(other.session()).break_lock(lock.holder)
    move(other, other.say(new))

    session = ground.say(new)
    take_turn(session, Operation.APPLY, Turn(), resources, attended=False)

    assert len(read_present(session, open_store(session)).bad) == 1
    assert ids(other.session()) == ["entry-1", "entry-2"]
    assert [text.partition(":")[0] for text in ground.told] == [
        "recorded what could not be when it was done"
    ]


@pytest.mark.parametrize("cleaned", [False, True])
def test_what_follows_a_ledger_needs_no_place_that_it_left(
    ground: Ground, tmp_path: Path, resources: ExitStack, *, cleaned: bool
) -> None:
    """A remote that is away by then, or a clone that was cleaned of what Git ignores, keeps no outcome behind."""
    remote = make_remote(tmp_path / "remote.git", of=ground.root)
    store = open_store(ground.session())
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    read_present(ground.session(), store)
    leave, come_back = moved_away(remote)
    leave()
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED, outcome=Outcome.FAILED), lock=lock)
    come_back()
    other = Ground(make_clone(remote, tmp_path / "other"), resources)
    assert open_store(other.session()).break_lock(lock.holder)
    new = directory(tmp_path / "new")
    move(other, other.say(new))
    leave()
    if cleaned:
        git(ground.root, "clean", "-ffdxq")

    session = ground.say(new)
    take_turn(session, Operation.APPLY, Turn(), resources, attended=False)

    assert read_present(session, open_store(session)).head == "entry-2"
    assert not any("could not record" in text for text in ground.told)


def test_what_waits_goes_into_no_ledger_of_another_repository(
    ground: Ground, tmp_path: Path, resources: ExitStack
) -> None:
    """Where several keep theirs in one place, what this clone has to tell would be pruned by the other one."""
    others = Ground(make_repository(tmp_path / "others"), resources)
    commit_file(others.root, "README.md", "Another one\n")
    theirs = run(revision=Revision(commit=git(others.root, "rev-parse", "HEAD")))
    session = ground.say(directory(tmp_path / "shared"))
    store = open_store(session)
    lock = store.acquire(holder())
    store.append(entry(1, Kind.FINISHED, of=theirs, outcome=Outcome.APPLIED), lock=lock)
    store.release(lock)
    aside = Aside(owner=session.owner, plumbing=session.repository.plumbing())
    aside.keep(entry(2, Kind.FINISHED))

    take_turn(session, Operation.APPLY, Turn(), resources, attended=False)
    assert ids(session) == ["entry-1"]

    git(ground.root, "fetch", "--quiet", str(others.root))
    take_turn(session, Operation.APPLY, Turn(), resources, attended=False)
    assert ids(session) == ["entry-1", "entry-2"]


def test_no_lock_begins_a_ledger_on_another_remote(ground: Ground, tmp_path: Path) -> None:
    """The refs that another remote left in this clone are no ledger there, nor is what waits to be recorded."""
    make_remote(tmp_path / "remote.git", of=ground.root)
    git(tmp_path, "init", "--quiet", "--bare", "backup.git")
    git(ground.root, "remote", "add", "backup", (tmp_path / "backup.git").as_uri())
    record(ground.session(), 1)
    owner, repository = ground.session().owner, ground.session().repository
    for waiting in ((), (entry(2, Kind.FINISHED),)):
        for each in waiting:
            Aside(owner=owner, plumbing=repository.plumbing()).keep(each)
        session = ground.say("ledger: {remote: backup}\n")
        with ExitStack() as turn:
            take_turn(session, Operation.APPLY, Turn(patience=9.0), turn, attended=False)
            assert "it is in refs/orchestrator/shop/default on origin" in refused(session).message
        assert git(tmp_path / "backup.git", "for-each-ref") == ""
