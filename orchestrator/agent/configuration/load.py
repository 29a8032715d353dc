"""Reading the agent's file: every mistake at once, then frozen data."""

from pathlib import Path
from posixpath import normpath

from orchestrator.agent.configuration.checks import memory_at, mistakes_of, time_at
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
from orchestrator.agent.configuration.notifications import read_channels
from orchestrator.agent.configuration.schema import AGENT, FORMS
from orchestrator.errors import InvalidStack, UsageError
from orchestrator.forges.place import PUBLIC_GITHUB, Kind
from orchestrator.settings import Settings
from orchestrator.stack.model import Drift
from orchestrator.stack.project import document_in
from orchestrator.stack.text.source import in_order
from orchestrator.stack.written.durations import seconds
from orchestrator.stack.written.guarding import read_windows
from orchestrator.stack.written.sections import Section
from orchestrator.stack.written.shape import check_shape

_START = "docs/agent.md shows a small one"


def load_configuration(
    file: Path, settings: Settings, *, as_read: Path | None = None
) -> Configuration:
    """Read the agent's file; paths in it start from its directory. ``as_read`` has what it said at another time.

    Raises InvalidStack with every mistake, UsageError when it cannot be read.
    """
    said = _read(as_read or file)
    top = Section(document=document_in(said, file.name, start=_START))
    found = in_order((*check_shape(top.document, AGENT, FORMS), *mistakes_of(top)))
    if found:
        raise InvalidStack(found)
    return _configuration(top, file, settings, said)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file.name}: {error.strerror}") from error


def _configuration(top: Section, file: Path, settings: Settings, said: bytes) -> Configuration:
    home, name = file.parent.resolve(), top.text("name") or "agent"
    otherwise = _stack(top.below("defaults"), StackSettings())
    return Configuration(
        # Where a cluster puts a file, it is a link to what goes away with the next version.
        file=home / file.name,
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
        said=said,
    )


def _leader(section: Section, home: Path) -> Leader | None:
    if not section.values:
        return None
    return Leader(
        namespace=section.text("namespace"),
        context=section.text("context"),
        kubeconfig=_path(section, "kubeconfig", home),
        lease=time_at(section, "lease", 15.0),
    )


def _limits(section: Section) -> Limits:
    usual = Limits()
    return Limits(
        time=time_at(section, "time", usual.time),
        memory=memory_at(section, "memory", usual.memory),
        grace=time_at(section, "grace", usual.grace),
    )


def _retry(section: Section) -> Retry:
    usual = Retry()
    return Retry(
        first=time_at(section, "first", usual.first),
        most=time_at(section, "most", usual.most),
        attempts=section.number("attempts") or usual.attempts,
    )


def _repository(section: Section, home: Path, otherwise: StackSettings) -> Repository:
    stacks = section.below("stacks")
    webhook, signed = section.below("webhook"), section.below("signed")
    return Repository(
        name=str(section.path[-1]),
        url=section.text("url"),
        branch=section.text("branch") or "main",
        path=normpath(section.text("path")) if section.text("path") else "",
        poll=time_at(section, "poll", 60.0),
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
        modules=section.flag("modules") is not False,
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


def _patterns(section: Section, key: str) -> tuple[str, ...] | None:
    return section.texts(key) if key in section.values else None


def _path(section: Section, key: str, home: Path) -> Path | None:
    written = section.text(key)
    return home / Path(written).expanduser() if written else None
