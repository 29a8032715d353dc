"""GitPython, loaded without what is not used: the part that starts Git's own commands."""

from typing import TYPE_CHECKING

from orchestrator.errors import RepositoryError
from orchestrator.importing import import_alone

if TYPE_CHECKING:
    from git.cmd import Git


def git_in(directory: str) -> "Git":
    """Return GitPython's ``Git``, whose commands run in ``directory``.

    Its packages are not run: they load an object database and a configuration parser of their own and start
    ``git version`` twice, which takes three times as long as what is used here.
    """
    command: Git = import_alone("git.cmd", "git", "gitdb").Git(directory)
    return command


def not_found() -> RepositoryError:
    """Return the error for a machine on which there is no Git to run."""
    return RepositoryError(
        "git cannot be run", hint="install Git 2.30 or later and see that it is on PATH"
    )
