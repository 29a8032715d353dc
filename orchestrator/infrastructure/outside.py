"""Whether a module reads files outside of its directory, which nobody can tell for sure without running it."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CONFIGURATION: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
# A path in a module's text that leads out of its directory, other than the source of a module that it calls.
_OUTSIDE: Final = re.compile(r"\.\./")
_CALLED: Final = re.compile(r"^\s*\"?source\"?\s*[=:]")


def leading_outside(tree: Path, files: Iterable[str]) -> str:
    """Return where a module may read what lies outside of it, as ``FILE:LINE``, or an empty text.

    ``files`` are paths in the tree, of all that it is made of.
    """
    for file in sorted(files):
        if not file.endswith(_CONFIGURATION):
            continue
        lines = (tree / file).read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if _OUTSIDE.search(line) and not _CALLED.match(line):
                return f"{file}:{number}"
    return ""
