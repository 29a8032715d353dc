"""What a child of the agent may take, how it is ended, and what is told of one that did not end by itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from orchestrator.agent import verdicts
from orchestrator.agent.children import Children, Result, carry_out
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.decisions.agenda import Task
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.agent.work.order import Order
from orchestrator.processes import Command, Completed, Limits, Stop
from orchestrator.processes.forking import Forks
from orchestrator.settings import Settings
from tests.agent.builders import key

_TEXT = """
version: 1
directory: kept
repositories: {a: {url: /nowhere}}
limits: {time: 90s, memory: 512MiB, grace: 7s}
"""
_DONE = Completed(code=0, stdout="", stderr="")
_LONG = "it took longer than the 90 seconds that one run may take"
_MUCH = "it took more than the 512 MiB of memory that one run may take"


@dataclass
class _Asked:
    """Stands in for what forks, and keeps within which limits."""

    done: Completed = _DONE
    limits: list[Limits] = field(default_factory=list)

    def run(self, command: Command, *, limits: Limits, stop: Stop) -> Completed:
        assert command.argv
        assert not stop.requested
        self.limits.append(limits)
        return self.done


def _carry_out(folder: Path, asked: _Asked) -> Result:
    (folder / "agent.yaml").write_text(_TEXT, encoding="utf-8")
    configuration = load_configuration(folder / "agent.yaml", Settings.read())
    configuration.directory.mkdir()
    order = Order(configuration=configuration, task=Task.RECONCILE, key=key(), revision="r1")
    children = Children(settings=Settings.read(), forks=cast("Forks", asked))
    return carry_out(order, children, Stop())


def test_a_child_has_time_to_kill_what_it_started(tmp_path: Path) -> None:
    """It leaves its own Terraform some seconds after the second request, counted from a moment later than ours."""
    asked = _Asked()
    _carry_out(tmp_path, asked)
    (limits,) = asked.limits
    assert (limits.timeout, limits.memory, limits.grace) == (90.0, 512 * 1024**2, 7.0)
    assert limits.second_grace >= Limits().second_grace + 3.0


@pytest.mark.parametrize(
    ("done", "end", "message"),
    [
        (replace(_DONE, code=-9, timed_out=True), End.FAILED, _LONG),
        (replace(_DONE, code=-9, exceeded=True), End.FAILED, _MUCH),
        (
            replace(_DONE, code=-9),
            End.FAILED,
            "it was killed, as a system does that runs out of memory",
        ),
        (replace(_DONE, code=-11), End.FAILED, "it was ended by signal 11"),
        (replace(_DONE, code=1, stderr="one\ntwo\n\n"), End.FAILED, "two"),
        (replace(_DONE, code=1), End.FAILED, "it ended with 1 and said nothing"),
        (
            replace(_DONE, code=-9, interrupted=True),
            End.INTERRUPTED,
            "it was stopped before it had ended",
        ),
    ],
)
def test_a_child_that_says_nothing_has_failed(
    tmp_path: Path, done: Completed, end: End, message: str
) -> None:
    """Whatever befell it is one end of its task, with why; only one that was told to stop is none of its doing."""
    verdict = _carry_out(tmp_path, _Asked(done)).verdict
    assert verdict
    assert (verdict.end, verdict.message, verdict.revision) == (end, message, "r1")


@pytest.mark.parametrize(
    ("ended", "message"),
    [
        (replace(_DONE, code=130, timed_out=True), _LONG),
        (replace(_DONE, code=130, exceeded=True), _MUCH),
    ],
)
@pytest.mark.parametrize(
    ("said", "end"),
    [
        (End.INTERRUPTED, End.FAILED),
        (End.FAILED, End.FAILED),
        (End.OVERTAKEN, End.OVERTAKEN),
        (End.APPLIED, End.APPLIED),
    ],
)
def test_a_child_that_took_too_much_has_failed(
    tmp_path: Path, ended: Completed, message: str, said: End, end: End
) -> None:
    """It was told to stop, says so, and cannot know why; what it did is kept, and what it ended well counts."""
    verdict = Verdict(end=said, message="apply was stopped", done="1 created", entry="e1")
    done = replace(ended, stdout=verdicts.encode(verdict))
    found = _carry_out(tmp_path, _Asked(done)).verdict
    assert found
    assert (found.end, found.done, found.entry) == (end, "1 created", "e1")
    if end is End.FAILED:
        assert (found.message, found.detail) == (message, "apply was stopped")
        assert "`limits` in the agent's file" in found.hint
    else:
        assert found == verdict
