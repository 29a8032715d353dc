"""What the agent's log says is what its page says."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

_TOLD = re.compile(
    r'(?:log\.(?:tell|trouble|logger\(\)\.error)|_about|complaints\.tell)\(\s*"([^"]+)"'
)


def test_every_phrase_is_documented() -> None:
    """A phrase that code logs stands in the table, and the table has no other."""
    page = (ROOT / "docs" / "agent.md").read_text(encoding="utf-8")
    table = page.partition("## The log")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = {phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)}
    files = [*(ROOT / "orchestrator" / "agent").rglob("*.py"), ROOT / "orchestrator/cli/agent.py"]
    told = {each for file in files for each in _TOLD.findall(file.read_text(encoding="utf-8"))}
    assert documented - {"event"} == told
