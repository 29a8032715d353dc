"""The runs of pytest that decide a landing, and what they make of a skipped test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIGURATION = "[pytest]\nmarkers =\n    download: needs what no package registry has\n"
PASSES = "def test_passes():\n    pass\n"
SKIPS = "import pytest\n\ndef test_skips():\n    pytest.skip('no cluster here')\n"
DOWNLOADS = "import pytest\n\n@pytest.mark.download\n" + SKIPS.removeprefix("import pytest\n\n")
SKIPS_AS_A_FILE = "import pytest\n\npytest.skip('not on this machine', allow_module_level=True)\n"
XFAILS = "import pytest\n\n@pytest.mark.xfail\ndef test_fails():\n    raise ValueError\n"


def run(directory: Path, *tests: str, workers: int = 0, **switches: str) -> tuple[int, str]:
    """Run files with these texts by a pytest of its own; give its exit code and output."""
    (directory / "pytest.ini").write_text(CONFIGURATION)
    for number, text in enumerate((PASSES, *tests)):
        (directory / f"test_{number}.py").write_text(text)
    kept = {"PATH", "HOME"} & os.environ.keys()
    environment = {name: os.environ[name] for name in kept} | switches
    distribution = ("-p", "xdist", f"-n{workers}") if workers else ()
    result = subprocess.run(
        (sys.executable, "-m", "pytest", "-p", "tests.skips", *distribution, str(directory)),
        check=False,
        cwd=directory,
        env={
            **environment,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # which takes most of the time of such a run
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize(("switch", "workers"), [("CI", 2), ("ORCHESTRATOR_REFUSE_SKIPS", 0)])
def test_a_skipped_test_fails_a_run_that_refuses_skips(
    tmp_path: Path, switch: str, workers: int
) -> None:
    """In a pipeline a skipped test is a failed run that names the test and its reason."""
    code, output = run(tmp_path, SKIPS, workers=workers, **{switch: "true"})

    assert code == 1
    assert "REFUSED: tests were skipped" in output
    assert "test_1.py::test_skips: no cluster here" in output


def test_a_skipped_file_fails_a_run_that_refuses_skips(tmp_path: Path) -> None:
    """A file that skips itself is no way around the rule."""
    code, output = run(tmp_path, SKIPS_AS_A_FILE, CI="1")

    assert code == 1
    assert "test_1.py: not on this machine" in output


def test_a_skipped_test_is_named_where_skips_are_allowed(tmp_path: Path) -> None:
    """A person is told what was not tested, and the run succeeds."""
    code, output = run(tmp_path, SKIPS, CI="false")

    assert code == 0
    assert "NOT TESTED on this machine" in output
    assert "test_1.py::test_skips: no cluster here" in output


def test_a_test_that_needs_a_download_may_be_skipped_loudly(tmp_path: Path) -> None:
    """What no package registry has is not demanded of a machine, but its absence is said."""
    code, output = run(tmp_path, DOWNLOADS, CI="1")

    assert code == 0
    assert "NOT TESTED on this machine" in output


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    """An expected failure did run, though pytest reports it as skipped."""
    code, output = run(tmp_path, XFAILS, CI="1")

    assert code == 0
    assert "REFUSED" not in output
