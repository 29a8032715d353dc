"""What the agent knows, with defaults, so that a test names only what it is about."""

from orchestrator.agent.configuration.model import DriftChecks, Retry
from orchestrator.agent.decisions.agenda import Item, Key, Task
from orchestrator.agent.decisions.endings import Pace
from orchestrator.agent.surveys import Survey, Undeclared
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.plans.declared import Declared

NOW = 1000.0
PACE = Pace(retry=Retry(), drift=DriftChecks())


def key(stack: str = "shop", repository: str = "a", environment: str = "default") -> Key:
    """Return which stack."""
    return Key(repository=repository, stack=stack, environment=environment)


def at_work(task: Task = Task.RECONCILE, *, failures: int = 0, content: str = "c1") -> Item:
    """Return a stack whose task is being done."""
    return Item(
        key=key(),
        revision="r1",
        content=content,
        attempted=content,
        running=task,
        failures=failures,
        started=NOW - 5,
    )


def verdict(end: End, *, again: float | None = None) -> Verdict:
    """Return how a task ended."""
    return Verdict(end=end, again=again)


def survey(revision: str, *declared: Declared, missed: tuple[Undeclared, ...] = ()) -> Survey:
    """Return what a revision declares, and what it does not."""
    return Survey(revision=revision, subject="", declared=declared, undeclared=missed)


def declared(stack: str = "shop", content: str = "c1", *, trouble: str = "") -> Declared:
    """Return a stack as a revision declares it."""
    environment = "" if trouble else "default"
    return Declared(stack=stack, environment=environment, content=content, trouble=trouble)
