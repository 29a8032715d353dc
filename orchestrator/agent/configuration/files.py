"""Which files the agent's file names. Their content is read each time, so that it may rotate."""

import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.agent.configuration.channels import Channel, Hidden, Mail, Slack, Webhook
from orchestrator.agent.configuration.model import Configuration, Repository


def named_files(configuration: Configuration) -> Iterator[Path]:
    """Yield every file that the agent's file names: credentials, secrets, keys and a kubeconfig."""
    for repository in configuration.repositories.values():
        yield from (file for file in _of_repository(repository) if file)
    if configuration.leader and configuration.leader.kubeconfig:
        yield configuration.leader.kubeconfig
    yield from (each.file for each in hidden_of(configuration) if each.file)


def _of_repository(repository: Repository) -> Iterator[Path | None]:
    shown, signed = repository.credentials, repository.signed
    yield from (shown.password_file, shown.ssh_key_file, shown.known_hosts_file)
    if signed:
        yield from (signed.ssh, signed.gpg)
    yield repository.webhook.secret_file if repository.webhook else None
    yield repository.statuses.token_file if repository.statuses else None


def hidden_of(configuration: Configuration) -> Iterator[Hidden]:
    """Yield where the secrets of channels are, each a file or a variable."""
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


def not_there(configuration: Configuration) -> tuple[Path, ...]:
    """Return the files that cannot be read now, each once; that may come right while the agent runs."""
    files = dict.fromkeys(named_files(configuration))
    return tuple(file for file in files if not (file.is_file() and os.access(file, os.R_OK)))
