"""Reading the agent's file: every mistake at once, then frozen data."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.agent.configuration.model import (
    Allowed,
    Configuration,
    Credentials,
    DriftChecks,
    HookKind,
    Leader,
    Limits,
    Repository,
    Retry,
    Signed,
    StackSettings,
    Statuses,
    Vanished,
    Webhook,
)
from orchestrator.agent.configuration.notifications import channel_mistakes, read_channels
from orchestrator.agent.configuration.schema import AGENT, FORMS
from orchestrator.errors import InvalidStack, Mistake
from orchestrator.forges.place import PUBLIC_GITHUB, Kind
from orchestrator.settings import Settings
from orchestrator.stack.model import Drift
from orchestrator.stack.project import read_document
from orchestrator.stack.text.source import in_order
from orchestrator.stack.written.durations import seconds
from orchestrator.stack.written.guarding import check_times, read_windows
from orchestrator.stack.written.sections import Section
from orchestrator.stack.written.shape import check_shape

_UNITS = {"MiB": 1024**2, "GiB": 1024**3}
_SHORTEST_LEASE, _LONGEST_LEASE = 3.0, 60.0
_START = "docs/agent.md shows a small one"


def load_configuration(file: Path, settings: Settings) -> Configuration:
    """Read the agent's file; paths in it start from its directory.

    Raises InvalidStack with every mistake, UsageError when it cannot be read.
    """
    document = read_document(file.parent, file.name, start=_START)
    top = Section(document=document)
    found = in_order((*check_shape(document, AGENT, FORMS), *_mistakes(top)))
    if found:
        raise InvalidStack(found)
    return _configuration(top, file, settings)


def _mistakes(top: Section) -> Iterator[Mistake]:
    """Yield what is wrong beyond the shape."""
    yield from check_times(top.below("defaults", "windows"))
    yield from _check_directory(top)
    yield from channel_mistakes(top)
    yield from _check_leader(top.below("leader"))
    if not top.below("repositories").entries():
        yield _mistake(top, ("repositories",), "there is no repository", "name one, with its url")
    for repository in top.below("repositories").entries():
        yield from _check_repository(top, repository)


def _check_directory(top: Section) -> Iterator[Mistake]:
    retry = top.below("retry")
    first, most = _time(retry, "first", Retry().first), _time(retry, "most", Retry().most)
    if first > most:
        message = "the first wait is longer than the longest"
        yield _mistake(retry, ("first",), message, "`most` is at least as long as `first`")


def _check_leader(leader: Section) -> Iterator[Mistake]:
    if not _SHORTEST_LEASE <= _time(leader, "lease", 15.0) <= _LONGEST_LEASE:
        message = "a replica that died would be missed too soon, or too late"
        hint = f"give it {_SHORTEST_LEASE:g}s to {_LONGEST_LEASE:g}s"
        yield _mistake(leader, ("lease",), message, hint)


def _check_repository(top: Section, repository: Section) -> Iterator[Mistake]:
    url = urlsplit(repository.text("url"))
    # Over HTTP a name alone may be a token.
    if url.password is not None or (url.scheme in {"http", "https"} and url.username):
        what = "a password" if url.password is not None else "a user, which may be a token"
        message = f"the address holds {what}"
        hint = "write it to a file: credentials.username and credentials.password_file"
        place = replace(repository.locate(("url",)), text="")  # the line is shown to nobody
        yield Mistake(message=message, place=place, hint=hint)
    if repository.text("url").startswith("-"):
        yield _mistake(repository, ("url",), "the address begins with a dash", "write it in full")
    if repository.values.get("webhook") and not top.text("listen"):
        message = "webhooks are told nowhere"
        yield _mistake(
            repository, ("webhook",), message, "add 'listen: \"0.0.0.0:8080\"' at the top"
        )
    statuses = repository.below("statuses")
    if statuses.text("kind") in {Kind.GITLAB, Kind.GITEA} and not statuses.text("api"):
        message = "nothing says where the forge is"
        hint = "add its API, such as 'api: https://gitlab.example.org/api/v4'"
        yield _mistake(statuses, ("kind",), message, hint)
    signed = repository.below("signed")
    if "signed" in repository.values and not (signed.text("ssh") or signed.text("gpg")):
        message = "nobody is named whose commits are taken"
        yield _mistake(
            repository, ("signed",), message, "name a file with ssh or gpg, or remove it"
        )
    credentials = repository.below("credentials")
    if credentials.text("username") and not credentials.text("password_file"):
        message = "a username goes with a password_file"
        yield _mistake(credentials, ("username",), message, "name the file, or remove the username")
    for stack in repository.below("stacks").entries():
        yield from check_times(stack.below("windows"))


def _mistake(section: Section, path: tuple[str, ...], message: str, hint: str) -> Mistake:
    return Mistake(message=message, place=section.locate(path), hint=hint)


def _configuration(top: Section, file: Path, settings: Settings) -> Configuration:
    home, name = file.parent.resolve(), top.text("name") or "agent"
    otherwise = _stack(top.below("defaults"), StackSettings())
    return Configuration(
        file=file.resolve(),
        name=name,
        directory=_path(top, "directory", home) or settings.cache / "agents" / name,
        listen=top.text("listen"),
        workers=top.number("workers") or 4,
        leader=_leader(top.below("leader"), home),
        limits=_limits(top.below("limits")),
        retry=_retry(top.below("retry")),
        repositories={
            str(each.path[-1]): _repository(each, home, otherwise)
            for each in top.below("repositories").entries()
        },
        channels=read_channels(top, home),
    )


def _leader(section: Section, home: Path) -> Leader | None:
    if not section.values:
        return None
    return Leader(
        namespace=section.text("namespace"),
        context=section.text("context"),
        kubeconfig=_path(section, "kubeconfig", home),
        lease=_time(section, "lease", 15.0),
    )


def _limits(section: Section) -> Limits:
    usual = Limits()
    memory = section.text("memory")
    return Limits(
        time=_time(section, "time", usual.time),
        memory=int(memory[:-3]) * _UNITS[memory[-3:]] if memory else usual.memory,
        grace=_time(section, "grace", usual.grace),
    )


def _retry(section: Section) -> Retry:
    usual = Retry()
    return Retry(
        first=_time(section, "first", usual.first),
        most=_time(section, "most", usual.most),
        attempts=section.number("attempts") or usual.attempts,
    )


def _repository(section: Section, home: Path, otherwise: StackSettings) -> Repository:
    stacks = section.below("stacks")
    webhook, signed = section.below("webhook"), section.below("signed")
    return Repository(
        name=str(section.path[-1]),
        url=section.text("url"),
        branch=section.text("branch") or "main",
        poll=_time(section, "poll", 60.0),
        credentials=_credentials(section.below("credentials"), home),
        signed=Signed(ssh=_path(signed, "ssh", home), gpg=_path(signed, "gpg", home))
        if signed.values
        else None,
        webhook=Webhook(
            kind=HookKind(webhook.text("kind")), secret_file=home / webhook.text("secret_file")
        )
        if webhook.values
        else None,
        statuses=_statuses(section.below("statuses"), home),
        allowed=_allowed(section.below("allow")),
        stacks={str(each.path[-1]): _stack(each, otherwise) for each in stacks.entries()}
        if stacks.values
        else None,
        otherwise=otherwise,
    )


def _statuses(section: Section, home: Path) -> Statuses | None:
    if not section.values:
        return None
    return Statuses(
        kind=Kind(section.text("kind")),
        api=section.text("api") or PUBLIC_GITHUB,
        repository=section.text("repository"),
        token_file=home / Path(section.text("token_file")).expanduser(),
    )


def _credentials(section: Section, home: Path) -> Credentials:
    return Credentials(
        username=section.text("username"),
        password_file=_path(section, "password_file", home),
        ssh_key_file=_path(section, "ssh_key_file", home),
        known_hosts_file=_path(section, "known_hosts_file", home),
    )


def _allowed(section: Section) -> Allowed:
    return Allowed(
        clusters=_patterns(section, "clusters"),
        namespaces=_patterns(section, "namespaces"),
        sources=_patterns(section, "sources"),
        ledgers=_patterns(section, "ledgers"),
    )


def _stack(section: Section, usual: StackSettings) -> StackSettings:
    """Read what is said of a stack, over what holds for all."""
    approval = section.flag("approval")
    return StackSettings(
        environments=_patterns(section, "environments") or usual.environments,
        drift=_drift(section.below("drift"), usual.drift),
        approval=usual.approval if approval is None else approval,
        windows=read_windows(section.below("windows"))
        if section.values.get("windows")
        else usual.windows,
        vanished=Vanished(section.text("vanished") or usual.vanished),
        service_account=section.text("service_account") or usual.service_account,
    )


def _drift(section: Section, usual: DriftChecks) -> DriftChecks:
    return DriftChecks(
        policy=Drift(section.text("policy") or usual.policy),
        workloads=_often(section, "workloads", usual.workloads),
        infrastructure=_often(section, "infrastructure", usual.infrastructure),
    )


def _often(section: Section, key: str, usual: float | None) -> float | None:
    if section.flag(key) is False:
        return None
    written = section.text(key)
    return seconds(written) if written else usual


def _time(section: Section, key: str, usual: float) -> float:
    written = section.text(key)
    return seconds(written) if written else usual


def _patterns(section: Section, key: str) -> tuple[str, ...] | None:
    return section.texts(key) if key in section.values else None


def _path(section: Section, key: str, home: Path) -> Path | None:
    written = section.text(key)
    return home / Path(written).expanduser() if written else None
