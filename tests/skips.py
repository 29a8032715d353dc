"""A pytest plugin: where nobody reads the output, a skipped test is a failed run.

A test that needs an outside thing skips itself where that thing cannot be had, which is a help to a
person and a hole in a pipeline. With CI or ORCHESTRATOR_REFUSE_SKIPS set to 1 or true, a run with a
skipped test ends with an exit code of 1. A test marked `download` needs what no package registry
has (a Terraform provider); its skip does not fail the run. Every skip is named at the end, always.
"""

from __future__ import annotations

import os

import pytest

_SWITCHES = ("CI", "ORCHESTRATOR_REFUSE_SKIPS")


def pytest_configure(config: pytest.Config) -> None:
    """Watch for skipped tests in the process that reports, not in its workers."""
    if not hasattr(config, "workerinput"):
        refusing = any(os.environ.get(name, "").lower() in {"1", "true"} for name in _SWITCHES)
        config.pluginmanager.register(_Skips(refusing=refusing), "skips")


class _Skips:
    """Collects what was skipped, says so, and fails the run for it if it is to."""

    def __init__(self, *, refusing: bool) -> None:
        self._refusing = refusing
        self._tolerated: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test; one that fails as expected is not skipped."""
        if report.skipped and not hasattr(report, "wasxfail"):
            tolerated = not self._refusing or "download" in report.keywords
            kept = self._tolerated if tolerated else self._refused
            kept[report.nodeid] = _reason(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that skipped itself as a whole."""
        if report.skipped:
            kept = self._refused if self._refusing else self._tolerated
            kept[report.nodeid] = _reason(report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn success into failure."""
        if self._refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was not tested, and whether the run failed for it."""
        sections = {
            "NOT TESTED on this machine": self._tolerated,
            "REFUSED: tests were skipped": self._refused,
        }
        for title, skipped in sections.items():
            if skipped:
                terminalreporter.section(title, red=True)
            for test, reason in sorted(skipped.items()):
                terminalreporter.line(f"{test}: {reason}")


def _reason(longrepr: object) -> str:
    text = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
    return text.removeprefix("Skipped: ")
