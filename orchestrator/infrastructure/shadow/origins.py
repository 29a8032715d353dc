"""Where a provider's configuration comes from: local values, data sources and called modules, up to an input; pure.

Resources are not looked into. What one of them gives is unknown until it is made, also when all inputs are known;
Terraform plans with that as it always does.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from orchestrator.infrastructure.reading.structure import (
    Access,
    Node,
    Span,
    accesses,
    read_structure,
)
from orchestrator.infrastructure.reading.written_json import (
    listed,
    properties,
    read_document,
    read_in,
)

_READ_FROM_OUTSIDE: Final = frozenset({"data", "ephemeral"})
_CONFIGURES: Final = re.compile(r'^\s*provider\b|"provider"', re.MULTILINE)

Modules = Mapping[str, Mapping[str, str]]
"""The files of a module and of those that it calls, by name; the modules by the calls that lead to each.

The one that is planned has the empty text, and another one a text such as ``cluster.network``.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A provider whose configuration is not known yet: the variable it comes from, and what that goes through.

    The variable is empty when what it goes through is itself what waits.
    """

    provider: str
    variable: str = ""
    through: str = ""

    def __str__(self) -> str:
        """Return it as the reason why a module cannot be planned."""
        if not self.variable:
            return f"provider {self.provider!r} is configured from {self.through}"
        through = f" through {self.through}" if self.through else ""
        return f"provider {self.provider!r} is configured from {self.variable!r}{through}"


def configured_from(
    modules: Modules, pending: Collection[str], *, behind: bool = False
) -> Origin | None:
    """Return a provider that is configured from what is not known yet, if there is one; raises Unreadable.

    That is a pending variable, or with ``behind`` anything that is read of the world.
    """
    graph = _Graph(modules)
    for key, files in sorted(modules.items()):
        if not any(_CONFIGURES.search(text) for text in files.values()):
            continue
        for name in sorted(graph.reads(key).uses):
            if name.startswith("provider."):
                origin = _origin(graph, _Step(key, name, ""), pending, behind=behind)
                if origin is not None:
                    return origin
    return None


class _Step(NamedTuple):
    """A name in a module, and the first thing on the way to it that a person should know."""

    module: str
    name: str
    through: str


def _origin(
    graph: "_Graph", start: _Step, pending: Collection[str], *, behind: bool
) -> Origin | None:
    provider = start.name.partition(".")[2]
    seen = {start[:2]}
    waiting = [start]
    for step in waiting:  # grows while it is walked: what is nearest comes first
        root, _, name = step.name.partition(".")
        if root == "var" and not step.module and name in pending:
            return Origin(provider=provider, variable=name, through=step.through)
        if behind and root in _READ_FROM_OUTSIDE:
            return Origin(provider=provider, through=step.through or step.name)
        for following in graph.following(step):
            if following[:2] not in seen:
                seen.add(following[:2])
                waiting.append(following)
    return None


@dataclass(slots=True, kw_only=True)
class _Reads:
    """What each name of a module reads; ``call.NAME.ARGUMENT`` is what a called module is given."""

    uses: dict[str, set[str]] = field(default_factory=dict)

    def note(self, user: str, read: Iterable[Access]) -> None:
        named = (_named(access) for access in read)
        self.uses.setdefault(user, set()).update(name for name in named if name)


class _Graph:
    """What leads to what, through modules; a module is read when somebody comes by."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._read: dict[str, _Reads] = {}

    def reads(self, key: str) -> _Reads:
        if key not in self._read:
            self._read[key] = _Reads()
            for name, text in sorted(self._modules[key].items()):
                note = _note_json if name.endswith(".json") else _note_native
                note(self._read[key], text)
        return self._read[key]

    def following(self, step: _Step) -> Iterator[_Step]:
        """Yield what a name is made from, in its own module, the calling or a called one."""
        uses = self.reads(step.module).uses
        root, _, name = step.name.partition(".")
        if root == "var" and step.module:
            outer, _, call = step.module.rpartition(".")
            yield _Step(outer, f"call.{call}.{name}", step.through)
        elif root == "module":
            yield from self._given_by(step, *name.split("."))
        for read in sorted(uses.get(step.name, ())):
            through = step.through or (step.name if root in _READ_FROM_OUTSIDE else "")
            yield _Step(step.module, read, through)

    def _given_by(self, step: _Step, call: str, output: str) -> Iterator[_Step]:
        through = step.through or f"module.{call}"
        key = f"{step.module}.{call}" if step.module else call
        if key in self._modules:
            outputs = self.reads(key).uses
            wanted = (
                [f"output.{output}"]
                if output
                else [each for each in outputs if each.startswith("output.")]
            )
            yield from (_Step(key, each, through) for each in sorted(wanted))
            return
        # Where that is not to be seen, whatever it is given counts.
        for name in sorted(self.reads(step.module).uses):
            if name.startswith(f"call.{call}."):
                yield _Step(step.module, name, through)


def _named(access: Access) -> str:
    match access.root:
        case "var" | "local":
            return f"{access.root}.{access.name}"
        case "data" | "ephemeral":
            return f"{access.root}.{access.name}.{access.further}"
        case "module":
            return f"module.{access.name}.{access.further}"
        case _:
            return ""


def _note_native(reads: _Reads, text: str) -> None:
    for node in read_structure(text):
        match node.type, node.labels:
            case "locals", _:
                for name, span in node.attributes.items():
                    reads.note(f"local.{name}", _in(text, span))
            case (("data" | "ephemeral"), (type_, name, *_)):
                reads.note(f"{node.type}.{type_}.{name}", _in(text, node.span))
            case (("provider" | "output"), (name, *_)):
                reads.note(f"{node.type}.{name}", _in(text, _value(node)))
            case "module", (name, *_):
                for argument, span in node.attributes.items():
                    reads.note(f"call.{name}.{argument}", _in(text, span))
            case _:
                pass


def _value(node: Node) -> Span:
    """Return where a block says what it is made from: an output's value alone, of others all of it."""
    return node.attributes.get("value", node.span) if node.type == "output" else node.span


def _in(text: str, span: Span) -> Iterator[Access]:
    return accesses(text, span.start, span.end)


def _note_json(reads: _Reads, text: str) -> None:
    for user, value in _users(read_document(text)):
        reads.note(user, read_in(value))


def _users(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"local.{name}", value) for name, value in properties(document.get("locals")))
    for name, value in properties(document.get("provider")):
        yield f"provider.{name}", value
    for name, body in properties(document.get("output")):
        yield f"output.{name}", [each.get("value") for each in listed(body)]
    for name, body in properties(document.get("module")):
        yield from ((f"call.{name}.{argument}", value) for argument, value in properties(body))
    for kind in sorted(_READ_FROM_OUTSIDE):
        for type_, named in properties(document.get(kind)):
            yield from ((f"{kind}.{type_}.{name}", body) for name, body in properties(named))
