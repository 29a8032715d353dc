"""What a look at Git means: a branch that moved, what a revision declares, and what is declared no more. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Item, Key, Task
from orchestrator.agent.surveys import Survey

Ledgers = Mapping[str, str]
"""What identifies the last entry of each ledger, by ``stack/environment``."""


def moved(item: Item, revision: str, now: float, *, signers: str = "") -> Item:
    """Return the item of a repository whose branch is at a revision: another one is looked at, at once.

    So is one that was taken by another list of signers than this one. While nobody knows where the branch is, it is
    not looked at.
    """
    if (revision, signers) == (item.revision, item.content):
        return item
    due = {**item.due, Task.SURVEY: now} if revision else item.due
    return replace(item, revision=revision, content=signers, due=due, failures=0, urgent=True)


def surveyed(
    agenda: Agenda, found: Survey, now: float, *, repository: str
) -> tuple[Agenda, tuple[Key, ...]]:
    """Return the agenda after a repository was looked at, and what it declares no more, sorted.

    That counts also what the agent never knew, and of which something is left. A stack whose file cannot be read is
    left as it is, and so is an environment that a file with mistakes does not seem to declare.
    """
    wanted = {
        Key(repository=repository, stack=each.stack, environment=each.environment): each
        for each in found.declared
        if not each.trouble
    }
    known = {key for key in agenda if key.repository == repository and key.stack}
    unreadable = {each.stack for each in found.declared if each.trouble or each.mistakes}
    first = not known
    items = dict(agenda)
    for key, each in wanted.items():
        items[key] = _declared(
            agenda.get(key) or Item(key=key), found.revision, each.content, now=now, first=first
        )
    left = {
        Key(repository=repository, stack=each.stack, environment=each.environment)
        for each in found.left
    }
    gone = {key for key in known - wanted.keys() if key.stack not in unreadable}
    for key in left - known:
        items[key] = Item(key=key, revision=found.revision)
    return items, tuple(sorted(gone | left - wanted.keys()))


def _declared(item: Item, revision: str, content: str, *, now: float, first: bool) -> Item:
    # What came back while it was about to be taken away, or was being, is brought about anew.
    same = revision == item.revision or (content and content == item.content)
    late = item.overtaken and revision != item.revision  # this may be what it waits for
    if same and not item.goes and not late:
        return replace(item, revision=revision, content=content)
    kept: dict[Task, float] = {
        task: at for task, at in item.due.items() if task is not Task.DESTROY
    }
    # One that changes with every revision waits no longer for that.
    due = {**kept, Task.RECONCILE: min(now, kept.get(Task.RECONCILE, now))}
    return replace(
        item,
        revision=revision,
        content=content,
        due=due,
        urgent=not first,
        failures=0,
        overtaken=0,
        waits=False,
        leaving=False,
        declared="",
    )


def vanished(item: Item, revision: str, now: float) -> Item:
    """Return the item of a stack that a revision declares no more, and that is to be taken away.

    What it waits for, or failed at, was of another revision; nobody goes to look at it any more. The revision that has
    it no more goes ahead like any other; one after that only where the run for it comes too late, or came.
    """
    had_it = item.revision != revision and not item.goes
    declared = item.declared or (item.revision if had_it else "")
    late = item.running is Task.DESTROY or item.overtaken > 0
    return replace(
        item,
        revision=revision,
        declared=declared,
        due={Task.DESTROY: now},
        urgent=item.urgent or had_it or late,
        look=NEVER,
    )


def left_alone(item: Item, revision: str) -> Item | None:
    """Return the item of a stack that is declared no more, and is kept: None as soon as nothing is at work on it.

    Were it forgotten before, whoever declares it anew would have a second one at work.
    """
    if item.running is None:
        return None
    return replace(item, revision=revision, due={}, look=NEVER, leaving=True)


def hurried(item: Item) -> bool:
    """Whether what is done to a stack is to wait for nothing more, since another revision does: be it one without it.

    What is being taken away is taken away by that one too.
    """
    gone = item.goes and item.running is not Task.DESTROY
    return item.running is not None and (gone or (Task.RECONCILE in item.due and item.urgent))


def back(item: Item) -> bool:
    """Whether what is being taken away is declared anew: then no more of it is taken away."""
    return item.running is Task.DESTROY and Task.RECONCILE in item.due


def recorded(
    agenda: Agenda, before: Ledgers, after: Ledgers, now: float, *, repository: str
) -> Agenda:
    """Return the agenda after ledgers of a repository moved: whoever waits for a person looks again.

    Who is at work has read its ledger already, maybe before that: what comes of it may be to wait for what is there.
    """
    return {
        key: _stirred(item, now)
        if key.repository == repository and _differs(before, after, key)
        else item
        for key, item in agenda.items()
    }


def _stirred(item: Item, now: float) -> Item:
    if item.running is not None:
        return replace(item, stirred=True)
    return replace(item, due={**item.due, _wanted(item): now}) if item.waits else item


def _wanted(item: Item) -> Task:
    """Return what to look again for: at a revision without the stack there is nothing else to bring about."""
    goes = Task.DESTROY in item.due and Task.RECONCILE not in item.due
    return Task.DESTROY if goes else Task.RECONCILE


def _differs(before: Ledgers, after: Ledgers, key: Key) -> bool:
    name = f"{key.stack}/{key.environment}"
    return before.get(name) != after.get(name)
