"""Events of one stack, as short as tests want them."""

from typing import Any

from orchestrator.agent import events
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.surveys import Undeclared
from orchestrator.agent.verdicts import End, Verdict, Waits

SHOP = Key(repository="acme", stack="shop", environment="production")
FIRST, SECOND = "1" * 40, "2" * 40


def ended(
    end: End, *, key: Key = SHOP, task: Task = Task.RECONCILE, seconds: float = 2.0, **more: Any
) -> events.Ended:
    """Return the end of a task at the first revision, unless ``more`` says another."""
    failures = more.pop("failures", 0)
    verdict = Verdict(end=end, **{"revision": FIRST, **more})
    return events.Ended(
        key=key, task=task, verdict=verdict, seconds=seconds, failures=failures, due=60.0
    )


def failed(message: str = "the web does not start", **more: Any) -> events.Ended:
    """Return the end of a task that failed."""
    return ended(End.FAILED, message=message, failures=1, **more)


def waiting(waits: Waits = Waits.APPROVAL, **more: Any) -> events.Ended:
    """Return the end of a task whose plan waits."""
    return ended(End.HELD, **{"message": "it waits", "waits": waits, "digest": "d1", **more})


def surveyed(
    revision: str = FIRST, error: str = "", missed: tuple[Undeclared, ...] = ()
) -> events.Surveyed:
    """Return that a revision was read, or not."""
    return events.Surveyed(
        repository="acme", revision=revision, stacks=(SHOP,), undeclared=missed, error=error
    )


def looked(
    error: str = "", locks: tuple[str, ...] = (), *, name: str = "acme", reached: bool | None = None
) -> events.Looked:
    """Return that a repository was asked; one with an error was not reached, unless it is said."""
    return events.Looked(
        repository=name,
        reached=not error if reached is None else reached,
        revision="" if error else FIRST,
        locks=locks,
        error=error,
    )
