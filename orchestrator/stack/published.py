"""The JSON Schemas of the files that people write, for completion and checking in editors."""

from typing import Any, Final

from orchestrator.stack.written.schema import PROJECT, STACK
from orchestrator.stack.yaml import parse

_DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # the newest that editors know for YAML


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``stack.yaml``."""
    return published(
        STACK,
        "Stack",
        "One stack: Terraform modules and Kubernetes manifests that belong together.",
    )


def project_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``orchestrator.yaml``."""
    return published(PROJECT, "Project", "What holds for all stacks of a repository.")


def published(schema: Any, title: str, description: str) -> dict[str, Any]:
    """Return the JSON Schema that says what a shape does, with a title and a sentence about it."""
    from pydantic.json_schema import GenerateJsonSchema

    generated = _tidied(GenerateJsonSchema().generate(schema))
    return {"$schema": _DIALECT, "title": title, "description": description, **generated}


def _tidied(value: Any) -> Any:
    """Return a schema in the words that serve editors best.

    The titles that pydantic makes from names say nothing that the names do not; a pattern of names only
    refuses others as ``propertyNames``; an example and a default are values, not their text.
    """
    match value:
        case {"patternProperties": {**patterns}, **rest}:
            ((pattern, items),) = patterns.items()
            names = {"propertyNames": {"pattern": pattern}, "additionalProperties": items}
            return _tidied(rest | names)
        case {"examples": [str(text)], **rest}:
            return _tidied(rest) | {"examples": [_value(text)]}
        case {"default": str(text), **rest}:
            return _tidied(rest) | {"default": _value(text)}
        case dict():
            kept = (key for key in value if not (key == "title" and isinstance(value[key], str)))
            return {key: _tidied(value[key]) for key in kept}
        case list():
            return [_tidied(item) for item in value]
        case _:
            return value


def _value(text: str) -> Any:
    return parse(text, "schema")[0].value
