"""The agent's directory: one agent at a time, and what it keeps there."""

from pathlib import Path

import pytest

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.decisions.agenda import Item
from orchestrator.agent.memory import own_directory
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.errors import Locked
from orchestrator.settings import Settings
from tests.agent.builders import key

_TEXT = "version: 1\ndirectory: kept\nrepositories: {a: {url: /nowhere}}\n"


def test_one_agent_at_a_time(tmp_path: Path) -> None:
    """A second one in the same directory is refused at once; it is free again when the first has ended."""
    (tmp_path / "agent.yaml").write_text(_TEXT, encoding="utf-8")
    configuration = load_configuration(tmp_path / "agent.yaml", Settings.read())
    with (
        own_directory(configuration),
        pytest.raises(Locked, match="another agent works in"),
        own_directory(configuration),
    ):
        pass
    with own_directory(configuration):
        pass


def test_what_is_kept_goes_with_the_file(tmp_path: Path) -> None:
    """What one agent knew the next one knows, unless it is told something else, or what is kept was damaged."""
    file = tmp_path / "agent.yaml"
    file.write_text(_TEXT, encoding="utf-8")
    configuration = load_configuration(file, Settings.read())
    item, verdict = Item(key=key(), content="c1"), Verdict(end=End.APPLIED)
    with own_directory(configuration) as memory:
        assert memory.recall(longest=60) == ({}, {})
        memory.keep({item.key: item}, {item.key: verdict})
        assert memory.recall(longest=60)[0] == {item.key: item}
    file.write_text(f"{_TEXT}workers: 2\n", encoding="utf-8")
    with own_directory(configuration) as memory:  # it was read before
        assert memory.recall(longest=60)[0] == {item.key: item}
    with own_directory(load_configuration(file, Settings.read())) as memory:
        assert memory.recall(longest=60) == ({}, {})
    kept = tmp_path / "kept" / "agenda.json"
    kept.write_bytes(kept.read_bytes()[:50])
    with own_directory(configuration) as memory:
        assert memory.recall(longest=60) == ({}, {})
