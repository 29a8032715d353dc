"""Which settings of a backend say where a state is; the others say how it is reached. Pure.

A new credential or another way of locking does not move a state, and does not keep two states apart either.
"""

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from orchestrator.stack.model import Json

# By backend, as their documentation tells; of any other, all settings count.
_LOCATING: Final[Mapping[str, tuple[str, ...]]] = {
    "azurerm": ("storage_account_name", "container_name", "key", "environment"),
    "consul": ("address", "path", "datacenter"),
    "cos": ("region", "bucket", "prefix", "key"),
    "gcs": ("bucket", "prefix"),
    "http": ("address",),
    "kubernetes": ("secret_suffix", "namespace", "host", "config_context", "config_path"),
    "oss": ("region", "bucket", "prefix", "key"),
    "pg": ("conn_str", "schema_name"),
    "s3": ("bucket", "key", "workspace_key_prefix", "endpoint", "endpoints"),
}
_WORD: Final = re.compile(r"\b(host|hostaddr|port|dbname)\s*=\s*('[^']*'|\S+)")


def located(backend: str, settings: Mapping[str, Json]) -> dict[str, str]:
    """Return what locates the state; settings that are absent and those that are empty are the same."""
    names = _LOCATING.get(backend) or tuple(settings)
    found = {name: _normal(name, settings.get(name)) for name in names}
    return {
        name: json.dumps(value, sort_keys=True)
        for name, value in found.items()
        if value not in (None, "", {})
    }


def _normal(name: str, value: Json) -> Json:
    if name == "conn_str" and isinstance(value, str):
        return _database(value)
    if isinstance(value, list) and len(value) == 1:  # a nested block is noted as a list of one
        return _normal(name, value[0])
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner not in (None, "")}
    return value


def _database(text: str) -> str:
    """Return which database a PostgreSQL connection string means, without who connects to it and how."""
    if "://" not in text:
        words = sorted(_WORD.findall(text))
        return " ".join(f"{name}={value}" for name, value in words)
    parts = urlsplit(text)
    return f"{parts.netloc.rpartition('@')[2].lower()}{parts.path}"
