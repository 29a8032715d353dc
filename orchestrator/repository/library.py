"""GitPython, loaded without what is not used: the part that starts Git's own commands."""

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Final

from orchestrator.errors import RepositoryError

if TYPE_CHECKING:
    from git.cmd import Git

_COMMANDS: Final = "git.cmd"
_BARE: Final = ("git", "gitdb")
_import_lock = threading.Lock()


def git_in(directory: str) -> "Git":
    """Return GitPython's ``Git``, whose commands run in ``directory``.

    Its packages are not run: they load an object database and a configuration parser of their own and start
    ``git version`` twice, which takes three times as long as what is used here.
    """
    with _import_lock:
        command: Git = _commands().Git(directory)
        return command


def _commands() -> ModuleType:
    if _COMMANDS in sys.modules or "git" in sys.modules:
        return importlib.import_module(_COMMANDS)
    packages = {name: _bare(name) for name in _BARE if name not in sys.modules}
    sys.modules.update(packages)
    try:
        return importlib.import_module(_COMMANDS)
    finally:
        for name in packages:
            del sys.modules[name]


def _bare(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations or ()) if spec else []
    return package


def not_found() -> RepositoryError:
    """Return the error for a machine on which there is no Git to run."""
    return RepositoryError(
        "git cannot be run", hint="install Git 2.30 or later and see that it is on PATH"
    )
