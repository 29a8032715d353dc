"""The section of the agent's file that says who is told what: its shape, its mistakes, and reading it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from orchestrator.agent.configuration.channels import (
    About,
    Channel,
    Events,
    Hidden,
    Mail,
    Security,
    Severity,
    Slack,
    Target,
    Webhook,
)
from orchestrator.errors import Mistake
from orchestrator.stack.written import terms as core_schema
from orchestrator.stack.written.durations import DURATION, seconds
from orchestrator.stack.written.keys import TEXT, Key, either, list_of, map_of, named
from orchestrator.stack.written.schema import NAMESPACE
from orchestrator.stack.written.sections import Section
from orchestrator.stack.written.shape import Form

SERVER: Final = r"^(\[[0-9a-fA-F:]+\]|[-.A-Za-z0-9]+):[0-9]{1,5}$"
MAIL: Final = r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$"
OBJECT: Final = (
    r"^(Deployment|StatefulSet|CronJob|Pod|ServiceAccount)/[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$"
)
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
FORMS: Final = {
    SERVER: Form("is no address of a server", "write HOST:PORT, such as mail.example.org:587"),
    MAIL: Form("is no mail address", "write it alone, such as ops@example.org"),
    NAMESPACE: Form("is no name of a namespace", "write one such as orchestrator"),
    OBJECT: Form(
        "is no object that events can be about",
        "write KIND/NAME, such as Deployment/orchestrator-agent",
    ),
    VARIABLE: Form("is no name of a variable", "write it without $, such as SLACK_URL"),
}
"""What is told of a text that does not fit one of these patterns."""

_USUAL: Final = frozenset(About) - {About.APPLIED}
_PORTS: Final = 65_535
_REPEAT: Final = 24 * 3600.0
_MOST: Final = 60
_OBJECT: Final = "Deployment/orchestrator-NAME"


def _text(pattern: str, said: str, example: str) -> Key:
    return Key(core_schema.str_schema(strict=True, pattern=pattern), said, example)


_CHANNEL: Final = map_of(
    {
        "kind": Key(
            core_schema.literal_schema(["slack", "webhook", "email", "kubernetes"]),
            "How it is told.",
            "slack",
            required=True,
        ),
        "severity": Key(
            core_schema.literal_schema([each.value for each in Severity]),
            "What is less severe is not told. A recovery is told to whoever was told of the trouble.",
            "warning",
            default="info",
        ),
        "about": Key(
            list_of(core_schema.literal_schema([each.value for each in About]), 1),
            "What is told; all but `applied`, if left out.",
            "[failure, recovery, approval]",
        ),
        "stacks": Key(
            list_of(TEXT, 1),
            "Patterns of the stacks that it is about, as STACK/ENVIRONMENT or REPOSITORY; all, if left out.",
            '["*/production"]',
        ),
        "repeat": Key(
            either(False, "{never}", core_schema.str_schema(strict=True, pattern=DURATION)),  # noqa: FBT003 - the word itself
            "After how long what still stands is told again, or `false`.",
            "4h",
            default="24h",
        ),
        "most": Key(
            core_schema.int_schema(ge=1, le=3600, strict=True),
            "How much is told in an hour; of more only how much it is.",
            "20",
            default="60",
        ),
        "url_file": Key(TEXT, "The file with the address to post to.", "/etc/agent/slack-url"),
        "url_variable": _text(
            VARIABLE,
            "Or the variable that has it; the agent's children do not get it.",
            "SLACK_URL",
        ),
        "secret_file": Key(TEXT, "The file with the secret to sign with.", "/etc/agent/secret"),
        "secret_variable": _text(VARIABLE, "Or the variable that has it.", "WEBHOOK_SECRET"),
        "server": _text(SERVER, "The mail server.", "mail.example.org:587"),
        "security": Key(
            core_schema.literal_schema([each.value for each in Security]),
            "How the mail server is spoken to.",
            "tls",
            default="starttls",
        ),
        "username": Key(TEXT, "Who the mail server takes the agent for.", "agent"),
        "password_file": Key(TEXT, "The file with the password.", "/etc/agent/mail-password"),
        "password_variable": _text(VARIABLE, "Or the variable that has it.", "MAIL_PASSWORD"),
        "from": _text(MAIL, "Who mails come from.", "agent@example.org"),
        "to": Key(
            list_of(core_schema.str_schema(strict=True, pattern=MAIL), 1),
            "Who mails go to.",
            "[ops@example.org]",
        ),
        "namespace": _text(
            NAMESPACE, "The namespace of Kubernetes to make events in.", "orchestrator"
        ),
        "object": Key(
            core_schema.str_schema(strict=True, pattern=OBJECT),
            f"What there they are about, as KIND/NAME; if left out, {_OBJECT}, by the agent's name.",
            "Pod/agent-0",
        ),
        "context": Key(
            TEXT,
            "The kubeconfig's context; if left out, its current one, or where the agent is.",
            "ops",
        ),
    }
)
NOTIFICATIONS: Final = named(_CHANNEL)
"""The shape of the section: channels by their names."""

_COMMON: Final = frozenset({"kind", "severity", "about", "stacks", "repeat", "most"})
_URL: Final = ("url_file", "url_variable")
_SECRET: Final = ("secret_file", "secret_variable")
_PASSWORD: Final = ("password_file", "password_variable")
# Of each kind, what it needs: one key out of each group.
_NEEDED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "slack": (_URL,),
    "webhook": (_URL, _SECRET),
    "email": (("server",), ("from",), ("to",)),
    "kubernetes": (("namespace",),),
}
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("security", "username", *_PASSWORD),
    "kubernetes": ("object", "context"),
}


def channel_mistakes(top: Section) -> Iterator[Mistake]:
    """Yield what is wrong with the channels beyond their shape."""
    for channel in top.below("notifications").entries():
        kind = channel.text("kind")
        if kind in _NEEDED:
            yield from _unneeded(channel, kind)
            yield from _missing(channel, kind)
            yield from _twice(channel)
            yield from _unsafe(channel)


def _unneeded(channel: Section, kind: str) -> Iterator[Mistake]:
    known = {*_COMMON, *(key for group in _NEEDED[kind] for key in group), *_ALSO.get(kind, ())}
    for key in channel.values:
        if key not in known and any(key in group for group in _ALL):
            message = f"{kind} takes no {key}"
            hint = f"it takes {', '.join(sorted(known - _COMMON))}"
            yield Mistake(message=message, place=channel.locate((key,)), hint=hint)


def _missing(channel: Section, kind: str) -> Iterator[Mistake]:
    for group in _NEEDED[kind]:
        if not any(key in channel.values for key in group):
            message = f"{kind} has no {' or '.join(group)}"
            yield Mistake(
                message=message, place=channel.locate(("kind",)), hint=f"add '{group[0]}'"
            )


def _twice(channel: Section) -> Iterator[Mistake]:
    for file, variable in (_URL, _SECRET, _PASSWORD):
        if file in channel.values and variable in channel.values:
            message = f"{file} and {variable} say the same"
            yield Mistake(message=message, place=channel.locate((variable,)), hint="keep one")


def _unsafe(channel: Section) -> Iterator[Mistake]:
    secret = any(key in channel.values for key in _PASSWORD)
    if secret != ("username" in channel.values):
        key = "username" if "username" in channel.values else _given(channel, _PASSWORD)
        hint = "write both, or none"
        message = "a username goes with a password"
        yield Mistake(message=message, place=channel.locate((key,)), hint=hint)
    if secret and channel.text("security") == Security.NONE:
        message = "the password would be sent as it is"
        hint = "use starttls or tls"
        yield Mistake(message=message, place=channel.locate(("security",)), hint=hint)
    if _port(channel) > _PORTS:
        message = f"there is no port {_port(channel)}"
        yield Mistake(message=message, place=channel.locate(("server",)), hint="such as 587")


_ALL: Final = tuple(group for groups in _NEEDED.values() for group in groups) + tuple(
    (key,) for keys in _ALSO.values() for key in keys
)


def read_channels(top: Section, home: Path) -> tuple[Channel, ...]:
    """Read the channels of a file without mistakes, in its order; paths start from ``home``."""
    usual = _OBJECT.replace("NAME", top.text("name") or "agent")
    return tuple(_channel(each, home, usual) for each in top.below("notifications").entries())


def variables(channels: tuple[Channel, ...]) -> frozenset[str]:
    """Return the variables in which secrets of channels are."""
    hidden = (each for channel in channels for each in _hidden_in(channel.target))
    return frozenset(each.variable for each in hidden if each.variable)


def _hidden_in(target: Target) -> tuple[Hidden, ...]:
    match target:
        case Slack():
            return (target.url,)
        case Webhook():
            return (target.url, target.secret)
        case Mail():
            return (target.password,) if target.password else ()
        case Events():
            return ()


def _channel(section: Section, home: Path, usual: str) -> Channel:
    repeat = section.text("repeat")
    about = frozenset(map(About, section.texts("about")))
    return Channel(
        name=str(section.path[-1]),
        target=_target(section, home, usual),
        about=about or _USUAL,
        severity=Severity(section.text("severity") or Severity.INFO),
        stacks=section.texts("stacks") or ("*",),
        repeat=None if section.flag("repeat") is False else seconds(repeat) if repeat else _REPEAT,
        most=section.number("most") or _MOST,
    )


def _target(section: Section, home: Path, usual: str) -> Target:
    match section.text("kind"):
        case "slack":
            return Slack(url=_hidden(section, _URL, home))
        case "webhook":
            return Webhook(url=_hidden(section, _URL, home), secret=_hidden(section, _SECRET, home))
        case "kubernetes":
            kind, _, name = (section.text("object") or usual).partition("/")
            return Events(
                namespace=section.text("namespace"),
                kind=kind,
                name=name,
                context=section.text("context"),
            )
        case _:
            return Mail(
                host=section.text("server").rpartition(":")[0].strip("[]"),
                port=_port(section),
                security=Security(section.text("security") or Security.STARTTLS),
                sender=section.text("from"),
                receivers=section.texts("to"),
                username=section.text("username"),
                password=_hidden(section, _PASSWORD, home) if section.text("username") else None,
            )


def _port(section: Section) -> int:
    port = section.text("server").rpartition(":")[2]
    return int(port) if port.isdecimal() else 0


def _given(section: Section, keys: tuple[str, ...]) -> str:
    return next((key for key in keys if key in section.values), keys[0])


def _hidden(section: Section, keys: tuple[str, ...], home: Path) -> Hidden:
    file, variable = keys
    written = section.text(file)
    return Hidden(
        file=home / Path(written).expanduser() if written else None, variable=section.text(variable)
    )
