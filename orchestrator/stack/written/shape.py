"""Whether a document has the shape that its schema says, and if not, what to tell the person who wrote it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orchestrator.errors import Mistake
from orchestrator.importing import import_alone
from orchestrator.stack.names import (
    did_you_mean,
    label_problem,
    nearest,
    suggest_label,
    variable_problem,
)
from orchestrator.stack.paths import written
from orchestrator.stack.reference import OPENING
from orchestrator.stack.written.guarding import SHARE
from orchestrator.stack.written.keys import LABEL
from orchestrator.stack.written.schema import CONDITION, OWNER, POINTER, VERSION
from orchestrator.stack.yaml import Path, YamlDocument

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from pydantic_core.core_schema import CoreSchema

_KEY: Final = "[key]"  # how pydantic's core marks that a key, not its value, is wrong
_LONGEST_SHOWN: Final = 40
_HINTS: Final = {  # of keys whose values have a form of their own
    "approvals": "write how many, such as 2",
    "backoff": "write a duration, such as 30s or 5m",
    "destroys": "write how many, such as 5",
    "for": "write a duration, such as 8h or 1h30m",
    "prune": "write a whole percentage, such as 20%",
    "timeout": "write a duration, such as 90s, 5m or 1h30m",
    "wait": "write {timeout: 5m}, or false",
    "remote": "write the name of a Git remote, or false",
}


class Form(NamedTuple):
    """What is wrong with a text that does not fit a pattern, as the rest of a sentence, and what to write."""

    problem: str
    hint: str


_DURATION_FORM: Final = Form("is not a duration", "write one such as 30s, 5m or 1h30m")
_FORMS: Final = {
    SHARE: Form("is not a share", _HINTS["prune"]),
    OWNER: Form(
        "names no owner",
        "write the tool and the name as refusals show them, such as helm/NAMESPACE/RELEASE; * is any text",
    ),
    POINTER: Form(
        "is no JSON pointer",
        "write keys behind slashes, such as /spec/replicas; a slash inside a key is ~1",
    ),
    CONDITION: Form(
        "is no condition",
        "write its type, such as Ready, or its type and status, such as Ready=False",
    ),
}
_FLAG_WORDS: Final = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}


def check_shape(
    document: YamlDocument, schema: "CoreSchema", forms: Mapping[str, "Form"] | None = None
) -> tuple[Mistake, ...]:
    """Return every place at which the document's value is not what ``schema`` says.

    ``forms`` tell of patterns that are not of the stack file what a text that does not fit them is not, and what to
    write.
    """
    core = import_alone("pydantic_core._pydantic_core", "pydantic_core")
    try:
        core.SchemaValidator(schema).validate_python(document.value)
    except core.ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        misspelt = {_meant(detail, schema) for detail in details}
        return tuple(
            _mistake(detail, document, schema, {**_FORMS, **(forms or {})})
            for detail in details
            if detail["type"] != "missing" or _path(detail) not in misspelt
        )
    return ()


def is_read(schema: "CoreSchema", path: Path) -> bool:
    """Return whether what is at ``path`` is read at all: nothing is below a key that the schema does not know."""
    return all(
        not (known := _known(schema, path[:depth])) or path[depth] in known
        for depth in range(len(path))
    )


def _known(schema: Mapping[str, Any], path: Path) -> frozenset[str]:
    """Return the keys that may be at ``path`` in any form that the value has; none where every key may be."""
    forms = (found for found in _schemas(schema, path) if found["type"] == "typed-dict")
    return frozenset(name for form in forms for name in form["fields"])


def _path(detail: "ErrorDetails") -> Path:
    return tuple(step for step in detail["loc"] if not str(step).startswith("{"))


def _meant(detail: "ErrorDetails", schema: "CoreSchema") -> Path:
    """Return the path of the key that an unknown one is a misspelling of: it is not missing as well."""
    path = _path(detail)
    if detail["type"] != "extra_forbidden":
        return ()
    return (*path[:-1], nearest(str(path[-1]), _keys(schema, path[:-1])))


def _mistake(
    detail: "ErrorDetails",
    document: YamlDocument,
    schema: "CoreSchema",
    forms: Mapping[str, "Form"],
) -> Mistake:
    path = _path(detail)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(document, path, schema)
        case "missing":
            return _missing_key(document, path, schema)
        case _ if path and path[-1] == _KEY:
            return _bad_name(document, path[:-1])
    message, hint = _explain(detail, path, forms)
    hint = _HINTS.get(str(path[-1]), hint) if path else hint
    return Mistake(message=message, place=document.place(path), hint=hint)


def _unknown_key(document: YamlDocument, path: Path, schema: "CoreSchema") -> Mistake:
    key = str(path[-1])
    known = _keys(schema, path[:-1])
    hint = did_you_mean(key, known, otherwise=f"known here: {', '.join(known)}")
    where = f" in {_spell(path[:-1])}" if len(path) > 1 else ""
    return Mistake(
        message=f"unknown key {key!r}{where}", place=document.place(path, key=True), hint=hint
    )


def _missing_key(document: YamlDocument, path: Path, schema: "CoreSchema") -> Mistake:
    key, parent = str(path[-1]), path[:-1]
    example = _keys(schema, parent)[key]
    where = f"{_spell(parent)} has no {key!r}" if parent else f"{key!r} is missing"
    hint = f"add '{key}: {example}'" if parent else f"add '{key}: {example}' at the top"
    return Mistake(message=where, place=document.place(parent, key=True), hint=hint)


def _bad_name(document: YamlDocument, path: Path) -> Mistake:
    name = str(path[-1])
    if path[-2] == "risks":
        message = f"{name!r} is no resource type and no kind"
        hint = "write one such as aws_db_instance or PersistentVolumeClaim; * stands for any text"
        return Mistake(message=message, place=document.place(path, key=True), hint=hint)
    problem = variable_problem(name) if path[-2] == "vars" else label_problem(name)
    return _name_mistake(document, path, name, problem, key=True)


def _name_mistake(
    document: YamlDocument, path: Path, name: str, problem: str, *, key: bool = False
) -> Mistake:
    near = suggest_label(name)
    hint = f"did you mean {near!r}?" if near else ""
    return Mistake(
        message=f"{name!r} cannot be a name: {problem}",
        place=document.place(path, key=key),
        hint=hint,
    )


def _explain(detail: "ErrorDetails", path: Path, forms: Mapping[str, "Form"]) -> tuple[str, str]:
    where, given = _spell(path), detail["input"]
    if isinstance(given, str) and OPENING in given:
        return f"{where} cannot hold an expression", "write the value itself"
    kind = detail["type"]
    if kind in _WANTED:
        wanted, hint_for = _WANTED[kind]
        return f"{where} must be {wanted}, not {_kind(given)}", hint_for(given)
    if kind in {"string_too_short", "too_short"}:
        return f"{where} is empty", "write a value, or remove the key"
    if kind == "greater_than_equal":
        return f"{where} cannot be {given}", f"write {detail['ctx']['ge']} or more"
    if kind == "less_than_equal":
        return f"{where} cannot be {given}", f"write {detail['ctx']['le']} or less"
    if kind == "string_pattern_mismatch":
        return _explain_pattern(where, str(given), detail["ctx"]["pattern"], forms)
    if kind == "literal_error":
        return _explain_literal(where, given, detail)
    return f"{where}: {detail['msg']}", ""


def _explain_literal(where: str, given: Any, detail: "ErrorDetails") -> tuple[str, str]:
    if where == "version":
        return (
            f"version {given!r} of the format is not known",
            f"this orchestrator reads 'version: {VERSION}'",
        )
    words = str(detail["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
    listed = f"{', '.join(words[:-1])} or {words[-1]}"
    shown = repr(given) if isinstance(given, str) else _kind(given)
    return f"{where} must be {listed}, not {shown}", did_you_mean(str(given), words) if isinstance(
        given, str
    ) else ""


def _explain_pattern(
    where: str, given: str, pattern: str, forms: Mapping[str, "Form"]
) -> tuple[str, str]:
    if pattern == LABEL:
        near = suggest_label(given)
        return (
            f"{where} {given!r}: {label_problem(given)}",
            f"did you mean {near!r}?" if near else "",
        )
    form = forms.get(pattern, _DURATION_FORM)
    return f"{where} {given!r} {form.problem}", form.hint


def _text_hint(given: Any) -> str:
    match given:
        case None:
            return "write a value, or remove the key"
        case bool():
            return f'put quotes around it: "{str(given).lower()}"'
        case int() | float():
            return f'put quotes around it: "{given}"'
        case _:
            return ""


def _flag_hint(given: Any) -> str:
    word = _FLAG_WORDS.get(str(given).lower())
    return f"write {word}" if word else ""


def _map_hint(given: Any) -> str:
    if isinstance(given, list):
        return "write 'name: ...' below it, without the dash"
    return "write 'key: value' on lines below it, indented"


def _list_hint(given: Any) -> str:
    return f"write [{given}]" if isinstance(given, str) else ""


_WANTED: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "string_type": ("text", _text_hint),
    "int_type": ("a whole number", lambda _given: ""),
    "bool_type": ("true or false", _flag_hint),
    "dict_type": ("a map", _map_hint),
    "list_type": ("a list", _list_hint),
}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) <= _LONGEST_SHOWN else "a text"
        case list():
            return "a list"
        case _:
            return "a map"


def _spell(path: Path) -> str:
    return written(path) or "the file"


def _keys(schema: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Return the keys that the schema knows at ``path``, with an example of each value."""
    for found in _schemas(schema, path):
        if found["type"] == "typed-dict":
            fields: Mapping[str, Any] = found["fields"]
            return {name: _example(field) for name, field in fields.items()}
    return {}


def _example(field: Mapping[str, Any]) -> str:
    examples = field["metadata"]["pydantic_js_updates"].get("examples", ["..."])
    return str(examples[0])


def _schemas(schema: Mapping[str, Any], path: Path) -> Iterator[Mapping[str, Any]]:
    match schema["type"]:
        case "nullable":
            yield from _schemas(schema["schema"], path)
        case "tagged-union":
            for choice in schema["choices"].values():
                yield from _schemas(choice, path)
        case _ if not path:
            yield schema
        case "typed-dict" if path[0] in schema["fields"]:
            yield from _schemas(schema["fields"][path[0]]["schema"], path[1:])
        case "dict":
            yield from _schemas(schema["values_schema"], path[1:])
        case "list":
            yield from _schemas(schema["items_schema"], path[1:])
        case _:
            return
