"""Every example of the documentation does what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.docs.console import environment, matches, run
from tests.docs.pages import PAGES, blocks
from tests.git import git

_RUNNABLE = [page for page in PAGES if any("run" in block.marks for block in blocks(page))]


@pytest.mark.integration
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", _RUNNABLE)
def test_the_commands_of_a_page_say_what_it_shows(
    page: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    """Typed one after the other in a new repository, they end and speak as the page says."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet", "--initial-branch=main")

    ended = run(blocks(page), checkout, environment(tmp_path, sandbox.directory))

    for position, (step, result) in enumerate(ended):
        said = (
            f"{step.block.title}: $ {step.command}\n{result.stdout}{result.stderr}[{result.code}]"
        )
        asked = position + 1 < len(ended) and ended[position + 1][0].asks_for_the_code
        assert asked or result.code == 0, said
        assert matches(step, result), f"{said}\n--- the page shows:\n{step.shown}"
