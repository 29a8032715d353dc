"""What reading costs: a handful of Git processes, however large the repository is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[2]
READ = (
    "import sys; from pathlib import Path; from time import perf_counter\n"
    "from orchestrator.ledger.stores.git import GitStore\n"
    "from orchestrator.plans.objects import Owner\n"
    "from orchestrator.repository.repository import open_repository\n"
    "from orchestrator.repository.library import git_in\n"
    "git_in('.')  # imports GitPython\n"
    "started = perf_counter()\n"
    "repository = open_repository(Path(sys.argv[1]))\n"
    "repository.export(repository.working_revision())\n"
    "owner = Owner(stack='shop', environment='production')\n"
    "GitStore(owner, repository.plumbing(), remote=None, is_dead=lambda holder: False).read()\n"
    "print(perf_counter() - started)\n"
)


def test_reading_costs_a_handful_of_git_processes(checkout: Path, tmp_path: Path) -> None:
    """Opening, dirty check, revision with a tree that is there, the ledger: four."""
    _read(checkout, tmp_path / "first")
    seconds = [_read(checkout, tmp_path / f"trace-{number}") for number in range(5)]
    assert _processes(tmp_path / "trace-0") == ["rev-parse", "status", "cat-file", "cat-file"]
    # 15 ms on an idle machine; the others may keep all cores busy meanwhile, so that it is a comparison.
    assert min(seconds) < 3 * min(_bare_processes(checkout, 5) for _ in range(5))


def _read(checkout: Path, trace: Path) -> float:
    done = subprocess.run(
        (sys.executable, "-c", READ, str(checkout)),
        env={**os.environ, "PYTHONPATH": str(ROOT), "GIT_TRACE2_EVENT": str(trace)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout)


def _bare_processes(checkout: Path, number: int) -> float:
    started = perf_counter()
    for _ in range(number):
        subprocess.run(
            ("git", "rev-parse", "--git-dir"), cwd=checkout, capture_output=True, check=True
        )
    return perf_counter() - started


def _processes(trace: Path) -> list[str]:
    events = map(json.loads, trace.read_text(encoding="utf-8").splitlines())
    return [event["name"] for event in events if event["event"] == "cmd_name"]
