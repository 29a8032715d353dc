"""Repositories of people who do not trust one another, kept by one agent."""

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.stacks import ECHO
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_ELSEWHERE = 'module "inner" {\n  source = "git::https://elsewhere.example.org/base.git"\n}\n'


def _why(keeper: Keeper) -> str:
    """Return why the agent holds back what is due."""
    ended = keeper.once()
    assert ended.code == 3, ended.said
    (task,) = told(ended, "task ended")
    assert task["end"] == "held"
    return str(task["why"])


def test_code_comes_from_where_it_may_or_not_at_all(keeper: Keeper, world: World) -> None:
    """A wrapper brings in no other source; without leave no module is run, also not to take away what one made."""
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.write("modules/base/main.tf", ECHO)
    engine = world.write("engine", '#!/bin/sh\nexec terraform "$@"\n')
    engine.chmod(0o755)
    own = {
        "binary": f"./stacks/{world.name}/engine"
    }  # a program of the revision is run as by a person
    base = {"source": "./modules/base", "inputs": {"text": "hello"}}
    world.declare({"base": base}, shop, terraform=own)
    keeper.push("Add a module")
    keeper.tell(repository={"allow": {"sources": []}})
    assert keeper.once().code == 0
    world.write("modules/base/more.tf", _ELSEWHERE)
    keeper.push("Wrap a module from elsewhere")
    why = _why(keeper)
    assert "module.inner in" in why
    assert "elsewhere.example.org/base.git', which is not allowed" in why
    entries = keeper.ledger()
    world.declare(None, shop)
    keeper.push("Remove the module")
    keeper.tell(repository={"allow": {"modules": False}})
    assert "modules.base is a module, and its code would run" in _why(keeper)
    assert keeper.ledger() == entries
