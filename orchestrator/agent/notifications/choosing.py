"""Who is told what, and when it is enough: one channel's memory of what it was told. Pure; times are in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

from orchestrator.agent.configuration.channels import About, Channel
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.notifications.news import Matter, News

_HOUR: Final = 3600.0
_MOST_MARKS: Final = 20
_MOST_STANDING: Final = 2_000

Standing = tuple[Key, str]
"""What was told: of which stack or repository, and the matter, or what else it was about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of something that stands: the marks with when each was told last."""

    marks: Mapping[str, float]

    def with_mark(self, mark: str, now: float) -> "Told":
        """Return it with one more, the oldest ones forgotten."""
        kept = [(other, at) for other, at in self.marks.items() if other != mark]
        return Told(marks=dict([*kept, (mark, now)][-_MOST_MARKS:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a channel was told, and how much of its hour is left: ``spent`` as of ``at``.

    ``unsaid`` counts what was too much since something was told last.
    """

    told: Mapping[Standing, Told] = field(default_factory=dict)
    spent: float = 0.0
    at: float = 0.0
    unsaid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """News that is told, and how much was not told before it since it was too much."""

    news: News
    unsaid: int = 0


def chosen(
    channel: Channel, memory: Memory, news: News, now: float
) -> tuple[Memory, Notification | None]:
    """Return what the channel remembers after news, and what it is told: nothing, where that is none to it.

    A recovery goes to whoever was told of the trouble. What would be too much is remembered as not told.
    """
    if not _concerns(channel, news.key):
        return memory, None
    if news.ends:
        return _ended(channel, memory, news, now)
    if news.about not in channel.about or news.severity.rank < channel.severity.rank:
        return memory, None
    standing = (news.key, str(news.matter or news.about))
    before = memory.told.get(standing, Told(marks={}))
    if _stale(channel, before, news, now):
        return memory, None
    memory, told = _said(channel, memory, news, now)
    if told is None:
        return memory, None
    marks = before.with_mark(news.mark, now)
    others = [each for each in memory.told.items() if each[0] != standing]
    return replace(memory, told=dict([*others, (standing, marks)][-_MOST_STANDING:])), told


def _concerns(channel: Channel, key: Key) -> bool:
    names = (key.repository, f"{key.stack}/{key.environment}" if key.stack else "")
    return any(fnmatchcase(name, pattern) for name in names if name for pattern in channel.stacks)


def _ended(
    channel: Channel, memory: Memory, news: News, now: float
) -> tuple[Memory, Notification | None]:
    over = {(news.key, str(matter)) for matter in news.ends} & memory.told.keys()
    known = {standing: told for standing, told in memory.told.items() if standing not in over}
    silent = over <= {(news.key, str(Matter.WAITING))} or About.RECOVERY not in channel.about
    if silent:
        return replace(memory, told=known), None
    memory, told = _said(channel, memory, news, now)
    return (replace(memory, told=known) if told else memory), told


def _stale(channel: Channel, before: Told, news: News, now: float) -> bool:
    """Whether it was told already, and not so long ago that it is told again."""
    at = before.marks.get(news.mark)
    if at is None:
        return False
    again = news.fresh if channel.repeat is None else min(channel.repeat, news.fresh)
    return now - at < again


def _said(
    channel: Channel, memory: Memory, news: News, now: float
) -> tuple[Memory, Notification | None]:
    """Say it, unless that is too much: ``most`` may come at once, and then as many come back in an hour."""
    back = (now - memory.at) * channel.most / _HOUR
    spent = max(memory.spent - max(back, 0.0), 0.0)
    if spent + 1 > channel.most:
        return replace(memory, spent=spent, at=now, unsaid=memory.unsaid + 1), None
    told = Notification(news=news, unsaid=memory.unsaid)
    return replace(memory, spent=spent + 1, at=now, unsaid=0), told
