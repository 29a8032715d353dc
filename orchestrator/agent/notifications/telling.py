"""The listener that tells people: it only decides and hands over; each channel has a courier of its own."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator import clock
from orchestrator.agent.configuration.channels import (
    Channel,
    Events,
    Hidden,
    Mail,
    Slack,
    Target,
    Webhook,
)
from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.events import Event, as_before
from orchestrator.agent.notifications.choosing import Memory, chosen
from orchestrator.agent.notifications.courier import Courier, Patience, Undelivered
from orchestrator.agent.notifications.mailing import mail_of, send
from orchestrator.agent.notifications.news import Known, news
from orchestrator.agent.notifications.posting import Post, post, signed
from orchestrator.agent.notifications.reporting import report
from orchestrator.agent.notifications.wording import Message, document, slack
from orchestrator.agent.verdicts import Verdict
from orchestrator.reports.json import dumps
from orchestrator.settings import Settings

_FAREWELL_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class _Told:
    channel: Channel
    courier: Courier[Message]
    memory: Memory


class Teller:
    """Who tells the channels of an agent what happens."""

    def __init__(
        self,
        name: str,
        channels: Sequence[Channel],
        settings: Settings,
        *,
        tells: Callable[[Key], bool] = lambda _: True,
        patience: Patience | None = None,
    ) -> None:
        """Begin, and tell of what ``tells`` says is ours to tell.

        Secrets are read from the environment of ``settings`` and files when something is told.
        """
        self._name, self._known, self._tells = name, Known(), tells
        self._channels = [
            _Told(
                channel=channel,
                courier=Courier(
                    channel.name,
                    carrier_of(channel.target, settings),
                    patience or Patience(),
                ),
                memory=Memory(),
            )
            for channel in channels
        ]

    def listen(self, event: Event) -> None:
        """Tell whoever has to know of an event; nobody is waited for."""
        now = clock.now()
        self._known, found = news(self._known, event)
        for each in filter(lambda each: self._tells(each.key), found):
            for told in self._channels:
                told.memory, said = chosen(told.channel, told.memory, each, now.timestamp())
                if said is not None:
                    number = uuid.uuid4().hex
                    told.courier.put(Message(told=said, agent=self._name, at=now, number=number))

    def recall(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Take what is known from before the process began for told: it is no news, and its end will be."""
        now = clock.now().timestamp()
        for event in (as_before(key, verdict) for key, verdict in verdicts.items() if key.stack):
            for each in news(Known(), event)[1]:
                for told in self._channels:
                    memory, _ = chosen(told.channel, told.memory, each, now)
                    told.memory = Memory(told=memory.told)

    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Return how many were sent, failed or were dropped, by channel and that word."""
        return {key: count for told in self._channels for key, count in told.courier.counts.items()}

    def close(self) -> None:
        """Carry what waits, for some seconds."""
        deadline = clock.seconds() + _FAREWELL_SECONDS
        for told in self._channels:
            told.courier.close(max(deadline - clock.seconds(), 0.1))


@contextmanager
def telling(
    name: str,
    channels: Sequence[Channel],
    settings: Settings,
    *,
    tells: Callable[[Key], bool],
) -> Iterator[Teller]:
    """Tell channels while the block lasts, and what waits at its end."""
    teller = Teller(name, channels, settings, tells=tells)
    try:
        yield teller
    finally:
        teller.close()


def carrier_of(target: Target, settings: Settings) -> Callable[[Message], None]:
    """Return what carries a message there; it raises Undelivered."""
    environment = settings.environment

    def carry(message: Message) -> None:
        match target:
            case Slack():
                body = dumps(slack(message)).encode()
                post(_secret(target.url, environment), Post(body=body, headers={}))
            case Webhook():
                now, secret = clock.now().timestamp(), _secret(target.secret, environment)
                what = signed(document(message), secret.encode(), now=now, number=message.number)
                post(_secret(target.url, environment), what)
            case Mail():
                password = _secret(target.password, environment) if target.password else ""
                send(mail_of(message, target), target, password)
            case Events():
                report(message, target, settings)

    return carry


def _secret(hidden: Hidden, environment: Mapping[str, str]) -> str:
    """Return a secret; raises Undelivered when it is not there: it may come."""
    if hidden.file is None:
        found = environment.get(hidden.variable, "")
        what = f"the variable {hidden.variable} is empty"
    else:
        what = f"{hidden.file.name} cannot be read, or is empty"
        try:
            found = hidden.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found:
        raise Undelivered(what)
    return found
