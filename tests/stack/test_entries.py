"""One unit's entry of a stack file, brought back as lines, with nothing else touched."""

import pytest

from orchestrator.stack.entries import with_entry
from orchestrator.stack.model import UnitId

NETWORK = UnitId("modules.network")
THEN = """\
version: 1
name: shop
modules:
  network:
    source: ./modules/network   # pinned
    inputs:
      text: |
        # no comment

        a text
  database: {source: ./modules/database}
manifests:
  shop: {path: shop}
"""
NOW = """\
version: 1
name: shop
vars: {size: 2}
modules:
  # what all need
  network: {source: ./modules/other}

  # the data
  database: {source: ./modules/database, protect: true}
manifests:
  shop: {path: elsewhere}
"""


def test_an_entry_comes_back_with_its_lines_and_nothing_else_does() -> None:
    """Comments, blank lines and the other units stay as they are now."""
    assert with_entry(NOW, THEN, NETWORK) == NOW.replace(
        "  network: {source: ./modules/other}\n",
        "  network:\n    source: ./modules/network   # pinned\n    inputs:\n      text: |\n"
        "        # no comment\n\n        a text\n",
    )


def test_a_unit_that_was_not_there_goes_and_one_that_is_gone_comes_back() -> None:
    """At the end of its section, which is made or removed with it."""
    assert with_entry(THEN, NOW, UnitId("manifests.shop")) == THEN.replace(
        "path: shop", "path: elsewhere"
    )
    without = with_entry(THEN, "version: 1\nname: shop\n", UnitId("manifests.shop"))
    assert without == THEN[: THEN.index("manifests:")]
    assert with_entry(without, THEN, UnitId("manifests.shop")) == THEN
    fewer = with_entry(NOW, "version: 1\n", NETWORK)
    assert fewer == NOW.replace("  network: {source: ./modules/other}\n", "")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("modules: {network: {source: ./a}}\n", "modules: {network: {source: ./b}}\n"),
        ("modules:\n  network: &n {source: ./a}\n  other: *n\n", THEN),
        (
            "modules:\n  network: &n {source: ./a}\n  other: *n\n",
            "modules:\n  network: &n {source: ./b}\n",
        ),
        (
            "modules:\n  network: &n {source: ./a}\nvars: *n\n",
            "modules:\n  network: &n {source: ./b}\n",
        ),
        (NOW, "x: &x {source: ./b}\nmodules:\n  network: *x\n"),
        (NOW, "modules: [\n"),
        ("modules:\n    network: {source: ./a}\n    other: {source: ./b}\n", THEN),
    ],
)
def test_what_cannot_be_exchanged_line_by_line_is_not(text: str, source: str) -> None:
    """Units in one line, aliases, other indentation, files that cannot be read: nothing is guessed."""
    assert with_entry(text, source, NETWORK) is None
