"""A ledger that was left in another place than the stack file says, and how it gets there."""

import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.agent.configuration.model import Allowed
from orchestrator.agent.configuration.model import Repository as Watched
from orchestrator.agent.work.sessions import OwnGate
from orchestrator.engine.ledgers.checking import check_ledger
from orchestrator.engine.ledgers.memory import remembered
from orchestrator.engine.ledgers.moving import export_ledger, import_ledger
from orchestrator.engine.ledgers.opening import kept_in_clone, open_store, read_anew
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.ledgers.repairing import plan_repair
from orchestrator.engine.looking import Looking
from orchestrator.errors import LedgerError, LedgerLost, PlanRefused
from orchestrator.ledger.archive import decode_archive
from orchestrator.processes import Stop
from tests.engine.ledgers.conftest import (
    ALONE,
    FILE,
    IN_GIT,
    Ground,
    directory,
    ids,
    move,
    record,
    refused,
)
from tests.git import git, make_clone, make_remote
from tests.ledger.builders import entry, holder


def test_a_second_look_is_not_the_first_one_again(
    ground: Ground, tmp_path: Path, resources: ExitStack
) -> None:
    """Who looks at many stacks asks a remote once; who wants to know what came since asks it anew."""
    remote = make_remote(tmp_path / "remote.git", of=ground.root)
    record(ground.session(), 1)
    other = Ground(make_clone(remote, tmp_path / "other"), resources)
    looking = resources.enter_context(Looking(stop=Stop(), patience=10.0))
    session = replace(other.session(), surroundings=replace(other.around(), looking=looking))
    assert open_store(session).read().head == "entry-1"
    record(ground.session(), 2)
    assert open_store(session).read().head == "entry-1"
    assert read_anew(session).head == "entry-2"


def test_which_ledgers_another_clone_does_not_see(ground: Ground, tmp_path: Path) -> None:
    """One that is in Git and goes to no remote, and one in a directory of the repository."""
    assert kept_in_clone(ground.session())
    make_remote(tmp_path / "remote.git", of=ground.root)
    assert not kept_in_clone(ground.session())
    assert kept_in_clone(ground.say(ALONE))
    assert kept_in_clone(ground.say("ledger: {store: directory, path: kept/ledgers}\n"))
    assert not kept_in_clone(ground.say(directory(tmp_path / "ledgers")))


@pytest.mark.parametrize(
    ("before", "commit"),
    [(IN_GIT, "committed"), (ALONE, "committed"), ("directory", "committed"), ("directory", "")],
)
def test_a_ledger_that_was_left_behind_is_found(
    ground: Ground, tmp_path: Path, before: str, commit: str
) -> None:
    """A changed setting begins no new ledger: it says where the old one is, and moves it in two commands."""
    old = ground.say(
        directory(tmp_path / "old") if before == "directory" else before, commit=bool(commit)
    )
    record(old, 1, 2)
    session = ground.say(directory(tmp_path / "new"), commit=bool(commit))
    why = refused(session)
    assert f"is not in the directory {tmp_path}/new/shop/default" in why.message
    assert f"it is in {open_store(old).title}, whose last entry is entry-2" in why.message
    assert (
        "orchestrator ledger export shop --env default | orchestrator ledger import -" in why.hint
    )
    assert not check_ledger(session).whole
    assert move(ground, session) == "imported 2 entries into the ledger of shop/default"
    assert ids(ground.session()) == ["entry-1", "entry-2"]
    record(ground.session(), 3)
    assert ids(ground.session()) == ["entry-1", "entry-2", "entry-3"]


def test_another_clone_is_told_too(ground: Ground, tmp_path: Path, resources: ExitStack) -> None:
    """One that never saw the ledger knows from the history of the files, and from the remote."""
    make_remote(tmp_path / "remote.git", of=ground.root)
    record(ground.say(directory(tmp_path / "old")), 1)
    ground.say(directory(tmp_path / "new"))
    git(ground.root, "push", "--quiet", "origin", "main")
    for depth in ("--no-single-branch", "--depth=1"):
        clone = Ground(
            make_clone(tmp_path / "remote.git", tmp_path / f"clone{depth}", depth), resources
        )
        assert (
            f"it is in the directory {tmp_path}/old/shop/default"
            in refused(clone.session()).message
        )


def test_who_comes_with_an_older_file_records_nothing_more(
    ground: Ground, tmp_path: Path, resources: ExitStack
) -> None:
    """The place that the ledger left says where it goes on, also in the middle of a run."""
    make_remote(tmp_path / "remote.git", of=ground.root)
    record(ground.session(), 1)
    other = Ground(make_clone(tmp_path / "remote.git", tmp_path / "other"), resources).session()
    store = open_store(other)
    assert read_present(other, store).head == "entry-1"
    move(ground, ground.say(directory(tmp_path / "new")))
    why = refused(other)
    assert f"was moved to the directory {tmp_path}/new/shop/default, by " in why.message
    assert "git pull" in why.hint
    lock = store.acquire(holder())
    with pytest.raises(LedgerError, match="nothing is recorded here any more"):
        store.append(replace(entry(9), previous=store.read().head), lock=lock)


def test_an_entry_between_export_and_import_is_not_lost(ground: Ground, tmp_path: Path) -> None:
    """An import looks whether the ledger has moved on since, and takes nothing then."""
    record(ground.session(), 1)
    old = ground.session()
    archive = decode_archive(export_ledger(old))
    record(old, 2)
    session = ground.say(directory(tmp_path / "new"))
    with pytest.raises(LedgerError, match=r"entries that are not in this file: .* entry-2") as why:
        import_ledger(session, archive, patience=0.0)
    assert "export it again" in why.value.hint
    assert open_store(session).read().head == ""
    assert not open_store(old).read().moved


def test_a_move_that_died_half_way_is_done_again(ground: Ground, tmp_path: Path) -> None:
    """The old place is closed first: what then is missing is the import, with the same file or a new one."""
    record(ground.session(), 1)
    archive = decode_archive(export_ledger(ground.session()))
    session = ground.say(directory(tmp_path / "new"))
    import_ledger(session, archive, patience=0.0)
    shutil.rmtree(tmp_path / "new" / "shop")
    shutil.rmtree(ground.root / ".orchestrator" / "ledgers")
    again = ground.session()
    assert "it is in refs/orchestrator/shop/default of this clone" in refused(again).message
    import_ledger(again, archive, patience=0.0)
    assert ids(ground.session()) == ["entry-1"]


def test_a_ledger_comes_back_to_where_it_was(ground: Ground, tmp_path: Path) -> None:
    """What it was there is how it still begins, so that it goes on from there."""
    record(ground.session(), 1)
    move(ground, ground.say(directory(tmp_path / "new")))
    record(ground.session(), 2)
    session = ground.say(IN_GIT)
    assert f"was moved to the directory {tmp_path}/new" in refused(session).message
    move(ground, session)
    away = ground.say(directory(tmp_path / "new"))
    ground.say(IN_GIT)
    record(ground.session(), 3)
    assert ids(ground.session()) == ["entry-1", "entry-2", "entry-3"]
    assert git(ground.root, "for-each-ref", "refs/orchestrator-replaced") == ""
    assert "was moved to refs/orchestrator/shop/default" in refused(away).message


def test_another_remote_is_another_place(ground: Ground, tmp_path: Path) -> None:
    """A clone knows the entries of the one before; they are not taken for the new one's."""
    make_remote(tmp_path / "remote.git", of=ground.root)
    backup = tmp_path / "backup.git"
    git(tmp_path, "init", "--quiet", "--bare", str(backup))
    git(ground.root, "remote", "add", "backup", backup.as_uri())
    record(ground.session(), 1)
    for said in ("ledger: {remote: backup}\n", ALONE):
        session = ground.say(said)
        assert "it is in refs/orchestrator/shop/default on origin" in refused(session).message
    move(ground, ground.say("ledger: {remote: backup}\n"))
    record(ground.session(), 2)
    assert ids(ground.session()) == ["entry-1", "entry-2"]
    assert (
        "was moved to refs/orchestrator/shop/default on backup"
        in refused(ground.say(IN_GIT)).message
    )


def test_a_place_that_cannot_be_looked_at_is_not_an_empty_one(
    ground: Ground, tmp_path: Path
) -> None:
    """Where the ledger was before and is not known to be gone, nothing is begun anew without being told to."""
    record(ground.say(directory(tmp_path / "old")), 1)
    (tmp_path / "old").rename(tmp_path / "away")
    why = refused(ground.say(directory(tmp_path / "new")))
    assert "it cannot be told whether it is in another place" in why.message
    assert "orchestrator ledger repair shop --env default" in why.hint


def test_a_place_that_may_not_be_looked_at_waits_for_a_person(
    ground: Ground, tmp_path: Path
) -> None:
    """An agent that is told where ledgers may be looks nowhere else; somebody who begins the ledger by hand does."""
    ground.say(directory(tmp_path / "old"))
    ground.say(IN_GIT)
    allowed = Watched(name="a", url="/nowhere", allowed=Allowed(ledgers=("git",)))
    gate = OwnGate(repository=allowed, clone=ground.root)
    around = replace(ground.around(), gate=gate)
    session = replace(ground.session(), surroundings=around)
    with pytest.raises(PlanRefused) as why:
        read_present(session, open_store(session))
    assert "of this clone, and nobody may look whether it is in another place" in why.value.message
    assert f"the ledger directory:{tmp_path}/old is not one of its ledgers" in why.value.message
    assert "orchestrator apply shop --env default" in why.value.hint
    record(ground.session(), 1)
    assert read_present(session, open_store(session)).head == "entry-1"


def test_a_move_goes_on_without_a_place_that_is_gone(ground: Ground, tmp_path: Path) -> None:
    """It says that it could not look there, and looks at the others all the same."""
    record(ground.say(IN_GIT), 1)
    archive = decode_archive(export_ledger(ground.session()))
    ground.say(directory(tmp_path / "tried"))
    (tmp_path / "tried").rmdir()
    session = ground.say(directory(tmp_path / "new"))
    import_ledger(session, archive, patience=0.0)
    assert "whether it has entries that are not in this file is not known" in ground.told[-1]
    assert "was moved to" in refused(ground.say(IN_GIT)).message


def test_a_ledger_that_vanished_with_all_its_refs_is_missed(ground: Ground) -> None:
    """Whatever swept the refs away, a file of this clone knows the last entry."""
    record(ground.session(), 1)
    for ref in git(ground.root, "for-each-ref", "--format=%(refname)").split():
        if ref.startswith("refs/orchestrator"):
            git(ground.root, "update-ref", "-d", ref)
    why = refused(ground.session())
    assert isinstance(why, LedgerLost)
    assert "of this clone is gone: the last entry that this clone saw was entry-1" in why.message
    assert check_ledger(ground.session()).lost == why.message


def test_what_a_request_says_of_ledgers_is_not_looked_at(ground: Ground, tmp_path: Path) -> None:
    """A history that is not trusted names no places: who previews a request reads the base's."""
    base = git(ground.root, "rev-parse", "HEAD")
    gone = f"ledger: {{store: directory, path: {tmp_path}/nowhere}}\n"
    ground.say(gone)
    session = ground.say(directory(tmp_path / "new"))
    assert f"{tmp_path}/nowhere" in refused(session).message
    trusting = replace(session, surroundings=replace(session.surroundings, trusted=base))
    assert read_present(trusting, open_store(trusting)).head == ""


def test_a_first_ledger_is_begun_without_ado(ground: Ground, tmp_path: Path) -> None:
    """Where none was anywhere, any place will do; and a file that cannot be read is no witness, which is told."""
    session = ground.say(directory(tmp_path / "new"))
    assert read_present(session, open_store(session)).head == ""
    record(session, 1)
    memory = remembered(session).file
    assert ground.told == []
    memory.write_text("{", encoding="utf-8")
    assert remembered(session).title == ""
    for _ in range(2):
        assert read_present(ground.session(), open_store(ground.session())).head == "entry-1"
    (told,) = ground.told
    assert f"cannot be read ({memory}): whether entries were lost since cannot be told" in told


def test_a_ledger_that_goes_on_elsewhere_is_not_set_aside(
    ground: Ground, tmp_path: Path, resources: ExitStack
) -> None:
    """A clone with an older stack file and an older ledger would begin a second one: no repair does that."""
    remote = make_remote(tmp_path / "remote.git", of=ground.root)
    record(ground.session(), 1)
    git(remote, "update-ref", "-d", "refs/orchestrator/shop/default")
    other = Ground(make_clone(remote, tmp_path / "other"), resources)
    record(other.session(), 2)
    before = other.session()
    other.say(directory(tmp_path / "ledgers"))
    move(other, before)

    with pytest.raises(LedgerError, match=r"was moved to .*ledgers") as found:
        plan_repair(ground.session(), resources)

    assert "git pull" in found.value.hint


def test_what_a_stack_file_behind_a_link_said_before_is_found(
    ground: Ground, tmp_path: Path
) -> None:
    """A ledger that it named is not taken for none."""
    file = ground.root / FILE
    file.rename(ground.root / "shop.yaml")
    file.symlink_to("../../shop.yaml")
    git(ground.root, "add", "--all")
    record(ground.say(directory(tmp_path / "ledgers")), 1)
    shutil.rmtree(ground.root / ".orchestrator")  # what this clone saw

    assert "ledgers" in refused(ground.say(IN_GIT)).message
