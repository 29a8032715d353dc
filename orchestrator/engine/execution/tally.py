"""What is known of a unit's changes while they are carried out, in case that it does not come to its end."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final

from orchestrator.plans.change import Action, Change, Subject
from orchestrator.plans.events import ChangeBegun, ChangeDone, ChangeRefused, Event
from orchestrator.stack.model import UnitId

_HALVES: Final = frozenset({Action.CREATE, Action.DELETE})  # of what is made anew


class Tally:
    """Hears what becomes of changes, from several threads, and passes it on."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        """Take who else is told."""
        self._tell = tell
        self._lock = Lock()
        self._open: dict[UnitId, dict[str, None]] = {}
        self._done: dict[UnitId, dict[str, list[Action]]] = {}

    def listen(self, event: Event) -> None:
        """Count an event, and pass it on."""
        with self._lock:
            self._count(event)
        self._tell(event)

    def _count(self, event: Event) -> None:
        match event:
            case ChangeBegun():
                self._open.setdefault(event.unit, {})[event.name] = None
            case ChangeRefused():
                self._open.get(event.unit, {}).pop(event.name, None)
            case ChangeDone(waiting=True, action=Action.DELETE):
                pass  # it is gone when nothing holds it any more
            case ChangeDone():
                self._open.get(event.unit, {}).pop(event.name, None)
                done = self._done.setdefault(event.unit, {}).setdefault(event.name, [])
                done.append(event.action)
            case _:
                pass

    def account(
        self, unit: UnitId, planned: Iterable[Change]
    ) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Return the changes of a unit that are known as done, and the names of those of which nobody can tell.

        What was begun and got no answer is such a one, and so is what was only deleted to be made anew.
        """
        wanted = {change.name: change for change in planned}
        done: list[Change] = []
        unknown = dict(self._open.get(unit, {}))
        for name, actions in self._done.get(unit, {}).items():
            change = wanted.get(name) or _change(unit, name, actions)
            if change.action is Action.REPLACE and not _made_anew(actions):
                unknown[name] = None
            elif name not in unknown and change.action is not Action.NO_OP:
                done.append(change)
        return tuple(done), tuple(unknown)


def _made_anew(actions: list[Action]) -> bool:
    return Action.REPLACE in actions or {*actions} >= _HALVES


def _change(unit: UnitId, name: str, actions: list[Action]) -> Change:
    """Return a change that only became known in its turn."""
    subject = Subject.RESOURCE if unit.startswith("modules.") else Subject.OBJECT
    action = Action.REPLACE if _made_anew(actions) else actions[0]
    return Change(subject=subject, name=name, action=action)
