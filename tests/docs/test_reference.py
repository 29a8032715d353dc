"""What code knows best is written by code, and is up to date."""

from __future__ import annotations

import json

from tools.reference import DOCS, PARTS, SCHEMAS, written


def test_the_generated_parts_are_what_code_says() -> None:
    """After a change of keys, verbs, errors or shapes, `make docs` has nothing left to write."""
    for file, text in written().items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name} is out of date: make docs"


def test_every_part_stands_in_one_page() -> None:
    """A part that no page has would be written for nobody."""
    pages = "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("*.md"))
    for name in PARTS:
        assert pages.count(f"<!-- begin {name}, written by `make docs` -->") == 1, name
        assert pages.count(f"<!-- end {name} -->") == 1, name


def test_the_schemas_are_json_that_editors_can_read() -> None:
    """A schema file names its dialect and describes every key of the first level."""
    for name in SCHEMAS:
        schema = json.loads((DOCS / name).read_text(encoding="utf-8"))
        assert schema["$schema"].startswith("http://json-schema.org/draft-07")
        assert all("description" in key for key in schema["properties"].values())
