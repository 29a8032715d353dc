"""What the benchmark of the agent stands on: what its log tells, and stacks in which one object changes."""

from __future__ import annotations

from pathlib import Path

from benchmarks import agent
from benchmarks.agents import applied, timeline

_TOLD = [
    {"event": "task started", "task": "reconcile", "timestamp": "2026-01-01T00:00:01.5Z"},
    {
        "event": "task ended",
        "task": "reconcile",
        "end": "applied",
        "revision": "0123456789",
        "timestamp": "2026-01-01T00:00:02Z",
    },
    {"event": "task ended", "end": "failed", "revision": "0123456789"},
    {"event": "task ended", "end": "applied", "revision": "abcdef0123"},
]


def test_what_was_applied_is_told_by_revision() -> None:
    """Of what ended, that counts which applied this very revision."""
    assert applied(_TOLD, "0123456789abcdef") == 1
    assert applied(_TOLD, "ffff456789abcdef") == 0


def test_what_was_told_when_counts_from_the_webhook() -> None:
    """The times of a log are those of the day, and are told in seconds since another one."""
    first, second = timeline(_TOLD[:2], since=1767225600.0)
    assert first.strip() == "1.500 s  task started reconcile"
    assert second.strip() == "2.000 s  task ended reconcile"


def test_one_object_of_one_stack_changes(tmp_path: Path) -> None:
    """There are as many objects in each stack as are promised, and one of them is of the round."""
    agent._write_many(tmp_path, "before")  # noqa: SLF001  what it writes is the point
    files = {file: file.read_text() for file in tmp_path.rglob("*.yaml")}
    agent._write_stack(tmp_path, "stack-07", "after")  # noqa: SLF001  the same

    changed = [file.name for file, text in files.items() if file.read_text() != text]
    assert changed == ["settings-01.yaml"]
    assert len([*tmp_path.glob("stacks/stack-07/objects/*")]) == 40
    assert len([*tmp_path.glob("stacks/*/stack.yaml")]) == 50
