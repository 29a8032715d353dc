"""A commit that lacks what was applied last: told by real commits, whatever made it so."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.planning.behind import with_lacking
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.ledger.entry import Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.plan import Revision
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_clone, make_remote, make_repository
from tests.ledger.builders import entry, run
from tests.plans.builders import change, plan, unit_plan


def _applied(root: Path, *, operation: Operation = Operation.APPLY) -> LedgerState:
    """Return a ledger in which the commit that is checked out was applied."""
    revision = Revision(commit=git(root, "rev-parse", "HEAD"))
    return fold_all([entry(1, Kind.FINISHED, of=run(revision=revision, operation=operation))])


def _notes(root: Path, ledger: LedgerState, *, effective: bool = True) -> tuple[str, ...]:
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack="shop", environment=None)
    shown = plan(unit_plan("manifests.shop", change())) if effective else plan()
    return with_lacking(shown, session, ledger).notes


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a stack, and one commit after it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = make_repository(tmp_path / "shop")
    commit_file(
        root, "stacks/shop/stack.yaml", "version: 1\nname: shop\nmanifests: {a: {path: a}}\n"
    )
    commit_file(root, "stacks/shop/a/a.yaml", "\n")
    return root


def test_a_clone_that_nobody_brought_up_to_date_is_told(root: Path) -> None:
    """With what was applied last, when and by whom; not where the plan changes nothing."""
    ledger = _applied(root)
    git(root, "checkout", "--quiet", "--detach", "HEAD~1")
    (note,) = _notes(root, ledger)
    assert note == (
        f"this commit is older than {ledger.runs[0].revision}, which Ada Lovelace applied last"
        " (2025-03-14 12:01:00 UTC): what came with that goes; if that is not meant, git pull"
    )
    assert _notes(root, ledger, effective=False) == ()


def test_a_commit_beside_the_one_that_was_applied_last_is_told(root: Path) -> None:
    """Another branch was applied: what that alone has goes."""
    ledger = _applied(root)
    git(root, "checkout", "--quiet", "--detach", "HEAD~1")
    commit_file(root, "stacks/shop/a/b.yaml", "\n")
    (note,) = _notes(root, ledger)
    assert "applied last (2025-03-14 12:01:00 UTC), is not in the history of this commit" in note


def test_what_leads_on_needs_no_word(root: Path, tmp_path: Path) -> None:
    """A commit after it, a revert of it, a stack that was destroyed, and a shallow clone, which cannot tell."""
    ledger = _applied(root)
    assert _notes(root, ledger) == ()
    assert _notes(root, LedgerState()) == ()
    git(root, "revert", "--no-edit", "HEAD")
    assert _notes(root, ledger) == ()
    destroyed = _applied(root, operation=Operation.DESTROY)
    remote = make_remote(tmp_path / "remote.git", of=root)
    shallow = make_clone(remote, tmp_path / "shallow", "--depth=1")
    assert _notes(shallow, ledger) == ()
    git(root, "checkout", "--quiet", "--detach", "HEAD~1")
    assert _notes(root, destroyed) == ()
    unknown = replace(ledger.runs[0], revision=Revision(commit=""))
    assert _notes(root, replace(ledger, runs=(unknown,))) == ()
