"""The grammar of ``${{ path }}``: one scalar's text as literal text, references and what is wrong with it.

A path is a root (``vars``, ``modules``, ``stack``, ``environment``, ``unit``, ``revision``) and segments:
``.name``, ``[0]`` or ``["any key"]``. There are no functions and no operators. ``$${{`` is a literal ``${{``.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from orchestrator.stack.model import UnitId
from orchestrator.stack.names import did_you_mean

OPENING: Final = "${{"
ROOTS: Final = ("vars", "modules", "stack", "environment", "unit", "revision")

_NAME = r"[A-Za-z0-9_][-A-Za-z0-9_]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SEGMENT = re.compile(rf"\.(?P<name>{_NAME})|\[(?P<index>[0-9]{{1,9}})\]|\[(?P<quoted>{_QUOTED})\]")
_ROOT = re.compile(_NAME)
_BRACES = re.compile(
    rf"\$\$\{{\{{|\$\{{\{{(?P<body>(?:{_QUOTED}|[^\"}}]|\}}(?!\}}))*)\}}\}}|\$\{{\{{", re.DOTALL
)
_SIMPLE = re.compile(_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One ``${{ path }}``.

    ``segments`` are what follows the root; ``text`` is how it was written, braces included, to find it again.
    """

    root: str
    segments: tuple[str | int, ...] = ()
    text: str = ""

    @property
    def path(self) -> str:
        """Return the path in its one canonical form, such as ``modules.network.subnets[0]``."""
        return spell(self.root, self.segments)

    @property
    def unit(self) -> UnitId | None:
        """Return the module that is read, or None for anything else."""
        return UnitId(f"modules.{self.segments[0]}") if self.root == "modules" else None

    @property
    def output(self) -> str | None:
        """Return the name of the output that is read, or None for anything else."""
        return str(self.segments[1]) if self.root == "modules" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """An expression that cannot be read; ``text`` is how it was written."""

    text: str
    message: str
    hint: str


Part: TypeAlias = str | Reference | Malformed


@lru_cache(maxsize=4096)
def parse_scalar(text: str) -> tuple[Part, ...]:
    """Return the parts of a scalar in order; literal text has its escapes already undone."""
    parts: list[Part] = []
    position = 0
    for found in _BRACES.finditer(text):
        if found.start() < position:
            continue
        _append(parts, text[position : found.start()])
        part, position = _part(text, found)
        _append(parts, part)
    _append(parts, text[position:])
    return tuple(parts)


def spell(start: str, segments: tuple[str | int, ...]) -> str:
    """Return ``start`` followed by the segments as a path is written: ``a.b[0]["c d"]``."""
    return start + "".join(_spell(segment) for segment in segments)


def _spell(segment: str | int) -> str:
    if isinstance(segment, int):
        return f"[{segment}]"
    return (
        f".{segment}"
        if _SIMPLE.fullmatch(segment)
        else f"[{json.dumps(segment, ensure_ascii=False)}]"
    )


def _append(parts: list[Part], part: Part) -> None:
    if isinstance(part, str) and parts and isinstance(parts[-1], str):
        parts[-1] += part
    elif part != "":
        parts.append(part)


def _part(text: str, found: re.Match[str]) -> tuple[Part, int]:
    """Return the part that begins where ``found`` does, and where the text goes on."""
    if found.group() == f"${OPENING}":
        return OPENING, found.end()
    if found.group("body") is not None:
        return _expression(found.group(), found.group("body").strip()), found.end()
    end = text.find("}}", found.end())
    if end < 0:
        hint = 'close it with "}}", or write "$${{" for the text itself'
        return Malformed(text=OPENING, message="this '${{' is never closed", hint=hint), len(text)
    written = text[found.start() : end + 2]
    return Malformed(
        text=written, message=f"{written} has a quote that is never closed", hint=HOW_TO_READ
    ), end + 2


HOW_TO_READ: Final = "write a path, such as ${{ vars.NAME }} or ${{ modules.NAME.OUTPUT }}"


def _expression(written: str, body: str) -> Reference | Malformed:
    if not body:
        return Malformed(text=written, message="this expression is empty", hint=HOW_TO_READ)
    root = _ROOT.match(body)
    segments = _segments(body, root.end()) if root else None
    if root is None or segments is None:
        return Malformed(
            text=written, message=f"{written} is not a path", hint=_why_not_a_path(body)
        )
    return _checked(Reference(root=root.group(), segments=segments, text=written))


def _segments(body: str, position: int) -> tuple[str | int, ...] | None:
    segments: list[str | int] = []
    while position < len(body):
        found = _SEGMENT.match(body, position)
        if found is None:
            return None
        try:
            segments.append(_segment(found))
        except ValueError:  # an escape that JSON does not know
            return None
        position = found.end()
    return tuple(segments)


def _segment(found: re.Match[str]) -> str | int:
    if found["name"] is not None:
        return found["name"]
    return int(found["index"]) if found["index"] is not None else str(json.loads(found["quoted"]))


def _why_not_a_path(body: str) -> str:
    if "['" in body or "[-" in body:
        return 'write an index as [0] and a key as ["key"]'
    if re.search(r"[-+*/|&?!=<>()%,\s]", body):
        return (
            "there are no functions and operators here: compute it in a module and read its output"
        )
    return HOW_TO_READ


def _checked(reference: Reference) -> Reference | Malformed:
    message, hint = _problem(reference)
    return Malformed(text=reference.text, message=message, hint=hint) if message else reference


def _problem(reference: Reference) -> tuple[str, str]:
    match reference.root:
        case "vars":
            return _problem_of_variable(reference.segments)
        case "modules":
            return _problem_of_output(reference.segments)
        case "stack" | "environment" | "unit" | "revision" as root:
            words = (f"{root!r} is a text without parts", f"write ${{{{ {root} }}}}")
            return words if reference.segments else ("", "")
        case "manifests":
            hint = "read what they read: a variable, or a module's output"
            return "manifest sets have no outputs", hint
        case root:
            return f"{root!r} is nothing that an expression can read", did_you_mean(root, ROOTS)


def _problem_of_variable(segments: tuple[str | int, ...]) -> tuple[str, str]:
    if segments and isinstance(segments[0], str):
        return "", ""
    return "'vars' needs the name of a variable", "write ${{ vars.NAME }}"


def _problem_of_output(segments: tuple[str | int, ...]) -> tuple[str, str]:
    match segments:
        case (str(), str(), *_):
            return "", ""
        case (str(module),):
            hint = f"write ${{{{ modules.{module}.OUTPUT }}}}"
            return f"'modules.{module}' needs the name of an output", hint
        case _:
            hint = "write ${{ modules.NAME.OUTPUT }}"
            return "'modules' needs the names of a module and of an output", hint
