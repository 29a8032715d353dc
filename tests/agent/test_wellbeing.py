"""Whether the agent is ready: what this process can do, and not what is wrong with one repository of many."""

from pathlib import Path

import pytest

from orchestrator.agent.configuration.model import Configuration, Repository
from orchestrator.agent.loop import Loop
from orchestrator.agent.wellbeing import Wellbeing
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from tests.agent.happenings import looked


@pytest.fixture
def wellbeing(tmp_path: Path) -> Wellbeing:
    """Return that of an agent with two repositories, of which it has asked none."""
    repositories = {name: Repository(name=name, url="/nowhere") for name in ("acme", "shop")}
    configuration = Configuration(
        file=tmp_path / "agent.yaml",
        name="keeper",
        directory=tmp_path,
        repositories=repositories,
    )
    loop = Loop(configuration=configuration, settings=Settings.read(), stop=Stop(), listeners=[])
    return Wellbeing(loop=loop)


def _ready(wellbeing: Wellbeing) -> tuple[int, str]:
    answer = wellbeing.ready()
    return answer.status, answer.text


def test_it_is_ready_once_somebody_answered(wellbeing: Wellbeing) -> None:
    """Not before, and not while nobody answers; one that does is enough, and the others are named."""
    assert _ready(wellbeing) == (503, "acme: not asked yet\nshop: not asked yet\n")
    wellbeing.listen(looked("it is away"))
    assert _ready(wellbeing) == (503, "acme: does not answer\nshop: not asked yet\n")
    wellbeing.listen(looked(name="shop"))
    assert _ready(wellbeing) == (200, "ok\nacme: does not answer\n")
    wellbeing.listen(looked())
    assert _ready(wellbeing) == (200, "ok\n")
    wellbeing.loop.file.look()  # there is none
    assert _ready(wellbeing) == (200, "ok\nthe agent's file was changed: start it anew\n")
    wellbeing.loop.file.changed = False
    for name in ("acme", "shop"):
        wellbeing.listen(looked("it is away", name=name))
    assert _ready(wellbeing) == (503, "acme: does not answer\nshop: does not answer\n")


def test_a_branch_that_is_missing_was_told_by_git(wellbeing: Wellbeing) -> None:
    """Whoever deletes a branch has reached nobody's readiness, not even where it is the only one."""
    for name in ("acme", "shop"):
        wellbeing.listen(looked("there is no branch main", name=name, reached=True))
    assert _ready(wellbeing) == (200, "ok\nacme: has no such branch\nshop: has no such branch\n")
