"""What Terraform says of a rewritten module, as if it had said that of the module itself; pure."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from orchestrator.infrastructure.reading.diagnostics import Diagnostic, in_order, sentence
from orchestrator.infrastructure.running.run import Ended
from orchestrator.infrastructure.shadow.rewriting import CALL, INSTEAD, OURS, Rewritten
from orchestrator.infrastructure.workspace import Workspace

_COUNTED: Final = {"Invalid count argument": "count", "Invalid for_each argument": "for_each"}
_REFUSED: Final = "Invalid value for variable"
_WRONG_VALUES: Final = frozenset(
    {
        _REFUSED,
        "Invalid value for input variable",
        "Invalid value for module argument",
    }
)
_VARIABLE: Final = re.compile(r'\s*variable\s+"?([\w-]+)')
# A declaration where it was moved to, by its whole path.
_MOVED: Final = re.compile(rf"(?<= at )[^\n]*?/{CALL}/([\w.-]+):(\d+),\d+(?:-[\d,]+)?")


class Reader:
    """Reads messages of one throw-away plan."""

    def __init__(self, workspace: Workspace, rewritten: Rewritten) -> None:
        self._workspace = workspace
        self._rewritten = rewritten
        own = {workspace.known_file(name): name for name in rewritten.files}
        self._lines = {shown: name for shown, name in own.items() if name in rewritten.added}

    def understood(self, told: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return messages with the names and lines that the module's own files have."""
        return tuple(map(self._understood, told))

    def mistakes(self, told: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return those that say that a value is wrong which is known."""
        return tuple(one for one in told if not one.warning and one.summary in _WRONG_VALUES)

    def uncounted(self, told: Iterable[Diagnostic]) -> str:
        """Return which resource or module there may be any number of, or an empty text."""
        for one in in_order(told):
            if not one.warning and one.summary in _COUNTED:
                words = [word.strip('"') for word in one.context.split()]
                name = ".".join(words[1:] if words[:1] == ["resource"] else words)
                place = f" ({one.file}:{one.line})" if one.file else ""
                what = name or "a resource"
                return f"the {_COUNTED[one.summary]} of {what}{place} depends on that"
        return ""

    def told(self, ended: Ended) -> str:
        """Return what Terraform said first, as the reason why a module cannot be planned."""
        errors = [one for one in in_order(ended.diagnostics) if not one.warning]
        said = sentence(errors[0]) if errors else ended.stderr.strip().splitlines()[-1]
        return self._workspace.site.secrets.redact(f"before that, Terraform says: {said}")

    def _understood(self, one: Diagnostic) -> Diagnostic:
        if one.file.endswith(OURS):
            one = self._workspace.placed_at_input(one)
        elif refused := self._refused_input(one):
            one = self._workspace.placed_at(refused, one)
        name = self._lines.get(one.file)
        line = self._rewritten.line(name, one.line) if name else one.line
        return replace(
            one,
            line=line,
            summary=self._as_written(one.summary),
            detail=self._as_written(one.detail),
            code=self._as_written(one.code),
        )

    def _refused_input(self, one: Diagnostic) -> str:
        """Return the input that a validation refused, where its declaration is named instead, as OpenTofu does."""
        declared = _VARIABLE.match(one.code)
        own = self._workspace.known_file(PurePosixPath(one.file).name) == one.file
        known = declared and own and declared[1] in self._workspace.inputs
        return declared[1] if declared and known and one.summary == _REFUSED else ""

    def _as_written(self, text: str) -> str:
        named = text.replace(f"{INSTEAD}var.", "var.").replace(INSTEAD, "var.")
        return _MOVED.sub(self._in_the_module, named)

    def _in_the_module(self, found: re.Match[str]) -> str:
        """Return the place in Git of a declaration that was moved, which kept its lines."""
        return f"{self._workspace.known_file(found[1])}:{found[2]}"
