"""Complaints that strangers can bring about."""

from orchestrator.agent.decisions.quieting import Quiet, complained
from tests.agent.builders import NOW


def test_the_same_complaint_is_made_once_a_minute_with_how_many_were_not() -> None:
    """Whoever reaches the port cannot fill the log; that there were more is told with the next."""
    quiet, unsaid = complained(None, NOW)
    assert (quiet, unsaid) == (Quiet(at=NOW), 0)
    for number in range(1, 4):
        quiet, unsaid = complained(quiet, NOW + number)
        assert (quiet, unsaid) == (Quiet(at=NOW, unsaid=number), None)
    assert complained(quiet, NOW + 61) == (Quiet(at=NOW + 61), 3)
