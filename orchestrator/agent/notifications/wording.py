"""The words of a notification, for people on Slack or by mail and for programs: within bounds, and harmless. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.agent.configuration.channels import About, Severity
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.notifications.choosing import Notification
from orchestrator.agent.notifications.news import News
from orchestrator.stack.model import Json

_LONGEST: Final = 2_000
_LONGEST_SUBJECT: Final = 200
_MARKS: Final = {
    Severity.ERROR: ":red_circle:",
    Severity.WARNING: ":large_yellow_circle:",
    Severity.INFO: ":large_green_circle:",
}
_BLANKS: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notification, who tells it, and when it came about."""

    told: Notification
    agent: str
    at: datetime
    number: str

    @property
    def news(self) -> News:
        """Return what it is about."""
        return self.told.news


def headline(message: Message) -> str:
    """Return the one line that says it."""
    return _cut(_line(f"{_name(message.news.key)} {message.news.title}"), _LONGEST_SUBJECT)


def _name(key: Key) -> str:
    if not key.stack:
        return f"repository {key.repository}"
    return f"{key.stack}/{key.environment}" if key.environment else f"stack {key.stack}"


def _details(message: Message) -> Iterator[tuple[str, str]]:
    news = message.news
    yield "repository", news.key.repository
    yield "revision", news.revision[:10]
    yield ("would do" if news.about in {About.APPROVAL, About.HELD} else "done"), news.done
    yield "digest", news.digest[:16] if news.about is About.APPROVAL else ""
    yield "agent", message.agent


def paragraphs(message: Message) -> tuple[str, ...]:
    """Return what there is to say beside the headline."""
    news, unsaid = message.news, message.told.unsaid
    details = ", ".join(f"{name} {_line(value)}" for name, value in _details(message) if value)
    more = f"{unsaid} more were not told, since they were too many" if unsaid else ""
    said = (news.message, news.hint, details, news.detail, more)
    return tuple(_cut(each.strip(), _LONGEST) for each in said if each.strip())


def slack(message: Message) -> Json:
    """Return what an incoming webhook of Slack takes; nothing in it mentions or links anybody."""
    first = f"{_MARKS[message.news.severity]} *{_harmless(headline(message))}*"
    rest = [_harmless(each) for each in paragraphs(message)]
    text = "\n".join([first, *rest])
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, 2_900)}}
    return {"text": _harmless(headline(message)), "blocks": [block]}


def _harmless(text: str) -> str:
    """Write what Slack would take for a mention, a link or markup as it stands."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\u200b\\1", escaped)


def document(message: Message) -> bytes:
    """Return the JSON document that a webhook gets."""
    news = message.news
    told = {
        "format": 1,
        "id": message.number,
        "at": message.at.isoformat(),
        "agent": message.agent,
        "about": news.about.value,
        "severity": news.severity.value,
        "repository": news.key.repository,
        "stack": news.key.stack,
        "environment": news.key.environment,
        "revision": news.revision,
        "title": headline(message),
        "message": _cut(news.message, _LONGEST),
        "hint": _cut(news.hint, _LONGEST),
        "detail": _cut(news.detail, _LONGEST),
        "done": news.done,
        "digest": news.digest,
        "entry": news.entry,
        "unsaid": message.told.unsaid,
    }
    return json.dumps(told, sort_keys=True).encode()


def _line(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
