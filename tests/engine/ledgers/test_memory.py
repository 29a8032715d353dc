"""What a clone remembers of where a ledger is, written by several processes at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from orchestrator.engine.ledgers.memory import remembered
from orchestrator.stack.model import Ledger
from tests.engine.ledgers.conftest import Ground


def test_nobody_reads_the_half_of_what_another_writes(ground: Ground) -> None:
    """However many remember the place at once, it can be read at any moment, and nothing else is left there."""
    session = ground.session()
    memory = remembered(session)

    def keep(number: int) -> bool:
        memory.keep("a place " * 999, Ledger(), f"entry-{number}")
        return remembered(session).damaged

    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(keep, range(400)))
    assert [each.name for each in memory.file.parent.iterdir()] == [memory.file.name]
    remembered(session).keep("a place", replace(Ledger(), remote="other"), "last")
    assert remembered(session).head == "last"
