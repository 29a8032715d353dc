"""The terms of pydantic's core in which shapes are written.

``pydantic_core.core_schema`` has functions of these names that build the same maps. It defines some hundred types
beside them, whose import takes as long as everything else that reading a stack file does.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema


def any_schema() -> "CoreSchema":
    """Return the schema of any value."""
    return _schema("any")


def bool_schema(*, strict: bool | None = None) -> "CoreSchema":
    """Return the schema of true and false."""
    return _schema("bool", strict=strict)


def int_schema(
    *, ge: int | None = None, le: int | None = None, strict: bool | None = None
) -> "CoreSchema":
    """Return the schema of a whole number within bounds."""
    return _schema("int", ge=ge, le=le, strict=strict)


def str_schema(
    *, pattern: str | None = None, min_length: int | None = None, strict: bool | None = None
) -> "CoreSchema":
    """Return the schema of a text."""
    return _schema("str", pattern=pattern, min_length=min_length, strict=strict)


def list_schema(
    items: "CoreSchema", *, min_length: int | None = None, strict: bool | None = None
) -> "CoreSchema":
    """Return the schema of a list."""
    return _schema("list", items_schema=items, min_length=min_length, strict=strict)


def dict_schema(keys: "CoreSchema", values: "CoreSchema") -> "CoreSchema":
    """Return the schema of a map whose keys people choose."""
    return _schema("dict", keys_schema=keys, values_schema=values)


def literal_schema(expected: list[Any]) -> "CoreSchema":
    """Return the schema of one of a few constants."""
    return _schema("literal", expected=expected)


def nullable_schema(schema: "CoreSchema") -> "CoreSchema":
    """Return the schema of what ``schema`` says, or nothing."""
    return _schema("nullable", schema=schema)


def tagged_union_schema(
    choices: Mapping[str, "CoreSchema"], discriminator: Callable[[Any], str]
) -> "CoreSchema":
    """Return the schema of the choice whose tag ``discriminator`` finds for a value."""
    return _schema("tagged-union", choices=dict(choices), discriminator=discriminator)


def typed_dict_schema(fields: Mapping[str, Any], *, extra_behavior: str) -> "CoreSchema":
    """Return the schema of a map with keys that are known."""
    return _schema("typed-dict", fields=dict(fields), extra_behavior=extra_behavior)


def typed_dict_field(
    schema: "CoreSchema", *, required: bool, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one key of such a map."""
    return {
        "type": "typed-dict-field",
        "schema": schema,
        "required": required,
        "metadata": dict(metadata),
    }


def _schema(kind: str, **settings: Any) -> "CoreSchema":
    given = {name: value for name, value in settings.items() if value is not None}
    return cast("CoreSchema", {"type": kind, **given})
