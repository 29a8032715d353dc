"""What a child is told to do, as its command line says it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

from orchestrator.agent.configuration.model import Configuration, Repository, StackSettings
from orchestrator.agent.decisions.agenda import Item, Key, Start, Task
from orchestrator.errors import UsageError, storage_error
from orchestrator.processes import Limits

SECOND_GRACE = Limits().second_grace + 5.0
"""Longer than a child leaves its own Terraform, which nobody could end any more once the child was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do with which stack, at which revision.

    ``newer`` is the file that appears when there is a newer one, ``declared`` the revision that declared last what is
    to be taken away; ``looks`` are the stacks that a patrol looks at.
    """

    configuration: Configuration
    task: Task
    key: Key
    revision: str
    declared: str = ""
    newer: Path | None = None
    looks: tuple[Key, ...] = ()

    @property
    def repository(self) -> Repository:
        """Return the repository that it is about, as the agent is told of it; raises UsageError."""
        found = self.configuration.repositories.get(self.key.repository)
        if found is None:
            raise UsageError(f"the agent watches no repository {self.key.repository!r}")
        return found

    @property
    def settings(self) -> StackSettings:
        """Return how the stack is kept; raises UsageError when it is none of the agent's business."""
        found = self.repository.settings_of(self.key.stack)
        if found is None:
            raise UsageError(f"the agent keeps no stack {self.key.stack!r}")
        return found

    @property
    def clone(self) -> Path:
        """Return where the agent's clone of the repository is."""
        return clone_of(self.configuration, self.key.repository)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the command line that says it."""
        words = ["agent", "work", self.task.value, self.key.repository]
        words += [self.key.stack, self.key.environment] if self.key.stack else []
        words += ["--config", str(self.configuration.file), "--revision", self.revision]
        words += ["--as-read", str(as_read_of(self.configuration))]
        words += ["--declared", self.declared] if self.declared else []
        words += ["--newer", str(self.newer)] if self.newer else []
        looks = (("--look", f"{each.stack}/{each.environment}") for each in self.looks)
        return (*words, *(word for pair in looks for word in pair))


def ordered(configuration: Configuration, start: Start, item: Item) -> Order:
    """Return the order by which something is begun, and have no newer revision be told of yet."""
    return Order(
        configuration=configuration,
        task=start.task,
        key=start.key,
        revision=item.revision,
        declared=item.declared,
        newer=none_newer(configuration, start.key) if start.key.stack else None,
    )


def clone_of(configuration: Configuration, repository: str) -> Path:
    """Return where the agent's clone of a repository is."""
    return configuration.directory / "repositories" / repository


def as_read_of(configuration: Configuration) -> Path:
    """Return where children find what the agent's file said when the agent read it."""
    return configuration.directory / "as-read.yaml"


def keep_as_read(configuration: Configuration) -> None:
    """Write it down there, unless it is there already; raises StorageError."""
    file = as_read_of(configuration)
    with suppress(OSError):
        if file.read_bytes() == configuration.said:
            return
    # Several children may begin at the same time.
    new = file.with_name(f"{file.name}.{get_ident()}")
    try:
        new.write_bytes(configuration.said)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise storage_error(error) from error


def none_newer(configuration: Configuration, key: Key) -> Path | None:
    """Return the file by which a child is told that a newer revision waits for it to end, which is not there yet.

    None where there can be no such file, such as on a disk that is full: then it is waited for to its end.
    """
    file = _newer_of(configuration, key)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def tell_newer(configuration: Configuration, key: Key, revision: str) -> None:
    """Tell the child of a stack, if it can be told, that a newer revision waits for it to end."""
    file = _newer_of(configuration, key)
    new = file.with_name(f"{file.name}.new")  # else the child may see it before its text is there
    with suppress(OSError):
        new.write_text(revision, encoding="utf-8")
        new.replace(file)


def _newer_of(configuration: Configuration, key: Key) -> Path:
    return configuration.directory / "newer" / f"{key.repository}.{key.stack}.{key.environment}"
