"""Where in a Pod the files are that the agent's file names: in a Secret, whose files may rotate. Pure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.agent.configuration.channels import Channel, Hidden, Mail, Slack, Webhook
from orchestrator.agent.configuration.model import Configuration, Repository

HOME: Final = "/var/lib/orchestrator"
FILES: Final = "/etc/orchestrator"
CREDENTIALS: Final = "/etc/orchestrator-credentials"


def needed_files(configuration: Configuration) -> tuple[str, ...]:
    """Return what the Secret of the Deployment has to hold, by name, sorted."""
    return tuple(sorted({file.name for file in _files(configuration) if _is_placed(file)}))


def troubles(configuration: Configuration, *, usual: Path) -> tuple[str, ...]:
    """Return what would not work in a Pod; ``usual`` is the directory of an agent that names none."""
    files = (file for file in dict.fromkeys(_files(configuration)) if not _is_placed(file))
    found = [
        f"{file} will not be in the Pod: its files come from its Secret, as {CREDENTIALS}/NAME"
        for file in files
    ]
    found += [
        f"the variable {name} will not be set in the Pod: name a file in its place, as {CREDENTIALS}/NAME"
        for name in dict.fromkeys(each.variable for each in _hidden(configuration) if each.variable)
    ]
    directory = configuration.directory
    if directory != usual and not directory.is_relative_to(HOME):
        found.append(f"the agent cannot write to {directory} in the Pod: choose one below {HOME}")
    return tuple(found)


def _is_placed(file: Path) -> bool:
    return file.parent == Path(CREDENTIALS)  # a Secret has no folders


def _files(configuration: Configuration) -> Iterator[Path]:
    """Yield every file that is named."""
    for repository in configuration.repositories.values():
        yield from (file for file in _of_repository(repository) if file)
    if configuration.leader and configuration.leader.kubeconfig:
        yield configuration.leader.kubeconfig
    yield from (each.file for each in _hidden(configuration) if each.file)


def _of_repository(repository: Repository) -> Iterator[Path | None]:
    shown, signed = repository.credentials, repository.signed
    yield from (shown.password_file, shown.ssh_key_file, shown.known_hosts_file)
    if signed:
        yield from (signed.ssh, signed.gpg)
    yield repository.webhook.secret_file if repository.webhook else None
    yield repository.statuses.token_file if repository.statuses else None


def _hidden(configuration: Configuration) -> Iterator[Hidden]:
    for channel in configuration.channels:
        yield from _of_channel(channel)


def _of_channel(channel: Channel) -> Iterator[Hidden]:
    match channel.target:
        case Slack(url=url):
            yield url
        case Webhook(url=url, secret=secret):
            yield from (url, secret)
        case Mail(password=Hidden() as password):
            yield password
        case _:
            return
