"""A module's files rewritten so that some of its variables are read from a call, whose values are unknown; pure.

A root module's variables cannot be unknown, but what a called module gives back can. So the declarations of
pending variables move into a module of their own, with their types and marks, and ``var.NAME`` becomes
``module.orchestrator_pending.NAME``. Everything else stays as it is, line by line: addresses, paths, imports
and providers mean what they mean without us, and so does the state.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.infrastructure.reading.hcl import Unreadable, in_template
from orchestrator.infrastructure.reading.structure import (
    Access,
    Node,
    Span,
    accesses,
    accesses_in,
    read_structure,
)

CALL = "orchestrator_pending"
"""The name of the call, and of the resource that is unknown."""

INSTEAD = f"module.{CALL}."
"""What stands in place of ``var.`` for a pending variable."""

_WHERE_STATE_IS = frozenset({"backend", "cloud", "encryption"})


@dataclass(slots=True, kw_only=True)
class Rewritten:
    """The files of a module, rewritten, and those of the module that its pending variables moved to.

    ``marks`` are what a variable's declaration says of secrecy; ``uses`` tells what each local value and each
    provider configuration reads, as ``local.x`` and ``var.x``.
    """

    files: dict[str, str] = field(default_factory=dict)
    declarations: dict[str, str] = field(default_factory=dict)
    marks: dict[str, dict[str, bool]] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)

    def outputs(self) -> dict[str, Any]:
        """Return what the module of pending variables gives back, in the JSON syntax."""
        return {
            name: {"value": f"${{var.{name}}}", **marks}
            for name, marks in sorted(self.marks.items())
        }

    def configured_from(self, pending: Collection[str]) -> tuple[str, str] | None:
        """Return a provider that is configured from a pending variable, and that variable, if there is one."""
        for user in sorted(self.uses):
            if user.startswith("provider."):
                found = sorted(self._reached(user) & {f"var.{name}" for name in pending})
                if found:
                    return user.partition(".")[2], found[0].partition(".")[2]
        return None

    def _reached(self, user: str) -> set[str]:
        """Return all that is read, through local values too."""
        reached: set[str] = set()
        waiting = [user]
        while waiting:
            new = self.uses.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        return reached


def rewrite(files: Mapping[str, str], pending: Collection[str]) -> Rewritten:
    """Rewrite the files of a module, by name; raises Unreadable for what is not Terraform's language."""
    result = Rewritten()
    for name, text in sorted(files.items()):
        if name.endswith(".json"):
            _rewrite_json(name, text, frozenset(pending), result)
        else:
            _rewrite_native(name, text, frozenset(pending), result)
    missing = set(pending) - result.marks.keys()
    if missing:
        raise Unreadable
    return result


def _rewrite_native(name: str, text: str, pending: frozenset[str], result: Rewritten) -> None:
    cut: list[Span] = []
    declared: list[str] = []
    for node in read_structure(text):
        if node.type == "variable" and node.labels and node.labels[0] in pending:
            cut.append(node.span)
            declared.append(_without(text, _blocks(node, {"validation"}), node.span))
            _note_marks(result, node.labels[0], lambda key, node=node: _literal(text, node, key))
        elif node.type == "terraform":
            cut += _blocks(node, _WHERE_STATE_IS)
        elif node.type == "locals":
            for key, span in node.attributes.items():
                _note_use(result, f"local.{key}", accesses(text, span.start, span.end))
        elif node.type == "provider" and node.labels:
            read = accesses(text, node.span.start, node.span.end)
            _note_use(result, f"provider.{node.labels[0]}", read)
    result.files[name] = _replaced(text, cut, pending)
    if declared:
        result.declarations[name] = "\n".join(declared) + "\n"


def _blocks(node: Node, types: Collection[str]) -> list[Span]:
    return [block.span for block in node.blocks if block.type in types]


def _literal(text: str, node: Node, key: str) -> object:
    return key in node.attributes and node.attributes[key].of(text) in {"true", '"true"'}


def _replaced(text: str, cut: list[Span], pending: frozenset[str]) -> str:
    edits = [(span, "\n" * span.of(text).count("\n")) for span in cut]
    for access in accesses(text):
        gone = any(span.start <= access.span.start < span.end for span in cut)
        if access.root == "var" and access.name in pending and not gone:
            edits.append((access.span, INSTEAD + access.name))
    return _edited(text, edits)


def _without(text: str, cut: list[Span], inside: Span) -> str:
    edits = [(Span(start=one.start - inside.start, end=one.end - inside.start), "") for one in cut]
    return _edited(inside.of(text), edits)


def _edited(text: str, edits: list[tuple[Span, str]]) -> str:
    parts: list[str] = []
    position = 0
    for span, replacement in sorted(edits, key=lambda edit: edit[0].start):
        parts += [text[position : span.start], replacement]
        position = span.end
    return "".join([*parts, text[position:]])


def _note_marks(result: Rewritten, name: str, marked: Any) -> None:
    marks = result.marks.setdefault(name, {})
    marks |= {key: True for key in ("sensitive", "ephemeral") if marked(key)}


def _note_use(result: Rewritten, user: str, read: Iterable[Access]) -> None:
    names = {f"{one.root}.{one.name}" for one in read if one.root in {"var", "local"}}
    result.uses.setdefault(user, set()).update(names)


def _rewrite_json(name: str, text: str, pending: frozenset[str], result: Rewritten) -> None:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Unreadable from error
    if not isinstance(document, dict):
        raise Unreadable
    declared: dict[str, Any] = {}
    variables = _without_pending(document, pending, declared, result)
    kept = {**_but(document, {"variable"}), **({"variable": variables} if variables else {})}
    if "terraform" in kept:
        settings = _listed(kept["terraform"])
        kept["terraform"] = [_but(each, _WHERE_STATE_IS) for each in settings]
    for kind, user in (("locals", "local"), ("provider", "provider")):
        for key, value in _properties(kept.get(kind)):
            _note_use(result, f"{user}.{key}", _read_in(value))
    result.files[name] = json.dumps(_with_calls(kept, pending), indent=2) + "\n"
    if declared:
        result.declarations[name] = json.dumps({"variable": declared}) + "\n"


def _without_pending(
    document: Mapping[str, Any],
    pending: frozenset[str],
    declared: dict[str, Any],
    result: Rewritten,
) -> list[dict[str, Any]]:
    groups = _listed(document.get("variable"))
    for group in groups:
        for name in pending & group.keys():
            bodies = _listed(group[name])
            declared[name] = [_but(body, {"validation"}) for body in bodies]
            for body in bodies:
                _note_marks(result, name, lambda key, body=body: body.get(key) in (True, "true"))
    return [kept for group in groups if (kept := _but(group, pending))]


def _but(body: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in keys}


def _listed(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a property: the JSON syntax takes one, or a list of them."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def _properties(value: Any) -> Iterator[tuple[str, Any]]:
    for each in _listed(value):
        yield from each.items()


def _read_in(value: Any) -> Iterator[Access]:
    match value:
        case str():
            yield from accesses_in(value, list(in_template(value)))
        case dict():
            for key, inner in value.items():
                yield from _read_in(key)
                yield from _read_in(inner)
        case list():
            for inner in value:
                yield from _read_in(inner)
        case _:
            pass


def _with_calls(value: Any, pending: frozenset[str]) -> Any:
    match value:
        case str():
            found = _read_in(value)
            edits = [
                (one.span, INSTEAD + one.name)
                for one in found
                if one.root == "var" and one.name in pending
            ]
            return _edited(value, edits)
        case dict():
            return {
                _with_calls(key, pending): _with_calls(inner, pending)
                for key, inner in value.items()
            }
        case list():
            return [_with_calls(inner, pending) for inner in value]
        case _:
            return value
