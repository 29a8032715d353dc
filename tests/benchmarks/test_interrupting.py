"""A run of the benchmarks that is asked to end takes down what it started."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.running import ROOT

_SCRIPT = """\
import sys, time, types
from pathlib import Path

from benchmarks import __main__ as command

mark = Path(sys.argv.pop())


def rows(bench):
    try:
        print("started", flush=True)
        time.sleep(60)
        yield
    finally:
        mark.touch()


sys.modules["benchmarks.slow"] = types.SimpleNamespace(rows=rows)
command.MODULES = ("slow",)
sys.exit(command.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_started_is_taken_down(number: signal.Signals, tmp_path: Path) -> None:
    """Also by a signal that ends a Python program at once otherwise."""
    mark = tmp_path / "taken-down"
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, mark],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        _, said = process.communicate()
    assert (process.returncode, mark.exists()) == (130, True)
    assert said.endswith("interrupted: what was measured before is kept\n")
