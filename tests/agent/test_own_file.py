"""The agent goes by what its file said when it read it, and sees that it says something else by now."""

from pathlib import Path

import pytest

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import Task
from orchestrator.agent.events import FileChanged
from orchestrator.agent.own_file import OwnFile
from orchestrator.agent.work.order import Order, as_read_of, keep_as_read
from orchestrator.errors import StorageError
from orchestrator.settings import Settings
from tests.agent.builders import key

_TEXT = "version: 1\ndirectory: kept\nrepositories: {a: {url: /nowhere, allow: {ledgers: [git]}}}\n"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Return what an agent is told, whose file is where a cluster puts it: a link that follows each version."""
    version = tmp_path / "..1" / "agent.yaml"
    version.parent.mkdir()
    version.write_text(_TEXT, encoding="utf-8")
    (tmp_path / "agent.yaml").symlink_to(version)
    (tmp_path / "kept").mkdir()
    return load_configuration(tmp_path / "agent.yaml", Settings.read())


def test_that_its_file_changed_is_told_once(configuration: Configuration) -> None:
    """One that was written anew and says the same is none that changed, and one that is gone is."""
    own, file = OwnFile(configuration=configuration), configuration.file
    changed, back = (FileChanged(file=str(file), changed=each) for each in (True, False))
    assert (own.look(), own.look()) == (None, None)
    file.unlink()
    file.write_text(_TEXT, encoding="utf-8")
    assert own.look() is None
    file.write_text(_TEXT[:50], encoding="utf-8")
    assert (own.look(), own.look(), own.changed) == (changed, None, True)
    file.unlink()
    assert (own.look(), own.changed) == (None, True)
    file.write_text(_TEXT, encoding="utf-8")
    assert (own.look(), own.look(), own.changed) == (back, None, False)


def test_children_read_what_the_agent_read(configuration: Configuration) -> None:
    """Half of a file that is being written would allow more than the whole; paths start from where it is."""
    order = Order(configuration=configuration, task=Task.SURVEY, key=key(), revision="r1")
    words = order.arguments
    file, kept = (Path(words[words.index(each) + 1]) for each in ("--config", "--as-read"))
    keep_as_read(configuration)
    for change in (_TEXT[:50], "repositories: [", None):
        file.unlink()
        if change is not None:
            file.write_text(change, encoding="utf-8")
        assert load_configuration(file, Settings.read(), as_read=kept) == configuration


def test_what_children_read_is_written_when_it_is_not_there(configuration: Configuration) -> None:
    """Another agent had the directory before, or somebody removed it; without room for it nothing is begun."""
    kept = as_read_of(configuration)
    kept.write_text("version: 2\n", encoding="utf-8")
    keep_as_read(configuration)
    assert kept.read_bytes() == configuration.said
    assert [each.name for each in kept.parent.iterdir()] == [kept.name]
    kept.unlink()
    kept.mkdir()  # as good as no room
    with pytest.raises(StorageError):
        keep_as_read(configuration)
    assert [each.name for each in kept.parent.iterdir()] == [kept.name]
