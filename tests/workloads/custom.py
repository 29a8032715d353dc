"""Definitions of kinds of one's own, and objects of them."""

from typing import Any

Json = dict[str, Any]

SIZED: Json = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"size": {"type": "integer"}, "colour": {"type": "string"}},
        }
    },
}


def definition(group: str, schema: Json = SIZED, *, version: str = "v1", **fields: Any) -> Json:
    """Return a definition of the kind Widget with one version."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **fields,
                }
            ],
        },
    }


def thing(group: str, spec: Any, *, name: str = "first", version: str = "v1") -> Json:
    """Return an object of that kind."""
    return {
        "apiVersion": f"{group}/{version}",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": spec,
    }
