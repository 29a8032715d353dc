"""Where in a Pod the files are that the agent's file names: in a Secret, whose files may rotate. Pure."""

from pathlib import Path
from typing import Final

from orchestrator.agent.configuration.files import hidden_of, named_files
from orchestrator.agent.configuration.model import Configuration

HOME: Final = "/var/lib/orchestrator"
FILES: Final = "/etc/orchestrator"
CREDENTIALS: Final = "/etc/orchestrator-credentials"


def needed_files(configuration: Configuration) -> tuple[str, ...]:
    """Return what the Secret of the Deployment has to hold, by name, sorted."""
    return tuple(sorted({file.name for file in named_files(configuration) if _is_placed(file)}))


def troubles(configuration: Configuration, *, usual: Path) -> tuple[str, ...]:
    """Return what would not work in a Pod; ``usual`` is the directory of an agent that names none."""
    files = (file for file in dict.fromkeys(named_files(configuration)) if not _is_placed(file))
    found = [
        f"{file} will not be in the Pod: its files come from its Secret, as {CREDENTIALS}/NAME"
        for file in files
    ]
    found += [
        f"the variable {name} will not be set in the Pod: name a file in its place, as {CREDENTIALS}/NAME"
        for name in dict.fromkeys(
            each.variable for each in hidden_of(configuration) if each.variable
        )
    ]
    directory = configuration.directory
    if directory != usual and not directory.is_relative_to(HOME):
        found.append(f"the agent cannot write to {directory} in the Pod: choose one below {HOME}")
    return tuple(found)


def _is_placed(file: Path) -> bool:
    return file.parent == Path(CREDENTIALS)  # a Secret has no folders
