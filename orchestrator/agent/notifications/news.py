"""What an event means to people: news of something wrong, or that it is over. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from orchestrator.agent import events
from orchestrator.agent.configuration.channels import About, Severity
from orchestrator.agent.decisions.agenda import LOOKS, Key, Task
from orchestrator.agent.surveys import Undeclared
from orchestrator.agent.verdicts import End, Verdict, Waits

_PATIENCE: Final = 3
"""How often in a row a repository does not answer until that is news."""

_AFRESH: Final = 3600.0
"""After how many seconds drift that is brought back once more is news again."""


class Matter(StrEnum):
    """What may be wrong with a stack or repository at a time: what is told of one is over when that is over."""

    FAILING = "failing"
    WAITING = "waiting"
    DRIFTING = "drifting"
    UNREADABLE = "unreadable"
    MISNAMED = "misnamed"
    UNREACHABLE = "unreachable"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that people may want to know; all texts are redacted.

    What has the same ``mark`` as what was told of a ``matter`` before is no news while that stands; without a matter,
    for ``fresh`` seconds. ``ends`` are the matters that are over.
    """

    about: About
    severity: Severity
    key: Key
    title: str
    mark: str = ""
    matter: Matter | None = None
    ends: frozenset[Matter] = frozenset()
    fresh: float = math.inf
    revision: str = ""
    message: str = ""
    hint: str = ""
    detail: str = ""
    done: str = ""
    digest: str = ""
    entry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What has to be remembered to tell news: silences in a row, and stacks that cannot be read, with where.

    ``misnamed`` is what the agent's file names, and its repository does not declare.
    """

    silent: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[Key, str] = field(default_factory=dict)
    misnamed: frozenset[Key] = frozenset()


_DECLARED: Final = ("has stacks that are kept", "is declared in Git")
_UNDECLARED: Final = ("has no stack that is kept", "is not declared in Git")
_AS_WANTED: Final = (Matter.FAILING, Matter.WAITING, Matter.DRIFTING)
_WAITS: Final = {
    Waits.APPROVAL: (About.APPROVAL, "waits for an approval"),
    Waits.PERSON: (About.HELD, "is held back until somebody looks"),
    Waits.COMMIT: (About.HELD, "is tried no more, and waits for a newer commit"),
}


def news(known: Known, event: events.Event) -> tuple[Known, tuple[News, ...]]:
    """Return what is known after an event, and what there is to tell of it."""
    match event:
        case events.Looked():
            return _looked(known, event)
        case events.Surveyed():
            return _surveyed(known, event)
        case events.Unreadable():
            unreadable = {**known.unreadable, event.key: event.revision}
            return replace(known, unreadable=unreadable), (_unreadable(event),)
        case events.Gone():
            return known, () if event.destroyed else (_gone(event),)
        case events.Ended(leaving=False):
            return known, tuple(_ended(event))
        case _:
            return known, ()


def _looked(known: Known, event: events.Looked) -> tuple[Known, tuple[News, ...]]:
    name = event.repository
    silent = known.silent.get(name, 0) + 1 if event.error else 0
    known = replace(known, silent={**known.silent, name: silent})
    key = Key(repository=name)
    if not event.error:
        return known, (_over(key, "answers again", Matter.UNREACHABLE),)
    if silent < _PATIENCE:
        return known, ()
    what = "has no such branch" if event.reached else "does not answer"
    told = _trouble(key, what, Matter.UNREACHABLE, mark="silent", message=event.error)
    return known, (told,)


def _surveyed(known: Known, event: events.Surveyed) -> tuple[Known, tuple[News, ...]]:
    key = Key(repository=event.repository)
    if event.error:
        told = _trouble(
            key, "cannot be read", Matter.UNREADABLE, mark=event.revision, message=event.error
        )
        return known, (replace(told, revision=event.revision),)
    mended = [
        each
        for each, revision in known.unreadable.items()
        if each.repository == event.repository and revision != event.revision
    ]
    left = {each: at for each, at in known.unreadable.items() if each not in mended}
    told_of = [_over(each, "can be read again", Matter.UNREADABLE) for each in (key, *mended)]
    misnamed = {_named(key, each): each for each in event.undeclared}
    found = [each for each in known.misnamed - misnamed.keys() if each.repository == key.repository]
    told_of += [_over(each, _DECLARED[bool(each.stack)], Matter.MISNAMED) for each in sorted(found)]
    told_of += [_misnamed(each, why) for each, why in misnamed.items()]
    after = (known.misnamed - frozenset(found)) | misnamed.keys()
    return replace(known, unreadable=left, misnamed=after), tuple(
        replace(each, revision=event.revision) for each in told_of
    )


def _named(repository: Key, each: Undeclared) -> Key:
    return replace(repository, stack=each.stack, environment=each.environment if each.stack else "")


def _misnamed(key: Key, each: Undeclared) -> News:
    named = f"{each}: " if not key.stack else ""
    return News(
        about=About.HELD,
        severity=Severity.WARNING,
        key=key,
        title=_UNDECLARED[bool(key.stack)],
        matter=Matter.MISNAMED,
        mark=str(each),
        message=f"{named}the agent's file names it, and {each.why}",
        hint=each.hint,
    )


def _unreadable(event: events.Unreadable) -> News:
    told = _trouble(
        event.key, "cannot be read", Matter.UNREADABLE, mark=event.revision, message=event.error
    )
    return replace(told, revision=event.revision, hint="what runs of it is left alone")


def _gone(event: events.Gone) -> News:
    return News(
        about=About.HELD,
        severity=Severity.WARNING,
        key=event.key,
        title="is no longer declared in Git",
        matter=Matter.GONE,  # at each later revision, too
        mark=event.why,
        revision=event.revision,
        message=event.why or "what runs of it is left alone",
        hint=event.hint or "`orchestrator destroy` takes it away",
    )


def _ended(event: events.Ended) -> Iterator[News]:
    verdict, key = event.verdict, event.key
    match verdict.end:
        case End.FAILED:
            yield _failed(key, verdict)
        case End.HELD if verdict.waits in _WAITS:
            yield _held(key, verdict)
        case End.DRIFTED:
            ends = (Matter.FAILING, Matter.WAITING)
            yield _with(_over(key, "fails no longer", *ends), verdict)
            yield _with(_over(key, "is declared in Git again", Matter.GONE), verdict)
            yield _drifted(key, verdict)
        case End.APPLIED | End.UNCHANGED | End.DESTROYED:
            yield _again(key, verdict, _AS_WANTED + _declared(event))
            yield from _applied(event)
        case _:
            return
    if verdict.restores:
        yield _rolled_back(key, verdict)


def _failed(key: Key, verdict: Verdict) -> News:
    told = _trouble(key, "failed", Matter.FAILING, mark=verdict.revision, message=verdict.message)
    return _with(told, verdict)


def _held(key: Key, verdict: Verdict) -> News:
    waits = verdict.waits or Waits.PERSON
    about, title = _WAITS[waits]
    return _with(
        News(
            about=about,
            severity=Severity.WARNING,
            key=key,
            title=title,
            matter=Matter.WAITING,
            mark=f"{waits}:{verdict.digest or verdict.revision}",
        ),
        verdict,
    )


def _drifted(key: Key, verdict: Verdict) -> News:
    return _with(
        News(
            about=About.DRIFT,
            severity=Severity.WARNING,
            key=key,
            title=f"has drifted: {_things(verdict.drift)} changed outside of Git",
            matter=Matter.DRIFTING,
            mark=verdict.digest or verdict.revision,
        ),
        verdict,
    )


def _applied(event: events.Ended) -> Iterator[News]:
    key, verdict = event.key, event.verdict
    if verdict.end is End.UNCHANGED:
        return
    if verdict.drift and event.task in LOOKS:
        title = f"had drifted: {_things(verdict.drift)} changed outside of Git, and brought back"
        yield _with(
            News(
                about=About.DRIFT,
                severity=Severity.INFO,
                key=key,
                title=title,
                mark=verdict.revision,
                fresh=_AFRESH,
            ),
            verdict,
        )
        return
    title = "was applied" if verdict.end is End.APPLIED else "was destroyed"
    mark = verdict.entry or verdict.revision
    yield _with(
        News(about=About.APPLIED, severity=Severity.INFO, key=key, title=title, mark=mark), verdict
    )


def _rolled_back(key: Key, verdict: Verdict) -> News:
    return _with(
        News(
            about=About.ROLLBACK,
            severity=Severity.WARNING,
            key=key,
            title=f"went back to {verdict.restores[:10]}",
            mark=verdict.entry or verdict.revision,
        ),
        verdict,
    )


def _declared(event: events.Ended) -> tuple[Matter, ...]:
    """Return what is over where a stack is in Git again or is gone, and not only cannot be taken away."""
    left = event.task is Task.DESTROY and event.verdict.end is End.UNCHANGED
    return () if left else (Matter.GONE,)


def _again(key: Key, verdict: Verdict, ends: tuple[Matter, ...]) -> News:
    title = "was destroyed" if verdict.end is End.DESTROYED else "is as Git wants it again"
    return _with(_over(key, title, *ends), verdict)


def _over(key: Key, title: str, *ends: Matter) -> News:
    return News(
        about=About.RECOVERY, severity=Severity.INFO, key=key, title=title, ends=frozenset(ends)
    )


def _trouble(key: Key, title: str, matter: Matter, *, mark: str, message: str) -> News:
    return News(
        about=About.FAILURE,
        severity=Severity.ERROR,
        key=key,
        title=title,
        matter=matter,
        mark=mark,
        message=message,
    )


def _with(told: News, verdict: Verdict) -> News:
    """Return news with what a verdict says."""
    return replace(
        told,
        revision=verdict.revision,
        message=verdict.message,
        hint=verdict.hint,
        detail=verdict.detail,
        done=verdict.done,
        digest=verdict.digest,
        entry=verdict.entry,
    )


def _things(count: int) -> str:
    return "one thing was" if count == 1 else f"{count} things were"
