"""What happens as lines of a log: a constant phrase, and keys."""

from orchestrator import log
from orchestrator.agent import events
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.verdicts import End

_BAD = frozenset({End.FAILED, End.HELD})
_ANEW = "the agent goes by what it read when it began: start it anew"


def journal(event: events.Event) -> None:
    """Write an event to the log; that nothing moved is no news."""
    match event:
        case events.Began() | events.FileChanged() | events.Stopping():
            _agent(event)
        case events.Looked():
            _looked(event)
        case events.Surveyed():
            _surveyed(event)
        case events.Started():
            _about("task started", event.key, task=event.task, revision=event.revision[:10])
        case events.Ended():
            _ended(event)
        case events.Patrolled():  # all is well, every few minutes
            pass
        case _:
            _undeclared(event)


def _agent(event: events.Began | events.FileChanged | events.Stopping) -> None:
    match event:
        case events.Began():
            log.tell("agent began", repositories=", ".join(event.repositories))
        case events.FileChanged(changed=True):
            log.trouble("file changed", file=event.file, hint=_ANEW)
        case events.FileChanged():
            log.tell("file changed back", file=event.file)
        case events.Stopping():
            log.tell("agent stops", running=event.running)


def _undeclared(event: events.Unreadable | events.Gone) -> None:
    if isinstance(event, events.Gone):
        said = {"why": event.why, "hint": event.hint}
        told = {name: text for name, text in said.items() if text}
        _about(
            "stack is no longer declared", event.key, bad=True, destroyed=event.destroyed, **told
        )
    else:
        _about("stack cannot be read", event.key, bad=True, why=event.error)


def _looked(event: events.Looked) -> None:
    if event.error and event.reached:
        log.trouble("branch is missing", repository=event.repository, why=event.error)
    elif event.error:
        log.trouble("repository does not answer", repository=event.repository, why=event.error)


def _surveyed(event: events.Surveyed) -> None:
    keys = {"repository": event.repository, "revision": event.revision[:10]}
    if event.error:
        log.trouble("revision cannot be read", **keys, why=event.error)
    else:
        signed = {"signer": event.signer} if event.signer else {}
        log.tell("revision read", **keys, **signed, subject=event.subject, stacks=len(event.stacks))
    for each in event.undeclared:
        named = {"stack": each.stack, "environment": each.environment}
        said = {name: value for name, value in named.items() if value}
        log.trouble("stack is not declared", **keys, **said, why=each.why, hint=each.hint)


def _ended(event: events.Ended) -> None:
    verdict = event.verdict
    told = {
        "task": event.task,
        "end": verdict.end,
        "revision": verdict.revision[:10],
        "done": verdict.done,
        "waits": verdict.waits or "",
        "digest": verdict.digest if verdict.waits else "",
        "seconds": round(event.seconds, 3),
        "why": verdict.message,
        "hint": verdict.hint,
        "detail": verdict.detail,
    }
    said = {name: value for name, value in told.items() if value != ""}
    _about("task ended", event.key, bad=verdict.end in _BAD, **said)


def _about(phrase: str, key: Key, *, bad: bool = False, **keys: object) -> None:
    where = {"repository": key.repository}
    where |= {"stack": key.stack, "environment": key.environment} if key.stack else {}
    (log.trouble if bad else log.tell)(phrase, **where, **keys)
