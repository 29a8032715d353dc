"""Where the Gitea of the tests comes from: built once from the Go module proxy, and kept in the cache."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program
from orchestrator.sandbox.programs.toolchain import find_go
from orchestrator.settings import Settings
from tests.built import built_for_tests, tell

_SOURCES: Final = Path(__file__).with_name("golang") / "gitea"
_MODULE: Final = "code.gitea.io/gitea"
GITEA: Final = Program(
    name="gitea",
    title="Gitea",
    sources=_SOURCES,
    package=_MODULE,
    tags=("sqlite", "sqlite_unlock_notify"),
    in_c=True,  # SQLite is
)


@cache
def gitea_program() -> Path:
    """Return the program, built first when there is none; that takes some minutes."""
    return built_for_tests(GITEA)


@cache
def gitea_assets() -> Path:
    """Return the folder that has the program's templates: that of its module."""
    go = find_go(Settings.read(), on_progress=tell, stop=Stop())
    command = go.command(("mod", "download", "-json", _MODULE), directory=_SOURCES)
    ended = subprocess.run(
        command.argv, cwd=_SOURCES, env=go.environment, capture_output=True, text=True, check=True
    )
    return Path(json.loads(ended.stdout)["Dir"])
