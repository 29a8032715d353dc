"""What is wrong with the agent's file beyond its shape: what cannot work, and what would do something unwanted."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from orchestrator.agent.configuration.model import Leader, Limits, Retry
from orchestrator.agent.configuration.notifications import channel_mistakes
from orchestrator.agent.configuration.schema import SIZE
from orchestrator.agent.configuration.twice import kept_twice
from orchestrator.errors import Mistake
from orchestrator.forges.place import Kind
from orchestrator.stack.names import nearest
from orchestrator.stack.written.durations import DURATION, seconds, written
from orchestrator.stack.written.guarding import check_times
from orchestrator.stack.written.sections import Section

_SHORTEST_LEASE: Final = 3.0
_LONGEST_LEASE: Final = 60.0
_LEAST_PAUSE: Final = 0.1
"""The shortest time after which anything is done again, in seconds: none at all would be all the time."""
_LEAST_RUN: Final = 1.0
"""The shortest time that a run is given for anything, in seconds."""
_LEAST_MEMORY: Final = 64 * 1024**2
"""What a run takes before it has done anything, or nearly so, in bytes."""
_LAST_PORT: Final = 2**16 - 1
_UNITS: Final = {"MiB": 1024**2, "GiB": 1024**3}
_TRANSPORTS: Final = ("https", "http", "ssh", "git", "file", "git+ssh", "ssh+git", "ftp", "ftps")
_NO_BRANCH: Final = re.compile(
    r"^[-/]|[/.]$|\.lock(/|$)|(^|/)\.|\.\.|//|@\{|[\x00-\x20\x7f~^:?*\[\\]|^HEAD$"
)


def mistakes_of(top: Section) -> Iterator[Mistake]:
    """Yield what is wrong with the agent's file beyond its shape."""
    yield from _check_port(top)
    yield from _check_stack(top.below("defaults"))
    yield from _check_retry(top.below("retry"))
    yield from _check_limits(top.below("limits"))
    yield from channel_mistakes(top)
    yield from _check_leader(top.below("leader"))
    if not top.below("repositories").entries():
        yield _mistake(top, ("repositories",), "there is no repository", "name one, with its url")
    for repository in top.below("repositories").entries():
        yield from _check_address(repository)
        yield from _check_branch(repository)
        yield from _check_path(repository)
        yield from _check_trust(repository)
        yield from _check_telling(top, repository)
        yield from _check_stacks(repository)
    yield from kept_twice(top)


def _check_port(top: Section) -> Iterator[Mistake]:
    port = top.text("listen").rpartition(":")[2]
    if port.isdecimal() and int(port) > _LAST_PORT:
        yield _mistake(top, ("listen",), f"there is no port {port}", "such as 8080")


def time_at(section: Section, key: str, usual: float) -> float:
    """Return a time in seconds, or the usual one."""
    text = section.text(key)
    return seconds(text) if text else usual


def memory_at(section: Section, key: str, usual: int) -> int:
    """Return an amount of memory in bytes, or the usual one."""
    text = section.text(key)
    return int(text[:-3]) * _UNITS[text[-3:]] if re.match(SIZE, text) else usual


def _check_retry(retry: Section) -> Iterator[Mistake]:
    yield from _check_least(retry, "first", _LEAST_PAUSE)
    yield from _check_least(retry, "most", _LEAST_PAUSE)
    if time_at(retry, "first", Retry().first) > time_at(retry, "most", Retry().most):
        message = "the first wait is longer than the longest"
        yield _mistake(retry, ("first",), message, "`most` is at least as long as `first`")


def _check_limits(limits: Section) -> Iterator[Mistake]:
    yield from _check_least(limits, "time", _LEAST_RUN)
    yield from _check_least(limits, "grace", _LEAST_RUN)
    if memory_at(limits, "memory", Limits().memory) < _LEAST_MEMORY:
        message = f"no run gets by on {limits.text('memory')}"
        yield _mistake(limits, ("memory",), message, "give it 64MiB or more, such as 2GiB")


def _check_least(section: Section, key: str, least: float) -> Iterator[Mistake]:
    text = section.text(key)
    if re.match(DURATION, text) and seconds(text) < least:
        message = f"{key} cannot be as short as {text}"
        yield _mistake(section, (key,), message, f"write {written(least)} or more")


def _check_leader(leader: Section) -> Iterator[Mistake]:
    lease = time_at(leader, "lease", Leader(namespace="").lease)
    if not _SHORTEST_LEASE <= lease <= _LONGEST_LEASE:
        message = "a replica that died would be missed too soon, or too late"
        hint = f"give it {_SHORTEST_LEASE:g}s to {_LONGEST_LEASE:g}s"
        yield _mistake(leader, ("lease",), message, hint)


def _check_address(repository: Section) -> Iterator[Mistake]:
    text = repository.text("url")
    url = urlsplit(text)
    # Over HTTP a name alone may be a token.
    if url.password is not None or (url.scheme in {"http", "https"} and url.username):
        what = "a password" if url.password is not None else "a user, which may be a token"
        message = f"the address holds {what}"
        hint = "write it to a file: credentials.username and credentials.password_file"
        place = replace(repository.locate(("url",)), text="")  # the line is shown to nobody
        yield Mistake(message=message, place=place, hint=hint)
        return
    if text.startswith("-"):
        yield _mistake(repository, ("url",), "the address begins with a dash", "write it in full")
    # Others may be a helper's of Git; these are misspelt.
    scheme, found, _ = text.partition("://")
    meant = nearest(scheme, _TRANSPORTS) if found and scheme not in _TRANSPORTS else ""
    if meant:
        message = f"Git knows no address that begins with {scheme}://"
        yield _mistake(repository, ("url",), message, f"did you mean '{meant}://'?")


def _check_branch(repository: Section) -> Iterator[Mistake]:
    branch = repository.text("branch")
    if _NO_BRANCH.search(branch):
        message = f"{branch!r} cannot be the name of a branch"
        hint = "write it as `git branch` shows it, such as main; not a tag, a commit or a pattern"
        yield _mistake(repository, ("branch",), message, hint)


def _check_path(repository: Section) -> Iterator[Mistake]:
    path = repository.text("path")
    if path.startswith(("/", "~")) or ".." in path.split("/"):
        message = f"{path!r} leads out of the repository"
        hint = "write it from the repository's root, such as teams/shop"
        yield _mistake(repository, ("path",), message, hint)
    elif "*" in path or path.endswith((".yaml", ".yml")):
        message = f"{path!r} is no folder"
        hint = "name the folder; patterns of stack files are `stacks` in the repository's orchestrator.yaml"
        yield _mistake(repository, ("path",), message, hint)


def _check_trust(repository: Section) -> Iterator[Mistake]:
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


def _check_telling(top: Section, repository: Section) -> Iterator[Mistake]:
    yield from _check_least(repository, "poll", _LEAST_PAUSE)
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


def _check_stacks(repository: Section) -> Iterator[Mistake]:
    stacks = repository.below("stacks")
    if "stacks" in repository.values and not stacks.entries():  # all would go by the defaults
        message = "no stack is named here"
        hint = "name one, or remove 'stacks' to keep all of them, as `defaults` say"
        yield _mistake(repository, ("stacks",), message, hint)
    for stack in stacks.entries():
        yield from _check_stack(stack)


def _check_stack(stack: Section) -> Iterator[Mistake]:
    yield from check_times(stack.below("windows"))
    for key in ("workloads", "infrastructure"):
        yield from _check_least(stack.below("drift"), key, _LEAST_PAUSE)


def _mistake(section: Section, path: tuple[str, ...], message: str, hint: str) -> Mistake:
    return Mistake(message=message, place=section.locate(path), hint=hint)
