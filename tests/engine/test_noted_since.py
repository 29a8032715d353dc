"""What comes between a plan and its execution: notes that change nothing, or anything else."""

from dataclasses import replace

import pytest

from orchestrator.engine.execution.verification import only_noted_since
from orchestrator.ledger.entry import Kind, Operation
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from tests.ledger.builders import OWNER, entry, holder, run
from tests.ledger.conftest import is_dead


@pytest.mark.parametrize(
    ("operation", "same"),
    [
        (Operation.APPROVE, True),
        (Operation.SUSPEND, True),
        (Operation.RESUME, True),
        (Operation.ABANDON, False),
        (Operation.REPAIR, False),
        (Operation.TERRAFORM, False),
    ],
)
def test_a_note_that_changes_nothing_leaves_a_plan_as_it_is(
    operation: Operation, *, same: bool
) -> None:
    """As many of them as there are, down to the entry that the plan was made after."""
    store = ChainStore(OWNER, MemoryShelf(), is_dead=is_dead)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    for number in (2, 3):
        noted = replace(entry(number, Kind.NOTED), run=run(operation=operation))
        store.append(noted, lock=lock)
    assert only_noted_since(store, "entry-1", "entry-3") is same
    assert only_noted_since(store, "entry-3", "entry-3")
    assert not only_noted_since(store, "entry-0", "entry-3")
