"""What texts were found to say is kept, and reading them again says the same."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack
from orchestrator.stack.parses import remembered
from orchestrator.stack.yaml import YamlDocument, parse

TEXT = "\ufeffkind: A\na: &x [1, 2.5, true, null]\nb: *x\n---\nkind: B\nc: '\U0001f600 ${{ vars.x }}'\n"
CHANGED = "a: 2\n"


def test_what_is_remembered_is_what_was_read(tmp_path: Path) -> None:
    """Values, places and texts of every document are the same, whichever way they came."""
    memory = tmp_path / "memory" / "set.json"
    for _ in range(2):
        with remembered(memory) as parses:
            found = parses.read(TEXT, "file.yaml")
        assert _said(found) == _said(parse(TEXT, "file.yaml"))
        assert found[1].place(("c",), within="vars.x") == parse(TEXT, "file.yaml")[1].place(
            ("c",), within="vars.x"
        )


def test_only_what_was_read_last_is_kept(tmp_path: Path) -> None:
    """A changed file is read anew, and what it said before is kept no longer."""
    memory = tmp_path / "set.json"
    for text in (TEXT, CHANGED):
        with remembered(memory) as parses:
            assert parses.read("x: 1\n", "other.yaml")[0].value == {"x": 1}
            parses.read(text, "file.yaml")

    assert len(json.loads(memory.read_bytes())["texts"]) == 2


def _said(documents: tuple[YamlDocument, ...]) -> list[tuple[object, ...]]:
    return [(each.value, each.source.text, each.start, each.end) for each in documents]


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    """That is what it is kept for: here the memory is made to say something else."""
    memory = tmp_path / "set.json"
    with remembered(memory) as parses:
        parses.read(CHANGED, "file.yaml")
    memory.write_bytes(memory.read_bytes().replace(b'"a":2', b'"a":7'))

    with remembered(memory) as parses:
        (document,) = parses.read(CHANGED, "file.yaml")
    assert document.value == {"a": 7}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"reader":"0/0","texts":{}}'])
def test_a_memory_that_cannot_be_used_costs_nothing(tmp_path: Path, content: bytes) -> None:
    """Damaged, or of another version: the texts are read anew."""
    memory = tmp_path / "set.json"
    memory.write_bytes(content)
    with remembered(memory) as parses:
        assert _said(parses.read(CHANGED, "file.yaml")) == _said(parse(CHANGED, "file.yaml"))


def test_a_mistake_is_told_each_time(tmp_path: Path) -> None:
    """A text with a mistake says nothing that could be kept."""
    for _ in range(2):
        with remembered(tmp_path / "set.json") as parses, pytest.raises(InvalidStack):
            parses.read("a: 1\na: 2\n", "file.yaml")
