"""Leases in memory, as a server keeps them: replaced only as the version that was seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(slots=True)
class MemoryLeases:
    """All replicas' Leases; ``asked`` is called before and after each request."""

    asked: Callable[[], None] = lambda: None
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    writes: int = 0

    def get(self, _kind: str, name: str) -> Mapping[str, Json] | None:
        """Return a Lease."""
        self.asked()
        found = self.objects.get(name)
        self.asked()
        return found

    def put(self, manifest: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """Write a Lease over the version that it names."""
        self.asked()
        metadata: dict[str, Json] = dict(manifest["metadata"])
        found = self.objects.get(metadata["name"])
        version = found["metadata"]["resourceVersion"] if found else ""
        if metadata.get("resourceVersion", "") != version:
            self.asked()
            return None
        self.writes += 1
        metadata["resourceVersion"] = str(self.writes)
        stored = {**manifest, "metadata": metadata}
        self.objects[metadata["name"]] = stored
        self.asked()
        return stored

    def drop(self, _kind: str, name: str, *, version: str) -> bool:
        """Remove a version of a Lease."""
        self.asked()
        found = self.objects.get(name)
        if found and version in {"", found["metadata"]["resourceVersion"]}:
            del self.objects[name]
        return name not in self.objects

    def select(self, _kind: str, labels: Mapping[str, str]) -> list[Mapping[str, Json]]:
        """Return what carries these labels."""
        self.asked()
        found: list[Mapping[str, Json]] = [
            each
            for each in self.objects.values()
            if labels.items() <= each["metadata"]["labels"].items()
        ]
        self.asked()
        return found
