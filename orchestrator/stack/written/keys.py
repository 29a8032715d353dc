"""The keys of the files that people write: their schemas with what is published about them, and what they share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orchestrator.stack.written import terms as core_schema

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema

LABEL: Final = r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"  # at most 40 characters

# Tags of a choice; no key of a file looks like this, so they are told from keys.
OFF: Final = "{off}"
SETTINGS: Final = "{settings}"
NAMED: Final = "{named}"


class Key(NamedTuple):
    """One key of a map: its value's schema, what it is for, and an example of its value.

    ``default`` is the value that leaving the key out means, where it is one; like the example, as people
    write it.
    """

    schema: "CoreSchema"
    description: str
    example: str = ""
    required: bool = False
    default: str = ""


def _described(key: Key) -> dict[str, Any]:
    published: dict[str, Any] = {"description": key.description}
    if key.example:
        published["examples"] = [key.example]
    if key.default:
        published["default"] = key.default
    return {"pydantic_js_updates": published}


def map_of(keys: Mapping[str, Key]) -> "CoreSchema":
    """Return the schema of a map with these keys and no others."""
    fields = {
        name: core_schema.typed_dict_field(
            key.schema, required=key.required, metadata=_described(key)
        )
        for name, key in keys.items()
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def named(values: "CoreSchema", pattern: str = LABEL) -> "CoreSchema":
    """Return the schema of a map whose keys are names of that pattern."""
    keys = core_schema.str_schema(pattern=pattern)
    return empty(core_schema.dict_schema(keys, values))


def empty(schema: "CoreSchema") -> "CoreSchema":
    """Allow a key with nothing behind it, as it is left when every entry was commented out."""
    return core_schema.nullable_schema(schema)


def list_of(items: "CoreSchema", shortest: int | None = None) -> "CoreSchema":
    """Return the schema of a list."""
    return core_schema.list_schema(items, min_length=shortest, strict=True)


def either(word: Any, tag: str, schema: "CoreSchema") -> "CoreSchema":
    """Return the schema of a constant ``word`` or of what ``schema`` says."""
    choices = {OFF: core_schema.literal_schema([word]), tag: schema}
    return core_schema.tagged_union_schema(choices, lambda value: OFF if value is word else tag)


def word_or(words: Sequence[str], tag: str, schema: "CoreSchema") -> "CoreSchema":
    """Return the schema of one of a few words, or of what ``schema`` says where there is no text."""
    choices = {OFF: core_schema.literal_schema(list(words)), tag: schema}
    return core_schema.tagged_union_schema(
        choices, lambda value: OFF if isinstance(value, str) else tag
    )


TEXT: Final = core_schema.str_schema(strict=True, min_length=1)
FLAG: Final = core_schema.bool_schema(strict=True)
