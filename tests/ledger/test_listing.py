"""All ledgers of a repository and its remote, each as it stands where it is newest."""

from pathlib import Path

import pytest

from orchestrator.engine.planning.housed import kept_in
from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Kind
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.cluster import ClusterShelf, owners_in
from orchestrator.ledger.stores.listing import git_ledgers
from orchestrator.plans.objects import Owner
from orchestrator.repository.repository import open_repository
from orchestrator.sandbox import Sandbox
from tests.git import git, make_clone
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import is_dead, open_store, record_entries, registers_of


def _listed(clone: Path, *, remote: str | None = "origin") -> dict[str, str]:
    found = git_ledgers(
        open_repository(clone).plumbing(), remote=remote, wanted=lambda _owner: True
    )
    return {str(owner): state.head for owner, state in found.items() if state}


def test_ledgers_of_the_remote_and_of_the_clone_are_listed(shop: Path, remote: Path) -> None:
    """Those that a clone never fetched, and those that were kept in it alone; no ref moves, nobody else's is read."""
    record_entries(open_store(shop), 2)
    clone = make_clone(remote, shop.with_name("clone"))
    git(clone, "update-ref", "refs/orchestrator/own", "HEAD")
    git(clone, "update-ref", "refs/orchestrator/not/a/ledger", "HEAD")
    before = git(clone, "for-each-ref")

    assert _listed(clone) == {"shop/production": "entry-2"}
    assert _listed(clone, remote=None) == {}
    assert git(clone, "for-each-ref") == before


def test_a_clone_that_is_ahead_counts(shop: Path, remote: Path, tmp_path: Path) -> None:
    """What could not be pushed is what was done."""
    store = open_store(shop)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    remote.rename(tmp_path / "gone")
    with pytest.raises(LedgerError):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    (tmp_path / "gone").rename(remote)

    assert _listed(shop) == {"shop/production": "entry-2"}
    assert _listed(make_clone(remote, tmp_path / "clone")) == {"shop/production": "entry-1"}


def test_what_nobody_wants_is_not_fetched(shop: Path, remote: Path, tmp_path: Path) -> None:
    """A plan asks for what is gone alone, and pays for nothing else."""
    record_entries(open_store(shop), 2)
    clone = make_clone(remote, tmp_path / "clone")

    found = git_ledgers(
        open_repository(clone).plumbing(),
        remote="origin",
        wanted=lambda owner: owner == Owner(stack=OWNER.stack, environment="gone"),
    )

    assert found == {}
    head = git(shop, "rev-parse", "refs/orchestrator/shop/production")
    assert "missing" in git(clone, "cat-file", "--batch-check", stdin=f"{head}\n")


@pytest.mark.integration
def test_a_namespace_tells_whose_ledgers_are_in_it(
    sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    """Also of those that lost their head, and where entries are all that is left, to whoever asks for these."""
    registers = registers_of(sandbox, request)
    owners = [Owner(stack=name, environment="default") for name in ("blog", "headless", "lost")]
    for owner in owners:
        record_entries(ChainStore(owner, ClusterShelf(owner, registers), is_dead=is_dead), 2)
    for owner in owners[1:]:
        registers.drop("ConfigMap", f"ledger.{owner.stack}.default.head", version="")
    (state,) = ClusterShelf(owners[2], registers).find("state")
    registers.drop("ConfigMap", f"ledger.lost.default.{state}", version="")

    assert owners_in(registers) == owners[:2]
    assert owners_in(registers, entries=True) == kept_in(registers, "any") == owners
