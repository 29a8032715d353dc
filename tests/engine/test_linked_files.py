"""Files that links of a stack lead to, inside the repository: who wrote them, and how they are brought back."""

from pathlib import Path

import pytest

from orchestrator.engine.planning.approvers import writers
from orchestrator.engine.rollback.preparing import prepare
from orchestrator.engine.rollback.targets import Aim
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.ledger.entry import LedgerState
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_repository

STACK = "version: 1\nname: shop\nmanifests:\n  shop:\n    path: shop\n"
TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web, namespace: shop}}\ndata: {{text: {0}}}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository whose stack has the link to a manifest beside it, in a directory that is one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = make_repository(tmp_path / "shop")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "somebody@example.org")
    commit_file(root, "apps/shop/stack.yaml", STACK)
    (root / "apps/shop/shop").mkdir()
    (root / "apps/shop/shop/web.yaml").symlink_to("../../../shared/web.yaml")
    (root / "stacks").mkdir()
    (root / "stacks/shop").symlink_to("../apps/shop")
    git(root, "add", "--all")
    commit_file(root, "shared/web.yaml", TEXT.format("one"))
    return root


def _around(root: Path) -> Surroundings:
    return Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)


def test_who_changed_what_is_linked_wrote_what_a_plan_brings(root: Path) -> None:
    """So that nobody approves a change of their own that is made through a link."""
    commit_file(root, "shared/web.yaml", TEXT.format("two"))
    author = "Katherine <katherine@example.org>"
    git(root, "commit", "--quiet", "--amend", "--no-edit", "--author", author)
    commit_file(root, "README.md", "a shop\n")
    session = open_session(_around(root), stack="shop", environment=None)

    wrote = [each.who for each in writers(session, LedgerState())]

    assert author in wrote


def test_a_rollback_brings_back_what_is_linked(root: Path) -> None:
    """It belongs to the stack, and is all that changed."""
    before = git(root, "rev-parse", "HEAD")
    commit_file(root, "shared/web.yaml", TEXT.format("two"))

    prepared = prepare(_around(root), stack="shop", environment=None, aim=Aim(to=before))

    assert prepared is not None
    assert prepared.changed == ("shared/web.yaml",)
    back = git(root, "show", f"{prepared.session.revision.commit}:shared/web.yaml")
    assert "text: one" in back


def test_a_unit_alone_is_brought_back_in_a_stack_file_behind_a_link(root: Path) -> None:
    """Its entry stands where the link leads."""
    before = git(root, "rev-parse", "HEAD")
    commit_file(root, "apps/shop/stack.yaml", f"{STACK}    namespace: a\n")

    aim = Aim(to=before, unit="manifests.shop")
    prepared = prepare(_around(root), stack="shop", environment=None, aim=aim)

    assert prepared is not None
    assert prepared.changed == ("apps/shop/stack.yaml",)
