"""A first apply that died: what is known of what it made, when its state is empty."""

from pathlib import Path

import pytest

from orchestrator.infrastructure.layout.beginnings import (
    lock_info,
    made_first,
    never_written,
    noting_first,
)
from orchestrator.infrastructure.layout.private import make_private
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeDone, Event
from orchestrator.stack.model import UnitId
from tests.infrastructure.ground import Ground


@pytest.fixture
def workspace(ground: Ground) -> Workspace:
    """Return a workspace with an empty state that was locked."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    make_private(workspace.home)
    make_private(_state(workspace).parent)
    _state(workspace).touch()
    lock_info(_state(workspace)).touch()
    return workspace


def _state(workspace: Workspace) -> Path:
    assert workspace.local_state is not None
    return workspace.local_state


def _done(name: str, action: Action = Action.CREATE) -> Event:
    return ChangeDone(unit=UnitId("modules.echo"), name=name, action=action)


@pytest.mark.integration
def test_the_first_thing_that_is_made_is_noted(workspace: Workspace) -> None:
    """What is read makes nothing; every event is handed on."""
    heard: list[Event] = []
    listen = noting_first(workspace, heard.append)

    listen(_done("data.x.y", Action.READ))
    assert made_first(workspace) == ""
    listen(_done("x.one"))
    listen(_done("x.two"))

    assert made_first(workspace) == "x.one"
    assert len(heard) == 3


@pytest.mark.integration
def test_a_note_goes_when_there_is_a_state(workspace: Workspace) -> None:
    """With a state nothing was lost; a later apply that finds none begins anew."""
    noting_first(workspace, lambda _event: None)(_done("x.one"))
    _state(workspace).write_text("{}")
    assert made_first(workspace) == ""
    noting_first(workspace, lambda _event: None)(_done("x.two"))
    _state(workspace).write_text("")
    assert made_first(workspace) == ""


@pytest.mark.integration
def test_an_empty_file_alone_is_damage(workspace: Workspace) -> None:
    """Only what tells of a lock that nobody released says that the file never was more than that."""
    assert never_written(_state(workspace))
    lock_info(_state(workspace)).unlink()
    assert not never_written(_state(workspace))
