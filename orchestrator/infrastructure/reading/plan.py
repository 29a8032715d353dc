"""Reading ``show -json`` of a saved plan: changes with their fields, planned outputs, secrets; pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from orchestrator.plans.change import Action, Change, FieldChange, Subject
from orchestrator.plans.values import ABSENT, Unknown, Value, masked
from orchestrator.stack.model import Json
from orchestrator.stack.scope import Output

Document: TypeAlias = Mapping[str, Any]
Hides: TypeAlias = Callable[[Json], bool]
"""Whether a value that nobody marked holds a secret that is known from elsewhere."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NO_VALUE = object()

_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("no-op",): Action.NO_OP,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("forget",): Action.FORGET,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("create", "forget"): Action.REPLACE,
}
_REASONS = {
    "replace_because_tainted": "tainted",
    "replace_because_cannot_update": "cannot be updated in place",
    "replace_by_request": "asked for",
    "replace_by_triggers": "a trigger changed",
    "delete_because_no_resource_config": "no longer in the module",
    "delete_because_no_module": "its module is gone",
    "delete_because_wrong_repetition": "count or for_each changed",
    "delete_because_count_index": "beyond count",
    "delete_because_each_key": "no longer in for_each",
    "delete_because_no_move_target": "moved to nowhere",
    "read_because_config_unknown": "depends on a value known after apply",
    "read_because_dependency_pending": "depends on a change",
    "read_because_check_nested": "belongs to a check",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a plan document says: changes that do something, how many resources stay, outputs as planned."""

    changes: tuple[Change, ...]
    unchanged: int
    outputs: Mapping[str, Output]


def check_format(document: Document) -> None:
    """Raise ValueError for a document of another major format, or of a plan that failed."""
    version = str(document.get("format_version", ""))
    if version.partition(".")[0] != "1":
        message = f"plan format {version or 'without a version'} is not known"
        raise ValueError(message)
    if document.get("errored"):
        message = "the plan is incomplete"
        raise ValueError(message)


def find_secrets(document: Document) -> Iterator[Json]:
    """Yield every value that the document marks as sensitive: attributes, outputs and variables."""
    for change in _all_changes(document):
        yield from _marked(change.get("before"), change.get("before_sensitive"))
        yield from _marked(change.get("after"), change.get("after_sensitive"))
    for values in (
        document.get("planned_values"),
        (document.get("prior_state") or {}).get("values"),
    ):
        yield from _secrets_of_values(values or {})
    declared = ((document.get("configuration") or {}).get("root_module") or {}).get(
        "variables"
    ) or {}
    for name, variable in (document.get("variables") or {}).items():
        if (declared.get(name) or {}).get("sensitive"):
            yield variable.get("value")


def read_plan(document: Document, hides: Hides) -> Reading:
    """Read a plan document; ``find_secrets`` has been learnt from before, so that ``hides`` knows them."""
    resources = document.get("resource_changes") or []
    changes = [_resource_change(resource, hides) for resource in resources]
    outputs = sorted((document.get("output_changes") or {}).items())
    changes += [_output_change(name, change, hides) for name, change in outputs]
    return Reading(
        changes=tuple(change for change in changes if change.action is not Action.NO_OP),
        unchanged=sum(
            change.action is Action.NO_OP and change.subject is Subject.RESOURCE
            for change in changes
        ),
        outputs={
            name: planned_output(change)
            for name, change in outputs
            if change.get("actions") != ["delete"]
        },
    )


def planned_output(change: Document) -> Output:
    """Read an output's planned value; one that is only partly known counts as not known."""
    known = not _any_true(change.get("after_unknown"))
    return Output(
        value=change.get("after") if known else None,
        known=known,
        sensitive=_any_true(change.get("after_sensitive")),
    )


def _resource_change(resource: Document, hides: Hides) -> Change:
    change = resource["change"]
    previous = str(resource.get("previous_address") or "")
    return Change(
        subject=Subject.RESOURCE,
        name=resource["address"],
        action=_action(change, moved=bool(previous) and previous != resource["address"]),
        fields=_fields(change, hides),
        reason=_reason(resource),
        previous=previous,
    )


def _reason(resource: Document) -> str:
    reason = str(resource.get("action_reason") or "")
    if tuple(resource["change"]["actions"]) == ("create", "forget"):
        return "the old one is left as it is"
    return _REASONS.get(reason, reason.replace("_", " "))


def _output_change(name: str, change: Document, hides: Hides) -> Change:
    return Change(
        subject=Subject.OUTPUT, name=name, action=_action(change), fields=_fields(change, hides)
    )


def _action(change: Document, *, moved: bool = False) -> Action:
    action = _ACTIONS.get(tuple(change["actions"]))
    if action is None:
        message = f"plan action {'/'.join(change['actions'])} is not known"
        raise ValueError(message)
    if change.get("importing") and action in {Action.NO_OP, Action.UPDATE}:
        return Action.IMPORT
    return Action.MOVE if moved and action is Action.NO_OP else action


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One side of a field: its value, and the trees that mark what of it is unknown or sensitive."""

    value: Any
    unknown: Any = False
    sensitive: Any = False

    @property
    def whole(self) -> bool:
        """Whether there is nothing to look into: a leaf, or a mark over all of it."""
        marked = self.unknown is True or self.sensitive is True
        return marked or not isinstance(self.value, dict | list)

    @property
    def missing(self) -> bool:
        return self.unknown is not True and self.value is _NO_VALUE

    def parts(self) -> list[str | int]:
        if self.whole:
            return []
        if isinstance(self.value, list):
            marks = len(self.unknown) if isinstance(self.unknown, list) else 0
            return list(range(max(len(self.value), marks)))
        marked = self.unknown if isinstance(self.unknown, dict) else {}
        return list(
            dict.fromkeys([*self.value, *(key for key in marked if _any_true(marked[key]))])
        )

    def at(self, key: str | int) -> "_Side":
        value = _child(self.value, key, _NO_VALUE)
        # An attribute that is null is not set; an element that is null is there.
        unset = value is None and isinstance(key, str)
        return _Side(
            value=_NO_VALUE if unset else value,
            unknown=_child(self.unknown, key, default=False),
            sensitive=_child(self.sensitive, key, default=False),
        )

    def shown(self, hides: Hides) -> Value:
        if self.unknown is True:
            return Unknown()
        if self.missing:
            return ABSENT
        if _any_true(self.sensitive) or hides(self.value):
            return masked(self.value)
        return self.value  # type: ignore[no-any-return]


def _fields(change: Document, hides: Hides) -> tuple[FieldChange, ...]:
    if change["actions"] in (["no-op"], ["forget"]):
        return ()
    before = _Side(value=_or_unset(change.get("before")), sensitive=change.get("before_sensitive"))
    after = _Side(
        value=_or_unset(change.get("after")),
        unknown=change.get("after_unknown") if change["actions"] != ["delete"] else False,
        sensitive=change.get("after_sensitive"),
    )
    forcing = tuple(tuple(path) for path in change.get("replace_paths") or ())
    found = _walk((), before, after)
    fields = (
        FieldChange(
            path=_written(path),
            before=old.shown(hides),
            after=new.shown(hides),
            forces_replacement=any(_overlap(path, forced) for forced in forcing),
        )
        for path, old, new in found
    )
    return tuple(sorted(fields, key=lambda field: field.path))


def _or_unset(value: Any) -> Any:
    return _NO_VALUE if value is None else value


_Path: TypeAlias = tuple[str | int, ...]


def _walk(path: _Path, before: _Side, after: _Side) -> Iterator[tuple[_Path, _Side, _Side]]:
    """Yield the smallest parts that differ."""
    if (before.missing and after.missing) or (after.unknown is not True and _same(before, after)):
        return
    keys = _common_keys(before, after)
    smaller = [part for key in keys for part in _walk((*path, key), before.at(key), after.at(key))]
    # What comes or goes with nothing but nulls in it is still something.
    if not keys or (not smaller and before.missing != after.missing):
        yield path, before, after
    yield from smaller


def _common_keys(before: _Side, after: _Side) -> list[str | int]:
    """Return what to look into, when both sides have the same shape or one is missing."""
    sides = [side for side in (before, after) if not side.missing]
    if any(side.whole for side in sides):
        return []
    shapes = {type(side.value) for side in sides}
    if len(shapes) != 1:
        return []
    return list(dict.fromkeys(key for side in sides for key in side.parts()))


def _same(before: _Side, after: _Side) -> bool:
    return _equal(before.value, after.value) and not _any_true(after.unknown)


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: Python takes True for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _child(tree: Any, key: str | int, default: Any) -> Any:
    if tree is True:
        return True
    if isinstance(tree, dict):
        return tree.get(key, default)
    if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
        return tree[key]
    return default


def _written(path: _Path) -> str:
    """Return a path as people write it: ``tags.Name``, ``ingress[0].cidr``, ``labels["app/name"]``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f'["{key}"]'
    return text


def _overlap(path: _Path, forced: _Path) -> bool:
    length = min(len(path), len(forced))
    return path[:length] == forced[:length]


def _all_changes(document: Document) -> Iterator[Document]:
    for kind in ("resource_changes", "resource_drift"):
        yield from (resource["change"] for resource in document.get(kind) or [])
    yield from (document.get("output_changes") or {}).values()


def _secrets_of_values(values: Document) -> Iterator[Json]:
    for output in (values.get("outputs") or {}).values():
        if output.get("sensitive"):
            yield output.get("value")
    modules = [values.get("root_module") or {}]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or []
        for resource in module.get("resources") or []:
            yield from _marked(resource.get("values"), resource.get("sensitive_values"))


def _marked(value: Any, marks: Any) -> Iterator[Json]:
    """Yield the parts of a value that a tree of marks calls sensitive."""
    if marks is True:
        yield value
    elif isinstance(marks, dict) and isinstance(value, dict):
        for key, mark in marks.items():
            yield from _marked(value.get(key), mark)
    elif isinstance(marks, list) and isinstance(value, list):
        for item, mark in zip(value, marks, strict=False):
            yield from _marked(item, mark)


def _any_true(tree: Any) -> bool:
    if isinstance(tree, dict):
        return any(map(_any_true, tree.values()))
    if isinstance(tree, list):
        return any(map(_any_true, tree))
    return tree is True
