"""A ledger in a cluster: what is large is split, what is ours is marked as no stack's, and what refuses is told."""

import random

import pytest

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Kind
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.cluster import ClusterShelf
from orchestrator.ledger.verification import verify
from orchestrator.plans.objects import OwnedObject
from orchestrator.sandbox import Sandbox
from orchestrator.workloads.cluster.registers import Registers
from orchestrator.workloads.ownership import owner_of
from tests.ledger.builders import OWNER, entry, holder, owned
from tests.ledger.conftest import is_dead, registers_of

pytestmark = pytest.mark.integration


@pytest.fixture
def registers(sandbox: Sandbox, request: pytest.FixtureRequest) -> Registers:
    """Return a namespace of one's own."""
    return registers_of(sandbox, request)


def many(count: int) -> list[OwnedObject]:
    """Return objects whose names nothing can pack well."""
    chance = random.Random(7)
    return [owned(f"web-{chance.getrandbits(400):x}", uid=f"{number}") for number in range(count)]


def test_what_is_large_is_split(registers: Registers) -> None:
    """Thousands of objects stay far below what one ConfigMap may hold, and nothing is left of old states."""
    store = ChainStore(OWNER, ClusterShelf(OWNER, registers), is_dead=is_dead)
    lock = store.acquire(holder())
    store.append(entry(1, inventory=many(6000)), lock=lock)
    after = store.append(entry(2, Kind.FINISHED, inventory=[owned("last")]), lock=lock)
    fresh = ChainStore(OWNER, ClusterShelf(OWNER, registers), is_dead=is_dead)
    assert fresh.read() == after
    assert len(after.inventory) == 6001
    assert verify(fresh.links()).sound == 2
    kept = registers.select("ConfigMap", {"ledger.orchestrator/stack": OWNER.stack})
    sizes = [len(str(each.get("data") or each.get("binaryData"))) for each in kept]
    assert max(sizes) < 400_000
    assert len(kept) > 4
    assert not [each for each in kept if owner_of(each)]
    store.append(entry(3), lock=lock)
    left = registers.select("ConfigMap", {"ledger.orchestrator/stack": OWNER.stack})
    states = [each for each in left if ".state-" in str(each["metadata"])]
    assert {str(each["metadata"]).partition("state-")[2][:8] for each in states} == {"00000003"}


def test_a_lock_is_a_lease_that_others_can_read(registers: Registers) -> None:
    """Who holds it, since when and until when is where Kubernetes keeps that."""
    store = ChainStore(OWNER, ClusterShelf(OWNER, registers), is_dead=is_dead)
    store.acquire(holder())
    lease = registers.get("Lease", "ledger.shop.production.lock")
    assert lease is not None
    spec = lease["spec"]
    assert isinstance(spec, dict)
    assert spec["holderIdentity"] == "Ada@build-7/first"
    assert str(spec["renewTime"]).startswith("2025-03-14T12:00:00")


def test_a_namespace_that_is_not_there_is_no_empty_ledger(registers: Registers) -> None:
    """A wrong name is told with what to do, before anything is read or written."""
    wrong = Registers(client=registers.client, namespace="nowhere-at-all")
    store = ChainStore(OWNER, ClusterShelf(OWNER, wrong), is_dead=is_dead)
    for ask in (store.read, lambda: store.acquire(holder())):
        with pytest.raises(
            LedgerError, match=r"the namespace nowhere-at-all of .* does not exist"
        ) as refused:
            ask()
        assert "kubectl create namespace nowhere-at-all" in refused.value.hint
