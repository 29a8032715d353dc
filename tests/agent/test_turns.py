"""An agent that does what is due, once: each stack has its turn, and it comes to an end."""

from dataclasses import replace

from orchestrator.agent.decisions.agenda import Item, Task, idle
from orchestrator.agent.decisions.looks import to_look_at
from orchestrator.agent.decisions.turns import Turns
from tests.agent.builders import NOW, key

_DUE = Item(key=key(), due={Task.INFRASTRUCTURE: NOW}, look=NOW)
_AGENDA = {key(): _DUE}


def test_what_is_due_again_is_for_the_next_time() -> None:
    """Else what is due often would keep it from ending."""
    assert not idle(Turns().left(_AGENDA), NOW)
    over = Turns().ended(key())
    assert idle(over.left(_AGENDA), NOW)
    assert over.unseen(_AGENDA) == {}


def test_a_revision_that_came_meanwhile_has_its_turn() -> None:
    """So has what is being done."""
    over = Turns().ended(key())
    for item in (replace(_DUE, urgent=True), replace(_DUE, running=Task.RECONCILE)):
        assert over.left({key(): item}) == {key(): item}


def test_who_was_looked_at_is_not_looked_at_again() -> None:
    """What came of it may still be seen to."""
    looked, astray = Turns().sent([key()]), replace(_DUE, due={Task.WORKLOADS: NOW})
    whole = Item(key=replace(key(), stack="", environment=""))
    agenda = {whole.key: whole, key(): replace(_DUE, due={})}
    assert to_look_at(agenda, "a", NOW) == (key(),)
    assert to_look_at(looked.unseen(agenda), "a", NOW) == ()
    assert idle(looked.left(agenda), NOW)
    assert looked.left({key(): astray})[key()].due == astray.due
