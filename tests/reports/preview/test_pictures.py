"""Pictures of comments show what a forge would: the page that is photographed, without the browser."""

from pathlib import Path

import pytest

from tools.pictures import page_of

_GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("file", sorted(_GOLDEN.glob("*.md")), ids=lambda file: file.stem)
def test_a_picture_shows_headline_and_opened_sections(file: Path) -> None:
    """No Markdown is left as it was written, and each section is there closed and opened."""
    comment = file.read_text(encoding="utf-8")

    page = page_of(comment)

    assert "\n###" not in page
    assert "```diff" not in page
    assert page.count("<details open>") == comment.count("<details>")
    assert ('class="changed"' in page) == any(
        line.startswith("! ")
        for block in comment.split("```diff")[1:]
        for line in block.split("\n")
    )
