"""A module's files rewritten so that some of its variables are read from a call, whose values are unknown; pure.

A root module's variables cannot be unknown, but what a called module gives back can. So the declarations of
pending variables move into a module of their own, with their types and marks, and ``var.NAME`` becomes
``module.orchestrator_pending.NAME``. Everything else stays as it is, line by line: addresses, paths, imports
and providers mean what they mean without us, and so does the state.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from orchestrator.infrastructure.declarations import is_override
from orchestrator.infrastructure.reading.bindings import ROOTS
from orchestrator.infrastructure.reading.hcl import Unreadable
from orchestrator.infrastructure.reading.structure import (
    Access,
    Node,
    Span,
    accesses,
    read_structure,
)
from orchestrator.infrastructure.reading.written_json import (
    but,
    listed,
    properties,
    read_document,
    read_in,
)
from orchestrator.infrastructure.shadow.edits import Edit, blank, edited, inside, lines_added, only

CALL = "orchestrator_pending"
"""The name of the call, and of the resource that is unknown."""

OURS = f"zzz_{CALL}.tf.json"
"""The file with both."""

INSTEAD = f"module.{CALL}."
"""What stands in place of ``var.`` for a pending variable."""

UNMADE = f"terraform_data.{CALL}"
"""The resource that is still to be created: what depends on it has to wait."""

_WHERE_STATE_IS = frozenset({"backend", "cloud", "encryption"})
_WAITING = {"data": 2, "module": 1}  # what is made to wait, with how many labels it has


@dataclass(slots=True, kw_only=True)
class Rewritten:
    """The files of a module, rewritten, and those of the module that its pending variables moved to.

    ``alone`` are files with nothing but the variables that are not pending. ``marks`` are what a variable's
    declaration says of secrecy; ``added`` tells after which lines of a file how many were added.
    """

    files: dict[str, str] = field(default_factory=dict)
    declarations: dict[str, str] = field(default_factory=dict)
    alone: dict[str, str] = field(default_factory=dict)
    marks: dict[str, dict[str, bool]] = field(default_factory=dict)
    added: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def outputs(self) -> dict[str, Any]:
        """Return what the module of pending variables gives back, in the JSON syntax."""
        return {
            name: {"value": f"${{var.{name}}}", **marks}
            for name, marks in sorted(self.marks.items())
        }

    def line(self, file: str, line: int) -> int:
        """Return which line of a file as it is written a line of the rewritten one is."""
        for after, count in self.added.get(file, ()):
            line -= min(count, max(0, line - after))
        return line


def rewrite(
    files: Mapping[str, str], pending: Collection[str], *, behind: bool = False
) -> Rewritten:
    """Rewrite the files of a module, by name; raises Unreadable for what is not Terraform's language.

    ``behind`` says that what it reads of the world is read only after others were applied: then its data sources
    wait, as with Terraform's own ``depends_on``.
    """
    result = Rewritten()
    for name, text in sorted(files.items()):
        waits = behind and not is_override(name)  # an override cannot say what depends on what
        if name.endswith(".json"):
            _Json(name, frozenset(pending), result).rewrite(text, waits=waits)
        else:
            _Native(name, text, frozenset(pending), result).rewrite(waits=waits)
    missing = set(pending) - result.marks.keys()
    if missing:
        raise Unreadable
    return result


class _Native:
    """One file in Terraform's own syntax."""

    def __init__(self, name: str, text: str, pending: frozenset[str], result: Rewritten) -> None:
        self._name = name
        self._text = text
        self._pending = pending
        self._result = result
        self._nodes = read_structure(text)

    def rewrite(self, *, waits: bool) -> None:
        variables = [node for node in self._nodes if node.type == "variable" and node.labels]
        moved = [node for node in variables if node.labels[0] in self._pending]
        for node in moved:
            _note_marks(self._result, node.labels[0], self._marked(node))
        removed = [blank(self._text, span) for span in self._removed(moved)]
        unfit = [
            blank(self._text, span)
            for node in variables
            for span in self._validations(node, moved=node in moved)
        ]
        insertions = list(self._insertions()) if waits else []
        changed = edited(self._text, [*removed, *self._redirected(removed), *insertions])
        self._result.files[self._name] = changed
        self._result.added[self._name] = lines_added(self._text, insertions)
        if moved:
            spans = [node.span for node in moved]
            self._result.declarations[self._name] = only(self._text, spans, unfit)
        spans = [node.span for node in variables if node not in moved]
        if spans:
            edits = [*unfit, *self._redirected(unfit)]
            self._result.alone[self._name] = only(self._text, spans, edits)

    def _removed(self, moved: Iterable[Node]) -> list[Span]:
        where = (node for node in self._nodes if node.type == "terraform")
        blocks = (
            block.span for node in where for block in node.blocks if block.type in _WHERE_STATE_IS
        )
        return [*(node.span for node in moved), *blocks]

    def _redirected(self, gone: Iterable[Edit]) -> list[Edit]:
        spans = [span for span, _ in gone]
        return [
            (access.span, INSTEAD + access.name)
            for access in accesses(self._text)
            if access.root == "var" and access.name in self._pending
            if not inside(access.span, spans)
        ]

    def _validations(self, node: Node, *, moved: bool) -> list[Span]:
        """Return the conditions of a variable that read what is not there when variables are alone."""
        return [
            block.span
            for block in node.blocks
            if block.type == "validation" and not self._reads_variables(block.span, moved=moved)
        ]

    def _reads_variables(self, span: Span, *, moved: bool) -> bool:
        known = self._pending if moved else None
        read = accesses(self._text, span.start, span.end)
        return "::" not in span.of(self._text) and _all_variables(read, known)

    def _marked(self, node: Node) -> Callable[[str], bool]:
        return lambda key: (
            key in node.attributes and node.attributes[key].of(self._text) in {"true", '"true"'}
        )

    def _insertions(self) -> Iterable[Edit]:
        for node in self._nodes:
            for block in node.blocks if node.type == "check" else (node,):
                if block.type in _WAITING:
                    yield from _dependency(self._text, block)


def _dependency(text: str, node: Node) -> Iterable[Edit]:
    """Yield what makes a block depend on the resource that is still to be created."""
    named = node.attributes.get("depends_on")
    body = node.body.of(text)
    if named is not None:
        yield Span(start=named.start + 1, end=named.start + 1), f"{UNMADE}, "
    elif "\n" in body:
        yield Span(start=node.body.start, end=node.body.start), f"\n  depends_on = [{UNMADE}]"
    elif body.strip():
        yield Span(start=node.body.start, end=node.body.start), f"\n  depends_on = [{UNMADE}]\n"
        yield Span(start=node.body.end, end=node.body.end), "\n"
    else:
        yield node.body, f" depends_on = [{UNMADE}] "


def _note_marks(result: Rewritten, name: str, marked: Callable[[str], bool]) -> None:
    marks = result.marks.setdefault(name, {})
    marks |= {key: True for key in ("sensitive", "ephemeral") if marked(key)}


def _all_variables(read: Iterable[Access], known: Collection[str] | None) -> bool:
    return all(one.root == "var" and (known is None or one.name in known) for one in read)


class _Json:
    """One file in the JSON syntax."""

    def __init__(self, name: str, pending: frozenset[str], result: Rewritten) -> None:
        self._name = name
        self._pending = pending
        self._result = result

    def rewrite(self, text: str, *, waits: bool) -> None:
        document = read_document(text)
        variables = listed(document.get("variable"))
        kept = [rest for group in variables if (rest := but(group, self._pending))]
        changed = {**but(document, {"variable"}), **({"variable": kept} if kept else {})}
        if "terraform" in changed:
            settings = listed(changed["terraform"])
            changed["terraform"] = [but(each, _WHERE_STATE_IS) for each in settings]
        for kind, labels in _WAITING.items() if waits else ():
            if kind in changed:
                changed[kind] = _depending(changed[kind], labels)
        self._result.files[self._name] = _dumped(self._redirected(changed))
        self._keep_variables(variables)

    def _keep_variables(self, groups: list[dict[str, Any]]) -> None:
        moved: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in (pair for group in groups for pair in group.items()):
            bodies = [self._fit(body, moved=name in self._pending) for body in listed(value)]
            if name not in self._pending:
                others[name] = self._redirected(bodies)
                continue
            moved[name] = bodies
            for body in bodies:
                _note_marks(self._result, name, partial(_says_true, body))
        if moved:
            self._result.declarations[self._name] = _dumped({"variable": moved})
        if others:
            self._result.alone[self._name] = _dumped({"variable": others})

    def _fit(self, body: dict[str, Any], *, moved: bool) -> dict[str, Any]:
        """Return a declaration without the conditions that read what is not there when variables are alone."""
        known = self._pending if moved else None
        rules = [
            rule
            for rule in listed(body.get("validation"))
            if "::" not in json.dumps(rule) and _all_variables(read_in(rule), known)
        ]
        return {**but(body, {"validation"}), **({"validation": rules} if rules else {})}

    def _redirected(self, value: Any) -> Any:
        match value:
            case str():
                edits = [
                    (one.span, INSTEAD + one.name)
                    for one in read_in(value)
                    if one.root == "var" and one.name in self._pending
                ]
                return edited(value, edits)
            case dict() if value.get("iterator") in ROOTS:
                raise Unreadable
            case dict():
                return {
                    self._redirected(key): self._redirected(inner) for key, inner in value.items()
                }
            case list():
                return [self._redirected(inner) for inner in value]
            case _:
                return value


def _says_true(body: Mapping[str, Any], key: str) -> bool:
    return body.get(key) in (True, "true")


def _depending(value: Any, labels: int) -> Any:
    """Return blocks below so many labels, made to depend on the resource that is still to be created."""
    match value:
        case list():
            return [_depending(each, labels) for each in value]
        case dict() if labels:
            return {key: _depending(inner, labels - 1) for key, inner in properties(value)}
        case dict():
            return {**value, "depends_on": [UNMADE, *(value.get("depends_on") or [])]}
        case _:
            return value


def _dumped(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
