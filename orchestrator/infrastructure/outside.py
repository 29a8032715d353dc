"""Whether a module reads files outside of its directory, which nobody can tell for sure without running it.

So its text is searched for all that a path out of it is made of, and in doubt it reads outside.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.stack.links import part_behind

_CONFIGURATION: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
_READER: Final = r"\b(?:file(?:set|exists|base64|md5|sha\d+|base64sha\d+)?|templatefile)\s*\(\s*"
# The parent directory as a part of a path, also written in escapes; an ellipsis has one point more.
_PARENT: Final = r"(?<![\w.])\.\.(?![\w.])|\\u002[eE]|\\U0000002[eE]"
_LEADING: Final = re.compile(
    rf"{_PARENT}"
    r"|\b(?:dirname|abspath|pathexpand)\s*\("
    r"|\bpath\.cwd\b"
    # What cuts a path to pieces may leave its beginning.
    r"|\b(?:split|substr|replace|regex|regexall|trim|trimsuffix|strrev)\s*\([^()\n]*\bpath\."
    rf"|{_READER}\\?\"(?:[/~]|[A-Za-z]:)"
)
# A file is read whose path does not begin with the module's directory, or with a name.
_COMPUTED: Final = re.compile(
    rf"{_READER}(?!\\?\"(?![$%]\{{)|\\?\"\$\{{path\.(?:module|root)\}}|path\.(?:module|root)\b)"
)
_ABSOLUTE: Final = re.compile(r"\"(?:[/~]|[A-Za-z]:[/\\])")
_PARENT_OF_INPUT: Final = re.compile(_PARENT)
# Nothing but a plain text: what is computed may be the content of a file.
_SOURCE: Final = re.compile(r"^\s*\"?source\"?\s*[=:]\s*\"(?P<path>[^\"$%]*)\"\s*,?\s*(#.*|//.*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """What in the text of a module leads outside of it: ``where`` is ``FILE:LINE``, empty when nothing does.

    ``computed`` says that it reads files whose paths are not certain: one that it is given may be read, too.
    """

    where: str
    computed: bool = False

    def given(self, inputs: Any) -> str:
        """Return where the module may read what lies outside when it gets these values, or an empty text."""
        leads = any(_leads(value, absolute=self.computed) for value in _texts(inputs))
        return self.where or ("an input" if leads else "")


def leading_outside(tree: Path, files: Iterable[str], inputs: Any = None) -> str:
    """Return where a module may read what lies outside of it, as ``FILE:LINE``, or an empty text.

    ``files`` are paths in the tree, of all that it is made of; a link among them that leads to no part of the tree
    leads outside too, and templates may read files as well. ``inputs`` are the values that it is given: a path among
    them may be read, too.
    """
    return look_outside(tree, files).given(inputs)


def look_outside(tree: Path, files: Iterable[str]) -> Leading:
    """Return what in a module's files leads outside of it, whatever it is given."""
    texts: dict[str, str] = {}
    for file in sorted(files):
        if (tree / file).is_symlink():
            if part_behind(tree, file) is None:
                return Leading(where=file)
            if not (tree / file).is_file():
                continue  # the files of a directory are told, too
        if text := _language(tree / file):
            texts[file] = text
    computed = any(_COMPUTED.search(text) for text in texts.values())
    patterns = (_LEADING, _ABSOLUTE) if computed else (_LEADING,)
    for file, text in texts.items():
        if line := _line(tree / file, text, patterns):
            return Leading(where=f"{file}:{line}", computed=computed)
    return Leading(where="", computed=computed)


def _language(file: Path) -> str:
    """Return the text of a file of configuration, or of a template that reads files itself; else nothing."""
    content = file.read_bytes()
    if not file.name.endswith(_CONFIGURATION):
        template = b"${" in content or b"%{" in content
        if not template or not re.search(_READER.encode(), content):
            return ""
    return content.decode("utf-8", errors="replace")


def _line(file: Path, text: str, patterns: Iterable[re.Pattern[str]]) -> int:
    """Return the first line with one of the patterns, 0 when there is none."""
    places = sorted(found.start() for each in patterns for found in each.finditer(text))
    for place in places:
        before = text.rfind("\n", 0, place) + 1
        if not _calls_a_module(file, text[before:].partition("\n")[0].rstrip("\r")):
            return text.count("\n", 0, place) + 1
    return 0


def _calls_a_module(file: Path, line: str) -> bool:
    """Whether a line names the directory of a module, which counts among what the caller is made of."""
    found = _SOURCE.match(line)
    return found is not None and (file.parent / found["path"]).is_dir()


def _leads(text: str, *, absolute: bool) -> bool:
    return bool(_PARENT_OF_INPUT.search(text)) or (absolute and text.startswith(("/", "~")))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value, keys included."""
    match value:
        case str():
            yield value
        case Mapping():
            for key, inner in value.items():
                yield str(key)
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case _:
            yield str(value)
