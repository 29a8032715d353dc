"""Inputs that are known in part: what of them Terraform is given, and what of a plan's unknowns they explain; pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from orchestrator.infrastructure.shadow.rewriting import CALL, INSTEAD
from orchestrator.plans.change import Change, FieldChange, Subject
from orchestrator.plans.values import Unknown
from orchestrator.stack.expressions import Pending, Tree, pending_in
from orchestrator.stack.model import Json

KNOWN = f"{CALL}_known"
"""The variable that holds what is known of inputs that are known in part."""

_UNKNOWN = f"${{jsondecode(terraform_data.{CALL}.id)}}"  # of a type that nobody can tell either
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[]+)')

Waits = Mapping[str, Tree]
"""Inputs by variable, with something pending in each."""


@dataclass(slots=True)
class Arguments:
    """Builds the arguments of the call; what is known is kept apart, in ``known``, in the order it is referred to."""

    known: list[Json] = field(default_factory=list)

    def of(self, tree: Tree) -> Json:
        """Return the expression, in the JSON syntax, of an input that is known in part."""
        match tree:
            case Pending():
                return _UNKNOWN
            case dict() if pending_in(tree):
                return {_escaped(key): self.of(inner) for key, inner in tree.items()}
            case list() if pending_in(tree):
                return [self.of(inner) for inner in tree]
            case _:
                self.known.append(known_part(tree))
                return f"${{var.{KNOWN}[{len(self.known) - 1}]}}"


def known_part(tree: Tree) -> Json:
    """Return what is known of a value, with null in place of everything else."""
    match tree:
        case Pending():
            return None
        case dict():
            return {key: known_part(inner) for key, inner in tree.items()}
        case list():
            return [known_part(inner) for inner in tree]
        case _:
            return tree


def explained(
    changes: tuple[Change, ...], document: Mapping[str, Any], waits: Waits
) -> tuple[Change, ...]:
    """Return changes whose unknown values say what they wait for, where an input flows into them directly.

    What a provider or a server chooses stays unknown without a reason.
    """
    root = (document.get("configuration") or {}).get("root_module") or {}
    reader = _Expressions(root, {f"{INSTEAD}{name}": tree for name, tree in waits.items()})
    origins = {
        str(resource["address"]): (str(resource.get("module_address") or ""), _definition(resource))
        for resource in document.get("resource_changes") or []
    }
    return tuple(_explained(change, reader, origins) for change in changes)


def _explained(
    change: Change, reader: "_Expressions", origins: Mapping[str, tuple[str, str]]
) -> Change:
    if not any(item.after == Unknown() for item in change.fields):
        return change
    if change.subject is Subject.OUTPUT:
        expressions: Any = {"": reader.output(change.name)}
        given: Waits = reader.waits
    else:
        module, definition = origins.get(change.name, ("", ""))
        expressions, given = reader.resource(module, definition)
    fields = tuple(_with_sources(item, expressions, given) for item in change.fields)
    return replace(change, fields=fields)


def _with_sources(item: FieldChange, expressions: Any, given: Waits) -> FieldChange:
    if item.after != Unknown():
        return item
    steps = _steps(item.path)
    expression, rest = _descended(expressions, steps or [""])
    sources = _sources(expression, rest, given)
    return replace(item, after=Unknown(sources=sources)) if sources else item


def _descended(expressions: Any, steps: list[str | int]) -> tuple[Any, list[str | int]]:
    """Return the expression that a field is given by, through nested blocks, and the steps into its value."""
    at = expressions
    for index, step in enumerate(steps):
        if isinstance(at, dict) and "references" in at:
            return at, steps[index:]
        if isinstance(at, dict) and isinstance(step, int):
            continue  # a block that there can be only one of
        at = _inside(at, step)
    return at, []


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(str(step))
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _sources(expression: Any, rest: list[str | int], given: Waits) -> tuple[str, ...]:
    """Return what an expression waits for; nothing when more than inputs goes into it."""
    references = expression.get("references") if isinstance(expression, dict) else None
    whole = _longest(references or [])
    found: set[str] = set()
    for reference in whole:
        variable = next((name for name in given if _below(reference, name)), None)
        if variable is None and not reference.startswith("var."):
            return ()
        if variable is not None:
            inside = _steps(reference[len(variable) :])
            found |= set(_waits(given[variable], inside, rest if len(whole) == 1 else []))
    return tuple(sorted(found))


def _waits(tree: Tree, inside: list[str | int], rest: list[str | int]) -> tuple[str, ...]:
    """Return what a part waits for; ``inside`` is read of the input itself, and ``rest`` of what is made from it.

    Elements of a list may have got another order on the way: any of them may be the one.
    """
    keys = takewhile(lambda step: isinstance(step, str), rest)
    at: Any = tree
    for step in (*inside, *keys):
        inner = _inside(at, step)
        if isinstance(at, Pending) or inner is None:
            break
        at = inner
    return pending_in(at) or pending_in(tree)


def _longest(references: list[str]) -> list[str]:
    """Return the references that no other one goes on from: a plan lists every shorter form too."""
    return [
        one
        for one in dict.fromkeys(references)
        if not any(other != one and _below(other, one) for other in references)
    ]


def _below(reference: str, name: str) -> bool:
    return reference == name or reference.startswith((f"{name}.", f"{name}["))


class _Expressions:
    """Finds the expressions of a plan's configuration, and what modules called by it are given."""

    def __init__(self, root: Mapping[str, Any], waits: Waits) -> None:
        self.waits = waits
        self._modules: dict[str, tuple[Mapping[str, Any], Waits]] = {"": (root, waits)}
        self._definitions: dict[str, dict[str, Any]] = {}

    def output(self, name: str) -> Any:
        root, _ = self._modules[""]
        return ((root.get("outputs") or {}).get(name) or {}).get("expression")

    def resource(self, address: str, definition: str) -> tuple[Any, Waits]:
        """Return a resource's expressions, and what its module waits for."""
        path = re.sub(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]", "", address)
        module, waits = self._module(path)
        if path not in self._definitions:
            resources = module.get("resources") or []
            self._definitions[path] = {str(one["address"]): one for one in resources}
        found = self._definitions[path].get(definition) or {}
        return found.get("expressions") or {}, waits

    def _module(self, path: str) -> tuple[Mapping[str, Any], Waits]:
        if path not in self._modules:
            outer, _, name = path.rpartition("module.")
            module, waits = self._module(outer.removesuffix("."))
            call = (module.get("module_calls") or {}).get(name) or {}
            self._modules[path] = (call.get("module") or {}, dict(_passed(call, waits)))
        return self._modules[path]


def _passed(call: Mapping[str, Any], waits: Waits) -> Iterator[tuple[str, Tree]]:
    """Yield what a called module's variables wait for, where what it is given is nothing but inputs."""
    for name, expression in (call.get("expressions") or {}).items():
        references = expression.get("references") if isinstance(expression, dict) else None
        whole = _longest(references or [])
        sources = _sources(expression, [], waits)
        if sources:
            yield f"var.{name}", _one(whole, waits) or Pending(references=sources)


def _one(references: list[str], waits: Waits) -> Tree:
    return waits.get(references[0]) if len(references) == 1 else None


def _definition(resource: Mapping[str, Any]) -> str:
    data = "data." if resource.get("mode") == "data" else ""
    return f"{data}{resource.get('type')}.{resource.get('name')}"


def _steps(path: str) -> list[str | int]:
    """Return the steps of a path as people write it: ``tags.Name``, ``ingress[0].cidr``, ``labels["app/name"]``."""
    return [
        int(index) if index else quoted or plain for quoted, index, plain in _STEP.findall(path)
    ]


def _escaped(key: str) -> str:
    return key.replace("${", "$${").replace("%{", "%%{")
