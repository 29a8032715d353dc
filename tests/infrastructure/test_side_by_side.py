"""How many modules are worked on at once."""

import pytest

from orchestrator.infrastructure.running.side_by_side import at_once, within

GIGABYTE = 1024**3


@pytest.mark.parametrize(
    ("cores", "free", "number"),
    [
        (4, None, 4),
        (4, 16 * GIGABYTE, 4),
        (16, 4 * GIGABYTE, 6),
        (16, 0, 1),
        (0, None, 1),
    ],
)
def test_cores_and_memory_limit_each_other(cores: int, free: int | None, number: int) -> None:
    """The scarcer of both counts, and there is always room for one."""
    assert within(cores, free) == number


def test_this_machine_has_room_for_one() -> None:
    """What the system tells is read."""
    assert at_once() >= 1
