"""What the printed Deployment and its budget allow is what the agent may come to."""

from pathlib import Path
from typing import Any

import yaml

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.decisions.agenda import Agenda, Item, Key, Task, chosen
from orchestrator.agent.installing.gathering import installation
from orchestrator.agent.installing.manifests import manifests, written
from orchestrator.agent.patrols import Patrols
from orchestrator.settings import Settings
from tests.agent.builders import NOW, key

_TEXT = """
version: 1
listen: 0.0.0.0:8080
directory: /var/lib/orchestrator/agent
workers: 3
limits: {memory: 1GiB}
repositories:
  a: {url: https://git.example.org/a.git}
  b: {url: https://git.example.org/b.git}
"""


def _configuration(folder: Path) -> Configuration:
    file = folder / "agent.yaml"
    file.write_text(_TEXT, encoding="utf-8")
    return load_configuration(file, Settings.read())


def _printed(configuration: Configuration) -> dict[str, Any]:
    wanted = installation(
        configuration, [], file=_TEXT, image="i", placed=("agents", 1), monitored=False
    )
    documents = yaml.safe_load_all(written(manifests(wanted)))
    return {each["kind"]: each for each in documents}


def test_there_is_memory_for_all_children_at_once(tmp_path: Path) -> None:
    """As many as there are when everything is due in all repositories, each with all that it may take."""
    configuration = _configuration(tmp_path)
    begun = list(chosen(_everything_due(), NOW, workers=configuration.workers))
    looks = {each: Item(key=each, look=0.0, revision="r1") for each in _keys()}
    _, patrols = Patrols(configuration=configuration).sent(looks, NOW, lot=0.5)
    assert len(begun) + len(patrols) == configuration.children == 8
    (container,) = _printed(configuration)["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == f"{512 + 8 * 1024}Mi"


def _keys() -> list[Key]:
    stacks = [key(f"s{number}", name) for name in "ab" for number in range(9)]
    return [*(Key(repository=name) for name in "ab"), *stacks]


def _everything_due() -> Agenda:
    return {
        each: Item(key=each, due={Task.RECONCILE: NOW} if each.stack else {}, urgent=True)
        for each in _keys()
    }


def test_who_is_not_ready_keeps_no_node(tmp_path: Path) -> None:
    """Replicas that miss Git do nothing that a drain would break off."""
    budget = _printed(_configuration(tmp_path))["PodDisruptionBudget"]["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
