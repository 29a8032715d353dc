"""Which files are stacks where the settings of the repository cannot be read as a whole."""

from pathlib import Path

import pytest

from orchestrator.stack.project import patterns_in

_USUAL = ("stack.yaml", "stacks/*/stack.yaml")


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("nonsense: 1\nstacks: [apps/*/stack.yaml]\n", ("apps/*/stack.yaml",)),
        ("nonsense: 1\n", _USUAL),
        ("nonsense: 1\nstacks: {a: b}\n", None),
        ("nonsense: 1\nstacks: [/etc/*]\n", None),
        ("nonsense: 1\nstacks: [../*]\n", None),
        ("stacks: [\n", None),
    ],
)
def test_what_can_be_read_of_broken_settings_says_what_is_a_stack(
    tmp_path: Path, text: str, patterns: tuple[str, ...] | None
) -> None:
    """Where nothing is named the usual ones hold; a pattern that leaves the repository is none."""
    (tmp_path / "orchestrator.yaml").write_text(text, encoding="utf-8")
    assert patterns_in(tmp_path) == patterns
