"""Reading ``show -json`` of a saved plan: changes with their fields, planned outputs, secrets; pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from orchestrator.infrastructure.reading.fields import Document, Hides, any_true, read_fields
from orchestrator.infrastructure.reading.parts import known_parts
from orchestrator.infrastructure.reading.shapes import UNTOLD, Shape
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.stack.model import Json
from orchestrator.stack.scope import NOT_KNOWN, Output

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
    """What a plan document says: changes that do something, how many resources stay, outputs as planned.

    ``drift`` is what others did to resources since the last apply; ``failed_checks`` are sentences that name
    the check.
    """

    changes: tuple[Change, ...]
    unchanged: int
    outputs: Mapping[str, Output]
    drift: tuple[Change, ...] = ()
    failed_checks: tuple[str, ...] = ()


def check_format(document: Document) -> None:
    """Raise ValueError for a document of another major format, or of a plan that cannot be applied whole.

    Before Terraform 1.8, and with OpenTofu, only ``errored`` is told.
    """
    version = str(document.get("format_version", ""))
    if version.partition(".")[0] != "1":
        message = f"plan format {version or 'without a version'} is not known"
        raise ValueError(message)
    if document.get("errored"):
        message = "the plan is incomplete"
        raise ValueError(message)
    if document.get("complete") is False:
        message = f"it leaves out what has to wait{_listed_deferred(document)}"
        raise ValueError(message)
    if document.get("applyable") is False and _effective(document):
        message = "Terraform says that it cannot be applied"
        raise ValueError(message)


def _listed_deferred(document: Document) -> str:
    addresses = (
        str((deferred.get("resource_change") or {}).get("address", ""))
        for deferred in document.get("deferred_changes") or []
    )
    names = ", ".join(sorted(filter(None, addresses)))
    return f": {names}" if names else ""


def _effective(document: Document) -> bool:
    return any(
        tuple(change["actions"]) not in {("no-op",), ("read",)} or change.get("importing")
        for change in _planned_changes(document)
    )


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
    root = (document.get("configuration") or {}).get("root_module") or {}
    declared = root.get("variables") or {}
    for name, variable in (document.get("variables") or {}).items():
        if _secret(declared.get(name)):
            yield variable.get("value")
    yield from _secret_constants(root)


def read_plan(
    document: Document, hides: Hides, shape_of: Callable[[str], Shape] = lambda _name: UNTOLD
) -> Reading:
    """Read a plan document; ``find_secrets`` has been learnt from before, so that ``hides`` knows them.

    ``shape_of`` tells what is certain of an output's value, by its name.
    """
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
            name: planned_output(change, partial(shape_of, name))
            for name, change in outputs
            if change.get("actions") != ["delete"]
        },
        drift=tuple(_drift(document.get("resource_drift") or [], hides)),
        failed_checks=tuple(_failed_checks(document.get("checks") or [])),
    )


def planned_output(change: Document, shape: Callable[[], Shape] = lambda: UNTOLD) -> Output:
    """Read an output's planned value; of one that is only partly known, the parts that are."""
    unknown = change.get("after_unknown")
    known = not any_true(unknown)
    whole = known or unknown is True
    return Output(
        value=change.get("after") if known else None,
        known=known,
        sensitive=any_true(change.get("after_sensitive")),
        parts=NOT_KNOWN if whole else known_parts(change.get("after"), unknown, shape()),
    )


def drift_in(message: Document) -> Change | None:
    """Read one message of an event stream: a resource that was changed outside of Terraform, or None.

    This is all that is told of drift when there is nothing to apply; a move is none.
    """
    change = message.get("change") or {}
    told = _DRIFTED.get(str(change.get("action")))
    if message.get("type") != "resource_drift" or told is None:
        return None
    resource = change.get("resource") or {}
    return Change(
        subject=Subject.RESOURCE,
        name=str(resource.get("addr", "")),
        type=str(resource.get("resource_type", "")),
        action=told,
    )


_DRIFTED = {"update": Action.UPDATE, "delete": Action.DELETE}


def _drift(resources: list[Document], hides: Hides) -> Iterator[Change]:
    for resource in resources:
        change = resource["change"]
        if len(change["actions"]) == 1 and change["actions"][0] in _DRIFTED:
            yield Change(
                subject=Subject.RESOURCE,
                name=_name(resource),
                type=str(resource.get("type", "")),
                action=_DRIFTED[change["actions"][0]],
                fields=read_fields(change, hides),
            )


def _failed_checks(checks: list[Document]) -> Iterator[str]:
    """Yield a sentence for each message of a failed ``check`` block; other conditions fail the plan itself."""
    for check in checks:
        if (check.get("address") or {}).get("kind") != "check":
            continue
        for instance in check.get("instances") or []:
            address = (instance.get("address") or {}).get("to_display", "")
            if instance.get("status") in {"fail", "error"}:
                messages = [str(one.get("message", "")) for one in instance.get("problems") or []]
                yield from (failed_check(address, told) for told in messages or [""])


def failed_check(address: str, told: str) -> str:
    """Return the sentence that tells of a failed check."""
    lines = " ".join(told.split())
    return f"{address} failed: {lines}" if lines else f"{address} failed"


def _name(resource: Document) -> str:
    """Return the address; an object that a failed replacement left over shares it with its successor."""
    deposed = resource.get("deposed")
    return f"{resource['address']} (deposed {deposed})" if deposed else str(resource["address"])


def _resource_change(resource: Document, hides: Hides) -> Change:
    change = resource["change"]
    previous = str(resource.get("previous_address") or "")
    return Change(
        subject=Subject.RESOURCE,
        name=_name(resource),
        type=str(resource.get("type", "")),
        action=_action(change, moved=bool(previous) and previous != resource["address"]),
        fields=read_fields(change, hides),
        reason=_reason(resource),
        previous=previous,
        risk=Risk.REVERSIBLE if _leaves_the_old(change) else None,
    )


def _reason(resource: Document) -> str:
    change = resource["change"]
    reason = str(resource.get("action_reason") or "")
    told = _REASONS.get(reason, reason.replace("_", " "))
    if _leaves_the_old(change):
        told = "the old one is left as it is"
    elif resource.get("deposed"):
        told = "left over from a replacement that failed"
    return ", ".join(filter(None, [told, _imported(change.get("importing"))]))


def _imported(importing: Document | None) -> str:
    """Return what is imported: an id, or since Terraform 1.12 the attributes that identify it."""
    if not importing:
        return ""
    if importing.get("unknown"):
        return "imported by an id known after apply"
    identity = importing.get("identity")
    parts = [f"{key}={value}" for key, value in sorted(identity.items())] if identity else []
    return f"imported from {importing.get('id') or ', '.join(parts)}"


def _leaves_the_old(change: Document) -> bool:
    return tuple(change["actions"]) == ("create", "forget")


def _output_change(name: str, change: Document, hides: Hides) -> Change:
    return Change(
        subject=Subject.OUTPUT, name=name, action=_action(change), fields=read_fields(change, hides)
    )


def _action(change: Document, *, moved: bool = False) -> Action:
    action = _ACTIONS.get(tuple(change["actions"]))
    if action is None:
        message = f"plan action {'/'.join(change['actions'])} is not known"
        raise ValueError(message)
    if change.get("importing") and action in {Action.NO_OP, Action.UPDATE}:
        return Action.IMPORT
    return Action.MOVE if moved and action is Action.NO_OP else action


def _secret(variable: Document | None) -> bool:
    return bool(variable and (variable.get("sensitive") or variable.get("ephemeral")))


def _secret_constants(module: Document) -> Iterator[Json]:
    """Yield what is written out for sensitive variables of called modules, and as their defaults."""
    for variable in (module.get("variables") or {}).values():
        if _secret(variable) and "default" in variable:
            yield variable["default"]
    for call in (module.get("module_calls") or {}).values():
        called, given = call.get("module") or {}, call.get("expressions") or {}
        for name, variable in (called.get("variables") or {}).items():
            if _secret(variable) and isinstance(given.get(name), dict):
                yield given[name].get("constant_value")
        yield from _secret_constants(called)


def _planned_changes(document: Document) -> Iterator[Document]:
    yield from (resource["change"] for resource in document.get("resource_changes") or [])
    yield from (document.get("output_changes") or {}).values()


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
