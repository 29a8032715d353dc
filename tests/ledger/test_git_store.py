"""What only the Git store has to show: its refs and commits in one repository."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Kind
from orchestrator.ledger.stores.git import GitStore
from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git
from tests.ledger.builders import OWNER, entry, holder, run
from tests.ledger.conftest import entry_at, is_dead, open_store, record_entries

LEDGER = "refs/orchestrator/shop/production"
LOCK = "refs/orchestrator-lock/shop/production"


def test_git_log_is_the_audit_trail(shop: Path) -> None:
    """Each entry is a commit: its subject the audit sentence, its author who ran it, at that time."""
    record_entries(open_store(shop, remote=None), 2)
    trail = git(shop, "log", "--format=%an <%ae> %ad | %s", "--date=iso-strict", LEDGER)
    assert trail.splitlines()[:2] == [
        "Ada Lovelace <ada@example.org> 2025-03-14T12:02:00+00:00 | apply shop/production: entry 2",
        "Ada Lovelace <ada@example.org> 2025-03-14T12:01:00+00:00 | apply shop/production: entry 1",
    ]
    assert git(shop, "ls-tree", "--name-only", LEDGER).split() == ["entry.json", "state.json"]


def test_an_entry_follows_the_one_before_and_the_applied_revision(shop: Path) -> None:
    """The parents are the previous entry and the revision that was applied."""
    first = git(shop, "rev-parse", "HEAD")
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(entry_at(1, first), lock=lock)
    before = git(shop, "rev-parse", LEDGER)
    assert git(shop, "rev-parse", f"{LEDGER}^@") == first
    second = commit_file(shop, "a.txt", "a\n")
    store.append(entry_at(2, second, Kind.FINISHED), lock=lock)
    assert git(shop, "rev-parse", f"{LEDGER}^@").split() == [before, second]
    assert [each.id for each in store.history(10)] == ["entry-2", "entry-1"]


def test_an_applied_revision_outlives_its_branch(shop: Path) -> None:
    """After the branch was rewritten and garbage collected, what was applied can still be read."""
    applied = commit_file(shop, "module.tf", "# applied\n")
    store = open_store(shop, remote=None)
    store.append(entry_at(1, applied), lock=store.acquire(holder()))
    git(shop, "reset", "--quiet", "--hard", "HEAD~1")
    git(shop, "reflog", "expire", "--expire=now", "--all")
    git(shop, "gc", "--quiet", "--prune=now")
    repository = open_repository(shop)
    assert (repository.export(repository.revision(applied)) / "module.tf").is_file()


def test_the_checkout_does_not_notice(shop: Path) -> None:
    """Branches, tags, index and working tree are the user's: recording touches none of them."""
    seen = ("branch --all", "tag", "status --porcelain", "rev-parse HEAD", "stash list", "reflog")
    before = [git(shop, *each.split()) for each in seen]
    record_entries(open_store(shop, remote=None), 1)
    assert before == [git(shop, *each.split()) for each in seen]


def test_a_released_lock_leaves_no_ref(shop: Path, remote: Path) -> None:
    """Between runs there is the ledger alone, here and on the remote."""
    record_entries(open_store(shop), 1)
    for repository in (shop, remote):
        assert LOCK not in git(repository, "for-each-ref", "--format=%(refname)")
        assert LEDGER in git(repository, "for-each-ref", "--format=%(refname)")


def test_environments_keep_apart(shop: Path) -> None:
    """Each stack and environment has its ledger and its lock."""
    production = open_store(shop, remote=None)
    record_entries(production, 1, release=False)
    staging = GitStore(
        replace(OWNER, environment="staging"),
        open_repository(shop).plumbing(),
        remote=None,
        is_dead=is_dead,
    )
    assert staging.read().head == ""
    staging.acquire(holder("other"))


def test_every_append_moves_the_lock(shop: Path) -> None:
    """The lock is another commit after each entry, so that its lease is a part of every push."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    seen = {git(shop, "rev-parse", LOCK)}
    for number in (1, 2):
        store.append(replace(entry(number), at=entry(1).at), lock=lock)
        seen.add(git(shop, "rev-parse", LOCK))
    assert len(seen) == 3


def test_hooks_of_the_user_do_not_run(shop: Path, remote: Path) -> None:
    """A pre-push hook that tests a branch for minutes has nothing to do with the ledger."""
    for name in ("pre-push", "reference-transaction", "post-commit"):
        hook = shop / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
    record_entries(open_store(shop), 1)
    assert git(remote, "log", "-1", "--format=%s", LEDGER) == "apply shop/production: entry 1"


def test_a_ref_that_is_no_ledger_is_refused(shop: Path) -> None:
    """A ref of that name which somebody else made is not taken for an empty ledger."""
    git(shop, "update-ref", LEDGER, "HEAD")
    with pytest.raises(LedgerError, match=r"is no ledger: its commit holds no state\.json"):
        open_store(shop, remote=None).read()


def test_a_ref_in_the_way_is_named(shop: Path) -> None:
    """What keeps our refs from being made is told, not taken for another writer."""
    git(shop, "update-ref", "refs/orchestrator-lock/shop", "HEAD")
    with pytest.raises(LedgerError, match=r"git update-ref failed: .*refs/orchestrator-lock/shop"):
        open_store(shop, remote=None).acquire(holder())


@pytest.mark.parametrize("ref", [LEDGER, LOCK])
def test_a_lock_file_of_a_crashed_git_is_named(shop: Path, ref: str) -> None:
    """What a crash of the machine left in Git's way is told, since nothing removes it by itself."""
    stale = shop / ".git" / f"{ref}.lock"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with pytest.raises(LedgerError, match=f"the lock file {stale} is in the way") as refused:
        open_store(shop, remote=None).acquire(holder())
    assert f"if there is none, one crashed and left it: rm {stale}" in refused.value.hint
    stale.unlink()
    open_store(shop, remote=None).acquire(holder())


def test_without_an_identity_entries_are_recorded(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build machine whose Git knows no name records all the same: who is in the entry."""
    git(shop, "config", "user.useConfigOnly", "true")
    store = open_store(shop, remote=None)
    monkeypatch.setenv("EMAIL", "")
    nameless = replace(entry(), run=replace(run(), who="runner"))
    store.append(nameless, lock=store.acquire(holder()))
    assert git(shop, "log", "-1", "--format=%an|%ae|%cn", LEDGER) == "runner||runner"


def test_a_repository_with_longer_ids_works(tmp_path: Path) -> None:
    """SHA-256 repositories have ids of another length, and are repositories all the same."""
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "new")
    commit = commit_file(tmp_path / "new", "a.txt", "a\n")
    store = open_store(tmp_path / "new", remote=None)
    record_entries(store, 2, commit=commit)
    assert open_store(tmp_path / "new", remote=None).read().head == "entry-2"
