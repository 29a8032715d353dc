"""The loop as a whole, on repositories that are not there: what others say, and what fails, never holds it up."""

from collections.abc import Collection
from pathlib import Path

import pytest

from orchestrator.agent.children import Children, carry_out
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.events import Event, Looked
from orchestrator.agent.loop import Loop
from orchestrator.agent.replicas.share import Alone, Share
from orchestrator.agent.verdicts import End
from orchestrator.agent.work.order import Order, none_newer, tell_newer
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from tests.agent.builders import key
from tests.git import make_repository

pytestmark = pytest.mark.integration

_TEXT = "version: 1\ndirectory: kept\nrepositories: {a: {url: /nowhere/at/all}}\n"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Return what an agent of one repository, which is not there, is told."""
    (tmp_path / "agent.yaml").write_text(_TEXT, encoding="utf-8")
    return load_configuration(tmp_path / "agent.yaml", Settings.read())


def _loop(configuration: Configuration) -> Loop:
    return Loop(
        configuration=configuration,
        settings=Settings.read(),
        stop=Stop(),
        listeners=[],
        once=True,
    )


class _Talkative(Alone):
    """Another replica, whose file has one more repository."""

    def exchange(self, busy: Collection[Key]) -> Share:  # noqa: ARG002 - as the Protocol has it
        return Share(told=("newer", "a"))


def test_a_repository_that_others_alone_know_is_nothing(configuration: Configuration) -> None:
    """While replicas are replaced their files differ: what one of them is told of is not for the other."""
    loop, seen = _loop(configuration), list[Event]()

    def listen(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Looked):
            loop.stop.request()

    loop.sharing, loop.listeners = _Talkative(), [listen]
    loop.run()
    assert [each for each in seen if isinstance(each, Looked)]


def test_a_loop_that_fails_has_everything_stop(configuration: Configuration) -> None:
    """The error is raised, and nothing that looks whether it is to stop goes on."""
    loop = _loop(configuration)

    def listen(event: Event) -> None:
        if isinstance(event, Looked):
            raise LookupError(event.repository)

    loop.listeners = [listen]
    with pytest.raises(LookupError):
        loop.run()
    assert loop.stop.requested


@pytest.mark.parametrize("task", [Task.SURVEY, Task.RECONCILE, Task.PATROL])
def test_a_child_that_cannot_be_begun_has_failed(configuration: Configuration, task: Task) -> None:
    """Its clone is gone, say: the loop hears of it like of any other end, and does not wait for it for good."""
    looks = (key("shop"),) if task is Task.PATROL else ()
    order = Order(configuration=configuration, task=task, key=key(), revision="r1", looks=looks)
    result = carry_out(order, Children(settings=Settings.read(), forks=None), Stop())
    assert result.verdict is not None
    assert (result.verdict.end, bool(result.error)) == (End.FAILED, True)
    assert result.astray == frozenset(looks)


def test_a_disk_that_is_full_keeps_nobody_from_telling(configuration: Configuration) -> None:
    """Where there is no room for the word that a newer revision waits, it is waited for to the end."""
    file = none_newer(configuration, key())
    assert file is not None
    tell_newer(configuration, key(), "r2")
    assert file.read_text(encoding="utf-8") == "r2"
    assert none_newer(configuration, key()) == file
    assert not file.exists()
    file.parent.rmdir()
    file.parent.write_text("", encoding="utf-8")  # as good as no room
    tell_newer(configuration, key(), "r2")
    assert none_newer(configuration, key()) is None


@pytest.mark.timeout(60)
def test_a_clone_that_cannot_be_made_is_its_repositorys_trouble(tmp_path: Path) -> None:
    """Of two repositories one has a file where its clone has to be: the other one is asked."""
    remote = make_repository(tmp_path / "remote")
    text = f"version: 1\ndirectory: kept\nrepositories: {{a: {{url: {remote.as_uri()}}}, b: {{url: /nowhere}}}}\n"
    (tmp_path / "agent.yaml").write_text(text, encoding="utf-8")
    configuration = load_configuration(tmp_path / "agent.yaml", Settings.read())
    clone = configuration.directory / "repositories" / "b"
    clone.parent.mkdir(parents=True)
    clone.touch()
    loop, seen = _loop(configuration), dict[str, Looked]()

    def listen(event: Event) -> None:
        if isinstance(event, Looked):
            seen[event.repository] = event
            if len(seen) == len(configuration.repositories):
                loop.stop.request()

    loop.listeners = [listen]
    loop.run()
    assert (seen["a"].error, bool(seen["a"].revision)) == ("", True)
    assert "b" in seen["b"].error
