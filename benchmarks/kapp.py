"""The kapp that ours is measured beside where it is about waiting: kubectl does not wait, and kapp always does."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings

KAPP = Program(
    name="kapp",
    title="kapp 0.64.2",
    sources=Path(__file__).with_name("golang") / "kapp",
    package="carvel.dev/kapp/cmd/kapp",
)


def find_kapp(settings: Settings) -> Path:
    """Return the kapp that is pinned here, built first when that was not done; raises SandboxError."""
    return built(KAPP, settings, on_progress=_tell, stop=Stop())


def _tell(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
