"""Whether a module reads files outside of its directory, which nobody can tell for sure without running it."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_CONFIGURATION: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
# A path that leads out of the directory that it counts from.
_OUTSIDE: Final = "../"
# Nothing but a plain text: what is computed may be the content of a file.
_SOURCE: Final = re.compile(r"^\s*\"?source\"?\s*[=:]\s*\"(?P<path>[^\"$%]*)\"\s*,?\s*(#.*|//.*)?$")


def leading_outside(tree: Path, files: Iterable[str], inputs: Any = None) -> str:
    """Return where a module may read what lies outside of it, as ``FILE:LINE``, or an empty text.

    ``files`` are paths in the tree, of all that it is made of; a link among them leads outside too. ``inputs`` are
    the values that it is given: a path among them may be read as well.
    """
    for file in sorted(files):
        if (tree / file).is_symlink():
            return file
        if file.endswith(_CONFIGURATION) and (line := _line_outside(tree / file)):
            return f"{file}:{line}"
    return "an input" if _OUTSIDE in json.dumps(inputs, default=str) else ""


def _line_outside(file: Path) -> int:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if _OUTSIDE in line and not _calls_a_module(file, line):
            return number
    return 0


def _calls_a_module(file: Path, line: str) -> bool:
    """Whether a line names the directory of a module, which counts among what the caller is made of."""
    found = _SOURCE.match(line)
    return found is not None and (file.parent / found["path"]).is_dir()
