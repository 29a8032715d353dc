"""Importing one part of a library without what its package imports for other uses.

A start is most of what a short command takes, and most of a start is imports. The packages named here load whole
object databases, second clients and type definitions of which nothing is used; their parts are good libraries.
"""

import importlib
import importlib.util
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Final

_lock: Final = threading.Lock()


def import_alone(
    name: str, *packages: str, around: AbstractContextManager[None] | None = None
) -> ModuleType:
    """Import a module by name without running the ``__init__`` of these packages, which lead to it.

    They are imported as always by whoever asks for them later; where somebody did already, this is an ordinary
    import. ``around`` is entered only for a first import.
    """
    with _lock:
        if name in sys.modules or packages[0] in sys.modules:
            return importlib.import_module(name)
        bare = [package for package in packages if package not in sys.modules]
        try:
            for package in bare:
                sys.modules[package] = _bare(package)
            with around or nullcontext():
                return importlib.import_module(name)
        finally:
            for package in bare:
                sys.modules.pop(package, None)


def _bare(name: str) -> ModuleType:
    package = ModuleType(name)
    spec = importlib.util.find_spec(name)
    package.__path__ = list(spec.submodule_search_locations or ()) if spec else []
    return package
