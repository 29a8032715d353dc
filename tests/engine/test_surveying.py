"""A quick look at a revision reads little of each file, and misses nothing for it."""

from pathlib import Path

import pytest

from orchestrator.engine.history.opening import all_ledgers, read_files
from orchestrator.engine.planning.paths import mentions_revision
from orchestrator.engine.session import Surroundings
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.plans.objects import Owner
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from tests.git import make_repository
from tests.ledger.builders import entry, holder
from tests.ledger.conftest import is_dead


@pytest.mark.parametrize(
    "written",
    [
        "ledger: {store: directory, path: kept}",
        r'"l\x65dger": {store: directory, path: kept}',
        "environments: {production: {ledger: {store: directory, path: kept}}}",
        r'"environments": {production: {"\u006c\u0065dger": {store: directory, path: kept}}}',
    ],
)
def test_a_ledger_is_found_wherever_a_stack_says_it_is(tmp_path: Path, written: str) -> None:
    """However the key is written, and whichever environment says so."""
    root = make_repository(tmp_path / "shop")
    for name, own in (("plain", ""), ("shop", written)):
        (root / "stacks" / name).mkdir(parents=True)
        (root / "stacks" / name / "stack.yaml").write_text(f"version: 1\nname: {name}\n{own}\n")
    (root / ".gitignore").write_text("/kept/\n")
    (root / "kept").mkdir()
    owner = Owner(stack="gone", environment="production")
    store = ChainStore(owner, DirectoryShelf(root / "kept", str(owner)), is_dead=is_dead)
    lock = store.acquire(holder())
    store.append(entry(), lock=lock)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    repository = open_repository(root)
    assert owner in all_ledgers(around, repository, read_files(repository))


def test_the_name_of_the_revision_is_seen_wherever_it_may_be_read(tmp_path: Path) -> None:
    """In a file that is named itself, or anywhere below a directory; not where no expression can stand."""
    deep = tmp_path / "objects" / "deep" / "deeper"
    deep.mkdir(parents=True)
    (deep / "notes.txt").write_text("${{ revision }}")
    (deep / "plain.yaml").write_text("a: b")
    (tmp_path / "stack.yaml").write_text("version: 1")
    (deep / "gone.yaml").symlink_to(tmp_path / "nowhere")
    reach = frozenset({"objects", "stack.yaml", "missing"})
    assert not mentions_revision(tmp_path, reach)
    for file in (deep / "one.json", deep / "two.yml", tmp_path / "stack.yaml"):
        before = file.read_text() if file.exists() else ""
        file.write_text("a: ${{ revision }}")
        assert mentions_revision(tmp_path, reach)
        file.write_text(before)
    assert not mentions_revision(tmp_path, reach)
