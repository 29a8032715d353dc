"""What the benchmark of comments stands on: repositories in which just so much changes."""

from __future__ import annotations

from pathlib import Path

from benchmarks import comment


def _files(directory: Path) -> dict[str, str]:
    return {
        file.relative_to(directory).as_posix(): file.read_text()
        for file in directory.rglob("*")
        if file.is_file()
    }


def test_one_module_and_two_objects_change(tmp_path: Path) -> None:
    """Three changes of a thousand objects and ten modules."""
    comment._write_big(tmp_path, changed=0)  # noqa: SLF001  what it writes is the point
    before = _files(tmp_path)
    comment._write_big(tmp_path, changed=3)  # noqa: SLF001  the same
    after = _files(tmp_path)

    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"stacks/big/stack.yaml", "stacks/big/objects/app-00000.yaml"}
    assert after["stacks/big/stack.yaml"].count("text: new") == 1
    assert after["stacks/big/objects/app-00000.yaml"].count('"2.0"') == 2


def test_one_stack_of_many_is_touched(tmp_path: Path) -> None:
    """They share a module, and none of the others is any different."""
    comment._write_many(tmp_path, "before")  # noqa: SLF001  the same
    before = _files(tmp_path)
    comment._write_many(tmp_path, "after")  # noqa: SLF001  the same
    after = _files(tmp_path)

    assert {name for name in after if after[name] != before[name]} == {"stacks/stack-07/texts.yaml"}
    assert len([name for name in after if name.endswith("stack.yaml")]) == 50
