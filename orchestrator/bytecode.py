"""The bytecode of what ``dataclasses`` writes, kept between starts as Python keeps that of modules.

For each class it writes the text of six methods, and compiles them anew in every process: of two hundred classes that
was two fifths of what importing a plan took. A text and an interpreter decide the bytecode, so it is kept beside the
modules' own, by the whole text, and read and written where Python would do so (``PYTHONDONTWRITEBYTECODE``,
``PYTHONPYCACHEPREFIX``). It is trusted just as much. A file that cannot be read or written costs the time alone.
"""

import dataclasses
import marshal
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Final, cast

_MOST: Final = 4_000
"""So many texts are kept, several times what there are: those of former versions of ours go with the next write."""


class Generated:
    """Runs the texts that ``dataclasses`` writes, compiling only those that the file does not have."""

    def __init__(self, file: Path | None) -> None:
        """Keep bytecode in this file; in none where the interpreter keeps none."""
        self._file = file
        self._kept: Mapping[str, bytes] = {}
        self._fresh: dict[str, bytes] = {}

    @property
    def compiled(self) -> int:
        """Return how many texts had to be compiled in this process."""
        return len(self._fresh)

    def install(self) -> None:
        """Stand between ``dataclasses`` and the ``exec`` that it looks up among its own names first."""
        self._kept = _read(self._file) if self._file else {}
        setattr(dataclasses, "exec", self._run)  # noqa: B010 - there is no such name to assign to

    def save(self) -> None:
        """Write what was compiled here to the file, so that the next start finds it."""
        if not self._file or not self._fresh or sys.dont_write_bytecode:
            return
        known = {**self._kept, **self._fresh}
        with suppress(OSError):  # a folder that is not ours to write to is as good as none
            _write(self._file, known if len(known) <= _MOST else self._fresh)

    def _run(self, text: str, *names: dict[str, object]) -> None:
        kept = self._kept.get(text)
        if kept is None:
            code = compile(text, "<string>", "exec")
            self._fresh[text] = marshal.dumps(code)
        else:
            code = marshal.loads(kept)  # noqa: S302 - as Python loads the modules beside it
        exec(code, *names)  # noqa: S102 - what dataclasses asks for


def _beside_modules() -> Path | None:
    try:
        return Path(cache_from_source(str(Path(__file__).with_name("generated.py"))))
    except NotImplementedError:
        return None


def _read(file: Path) -> Mapping[str, bytes]:
    """Return what the file has for this interpreter; nothing where it is missing or damaged."""
    try:
        magic, kept = marshal.loads(file.read_bytes())  # noqa: S302 - as Python loads the modules beside it
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return cast("dict[str, bytes]", kept) if magic == MAGIC_NUMBER else {}


def _write(file: Path, known: Mapping[str, bytes]) -> None:
    file.parent.mkdir(exist_ok=True)
    written = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        written.write_bytes(marshal.dumps((MAGIC_NUMBER, dict(known))))
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)


generated: Final = Generated(_beside_modules())
"""That of the command line."""
