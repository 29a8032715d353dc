"""A pytest plugin: where nobody reads the output, a skipped test is a failed run.

A test that needs an outside thing skips itself where that thing cannot be had, which is a help to a
person and a hole in a pipeline. With CI or ORCHESTRATOR_REFUSE_SKIPS set to 1 or true, a run with a
skipped test ends with an exit code of 1 and names each of them.
"""

from __future__ import annotations

import os

import pytest

_REFUSING = any(
    os.environ.get(name, "").lower() in {"1", "true"}
    for name in ("CI", "ORCHESTRATOR_REFUSE_SKIPS")
)


def pytest_configure(config: pytest.Config) -> None:
    """Start the list of skipped tests; it is kept by the process that reports, not by workers."""
    is_worker = hasattr(config, "workerinput")
    if _REFUSING and not is_worker:
        config.pluginmanager.register(_Refusal(), "refused-skips")


class _Refusal:
    """Collects what was skipped, fails the run for it and says so at its end."""

    def __init__(self) -> None:
        self._skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test; one that fails as expected is not skipped."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = _reason(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that skipped itself as a whole."""
        if report.skipped:
            self._skipped[report.nodeid] = _reason(report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn success into failure."""
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was skipped, and why the run failed."""
        if not self._skipped:
            return
        terminalreporter.section("refused: skipped tests", red=True)
        for test, reason in sorted(self._skipped.items()):
            terminalreporter.line(f"{test}: {reason}")


def _reason(longrepr: object) -> str:
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
