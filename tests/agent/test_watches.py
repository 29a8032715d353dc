"""When a repository is asked, and whether what it said may be worked with."""

from pathlib import Path

import pytest

from orchestrator.agent.configuration.model import Configuration, Repository, Retry
from orchestrator.agent.decisions.agenda import NEVER
from orchestrator.agent.watches import Watch
from orchestrator.agent.watching import Asker, Sight
from orchestrator.settings import Settings
from tests.agent.builders import NOW


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Return a watch that has not asked yet."""
    configuration = Configuration(file=tmp_path / "agent.yaml", name="keeper", directory=tmp_path)
    repository = Repository(name="a", url="/nowhere")
    asker = Asker(configuration=configuration, repository=repository, settings=Settings.read())
    return Watch(asker=asker, due=NOW)


def _answer(watch: Watch, now: float, error: str = "", **ledgers: str) -> None:
    sight = Sight(repository="a", revision="r1", ledgers=ledgers, error=error)
    watch.answered(sight, now, poll=60, retry=Retry(), lot=0.5)


def test_it_is_asked_now_and_then(watch: Watch) -> None:
    """Not while it is being asked, and later and later while it does not answer."""
    watch.ask()
    assert watch.due == NEVER
    _answer(watch, NOW)
    assert watch.known
    assert NOW + 40 < watch.due < NOW + 80


def test_what_moved_while_it_was_asked_is_asked_again(watch: Watch) -> None:
    """The answer may be from before."""
    watch.ask()
    watch.told(NOW + 1)
    assert watch.due == NEVER
    _answer(watch, NOW + 2)
    assert watch.due == NOW + 2


def test_what_is_doubted_is_asked_anew(watch: Watch) -> None:
    """An answer to a question from before says nothing, nor does none."""
    watch.ask()
    watch.doubt(NOW + 1)
    _answer(watch, NOW + 2)
    assert not watch.known
    watch.ask()
    _answer(watch, NOW + 3, error="it is away")
    assert not watch.known
    watch.ask()
    _answer(watch, NOW + 30)
    assert watch.known


def test_what_it_said_of_ledgers_outlasts_a_silence(watch: Watch) -> None:
    """Whoever approves while it does not answer is seen by what stood there before."""
    found = [watch.ledgers]
    for error, ledgers in (("away", {}), ("", {"s": "e1"}), ("away", {}), ("", {"s": "e2"})):
        _answer(watch, NOW, error=error, **ledgers)
        found.append(watch.ledgers)
    assert found == [None, None, {"s": "e1"}, {"s": "e1"}, {"s": "e2"}]
