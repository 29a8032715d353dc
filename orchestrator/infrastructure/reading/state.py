"""Reading Terraform state: what it says of itself, its outputs and what of it is secret; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.stack.model import Json
from orchestrator.stack.scope import Output

_FORMAT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One state: its lineage and serial, its outputs, and whether it holds anything.

    ``bare`` says that it has no resources, whatever outputs. ``secrets`` are the values that it marks as sensitive.
    ``readable`` is false for state that OpenTofu encrypted: only the engine itself can open that.
    """

    lineage: str = ""
    serial: int = 0
    outputs: Mapping[str, Output]
    empty: bool = True
    bare: bool = True
    readable: bool = True
    secrets: tuple[Json, ...] = ()

    @property
    def first(self) -> bool:
        """Whether nobody can tell from it, as a plan file has it, that anything was applied: planning adds outputs."""
        return bool(self.lineage and self.bare and not self.empty and self.serial <= 1)

    @property
    def stamp(self) -> str:
        """Return ``lineage:serial``, which moves with every write; empty when there is no state.

        The kubernetes backend writes an empty one before anything is applied; that is none either.
        """
        untouched = self.empty and self.serial <= 1
        return f"{self.lineage}:{self.serial}" if self.lineage and not untouched else ""


NOTHING = Snapshot(outputs={})


def read_state(content: bytes) -> Snapshot:
    """Read a state document of format 4; raises ValueError, KeyError or TypeError when it is none."""
    document = json.loads(content)
    if "encrypted_data" in document:
        return Snapshot(
            lineage=document["lineage"],
            serial=document["serial"],
            outputs={},
            empty=False,
            bare=False,
            readable=False,
        )
    if document["version"] != _FORMAT:
        message = f"state format {document['version']} is not known"
        raise ValueError(message)
    outputs, resources = document.get("outputs") or {}, document.get("resources") or []
    return Snapshot(
        lineage=document["lineage"],
        serial=int(document["serial"]),
        outputs=read_outputs_block(outputs),
        empty=not outputs and not resources,
        bare=not resources,
        secrets=(*_sensitive_outputs(outputs), *_sensitive_attributes(resources)),
    )


def read_outputs_block(outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Output]:
    """Read outputs as state files, ``output -json`` and apply's last event write them, sorted by name."""
    return {
        name: Output(value=output.get("value"), known=True, sensitive=bool(output.get("sensitive")))
        for name, output in sorted(outputs.items())
    }


def _sensitive_outputs(outputs: Mapping[str, Mapping[str, Any]]) -> list[Json]:
    return [output.get("value") for output in outputs.values() if output.get("sensitive")]


def _sensitive_attributes(resources: list[dict[str, Any]]) -> list[Json]:
    return [
        found
        for resource in resources
        for instance in resource.get("instances", ())
        for path in instance.get("sensitive_attributes") or ()
        for found in _at(instance.get("attributes"), path)
    ]


def _at(value: Any, path: list[dict[str, Any]]) -> list[Json]:
    """Return what stands at a path as state files write them: steps of ``get_attr`` and ``index``."""
    for step in path:
        key = step.get("value")
        key = key.get("value") if isinstance(key, dict) else key
        if isinstance(value, dict) and value.keys() == {"value", "type"}:
            value = value["value"]  # how a value of any type is stored
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return []
    return [value]
