"""What a child of the agent may take, and how it is ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from orchestrator.agent.children import Children
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.decisions.agenda import Task
from orchestrator.agent.work.order import Order
from orchestrator.processes import Command, Completed, Limits, Stop
from orchestrator.processes.forking import Forks
from orchestrator.settings import Settings
from tests.agent.builders import key

_TEXT = "version: 1\ndirectory: kept\nrepositories: {a: {url: /nowhere}}\nlimits: {grace: 7s}\n"


@dataclass
class _Asked:
    """Stands in for what forks, and keeps within which limits."""

    limits: list[Limits] = field(default_factory=list)

    def run(self, command: Command, *, limits: Limits, stop: Stop) -> Completed:
        self.limits.append(limits)
        return Completed(code=0, stdout=" ".join(command.argv), stderr=str(stop.requests))


def test_a_child_has_time_to_kill_what_it_started(tmp_path: Path) -> None:
    """It leaves its own Terraform some seconds after the second request, counted from a moment later than ours."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "agent.yaml").write_text(_TEXT, encoding="utf-8")
    configuration = load_configuration(tmp_path / "agent.yaml", Settings.read())
    order = Order(configuration=configuration, task=Task.SURVEY, key=key(), revision="r1")
    asked = _Asked()
    Children(settings=Settings.read(), forks=cast("Forks", asked)).run(order, Stop())
    (limits,) = asked.limits
    assert limits.grace == 7.0
    assert limits.second_grace >= Limits().second_grace + 3.0
