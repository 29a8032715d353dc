"""Custom kinds with everything that schemas can say about merging, and objects of them."""

from random import Random
from typing import Any

from tests.workloads.planning.unchanged.manifests import (
    AMOUNTS,
    WORDS,
    Maker,
    Manifest,
    optional,
    some,
    texts,
)

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_KEEP = "x-kubernetes-preserve-unknown-fields"
_AMOUNT = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
_MAP = {"type": "object", "additionalProperties": _TEXT}


def _list(items: Any, kind: str, *keys: str) -> dict[str, Any]:
    named = {"x-kubernetes-list-map-keys": list(keys)} if keys else {}
    return {"type": "array", "items": items, "x-kubernetes-list-type": kind, **named}


def _object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


_ENDPOINT = {
    **_object(
        port=_NUMBER,
        protocol={"type": "string", "default": "UDP"},
        note={**_TEXT, "nullable": True},
        extra={**_MAP, "nullable": True},
    ),
    "required": ["port"],
}
_WIDGET = _object(
    size=_NUMBER,
    ratio={"type": "number"},
    on={"type": "boolean", "default": True},
    mode={"type": "string", "default": "fast"},
    note={**_TEXT, "nullable": True},
    share=_AMOUNT,
    limits={"type": "object", "additionalProperties": _AMOUNT},
    options=_MAP,
    tuning=_object(
        level={"type": "integer", "default": 3}, depth={"type": "integer", "default": 4}
    ),
    fixed={**_MAP, "x-kubernetes-map-type": "atomic"},
    reference={**_object(name=_TEXT, key=_TEXT), "x-kubernetes-map-type": "atomic"},
    tags=_list(_TEXT, "set"),
    numbers=_list(_NUMBER, "set"),
    steps=_list(_TEXT, "atomic"),
    plain={"type": "array", "items": _object(name=_TEXT, value=_TEXT)},
    endpoints=_list(_ENDPOINT, "map", "port", "protocol"),
    parts=_list(
        {
            **_object(
                name=_TEXT, tags=_list(_TEXT, "set"), steps={"type": "array", "items": _TEXT}
            ),
            "required": ["name"],
        },
        "map",
        "name",
    ),
    table={
        "type": "object",
        "additionalProperties": _list({**_object(name=_TEXT), "required": ["name"]}, "map", "name"),
    },
    free={"type": "object", _KEEP: True},
    anything={_KEEP: True},
    half={**_object(known=_list(_TEXT, "set")), _KEEP: True},
    embedded={"type": "object", _KEEP: True, "x-kubernetes-embedded-resource": True},
)


_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets"]}


def admission(namespace: str) -> dict[str, Manifest]:
    """Return what labels every Secret of a namespace when it is written, by the addresses to make it at."""
    expression = 'Object{metadata: Object.metadata{labels: {"injected": "yes"}}}'
    patch = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {
        f"{_ADMISSION}/mutatingadmissionpolicies": {
            "metadata": {"name": namespace},
            "spec": {
                "matchConstraints": {"resourceRules": [_RULE]},
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "mutations": [patch],
            },
        },
        f"{_ADMISSION}/mutatingadmissionpolicybindings": {
            "metadata": {"name": namespace},
            "spec": {"policyName": namespace, "matchResources": {"namespaceSelector": here}},
        },
    }


def _as_wholes(schema: Any) -> Any:
    """Return a schema in which nothing is merged by its elements."""
    if isinstance(schema, list):
        return [_as_wholes(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    merging = {"x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
    rest = {key: _as_wholes(item) for key, item in schema.items() if key not in merging}
    if "additionalProperties" in schema:
        rest["x-kubernetes-map-type"] = "atomic"
    return rest


def definitions(group: str, *, whole: bool = False) -> list[Manifest]:
    """Return definitions of Widget, whose schema is strict, and of Loose, which keeps all.

    To the Widget of ``whole``, every list and every map of texts is one value.
    """
    widget = _object(spec=_as_wholes(_WIDGET) if whole else _WIDGET, status=_object(ready=_TEXT))
    loose = {"type": "object", _KEEP: True}
    return [
        _definition(group, "Widget", widget, subresources={"status": {}}),
        _definition(group, "Loose", loose, subresources={}),
    ]


def _definition(
    group: str, kind: str, schema: dict[str, Any], *, subresources: dict[str, Any]
) -> Manifest:
    plural = f"{kind.lower()}s"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": subresources,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


def makers(group: str) -> tuple[Maker, ...]:
    """Return what makes objects of these kinds."""
    return (lambda rng: _widget(rng, group), lambda rng: _loose(rng, group))


def anything(rng: Random, depth: int = 3) -> Any:
    """Return any value."""
    if depth == 0 or rng.random() < 0.4:
        return rng.choice((*WORDS, 0, 1, 1.5, True, False, "1", {}, []))
    if rng.random() < 0.5:
        return {name: anything(rng, depth - 1) for name in some(rng)}
    return [anything(rng, depth - 1) for _ in range(rng.randint(1, 3))]


def _loose(rng: Random, group: str) -> Manifest:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Loose",
        "spec": anything(rng),
        **optional(rng, status=lambda: {"ready": "yes"}, other=lambda: anything(rng)),
    }


def _endpoints(rng: Random) -> list[Manifest]:
    return [
        {
            "port": port,
            **optional(rng, protocol=lambda: "UDP", note=lambda: "x", extra=lambda: texts(rng)),
        }
        for port in rng.sample((80, 81, 82), rng.randint(1, 3))
    ] + rng.choice(([], [{"port": 80, "protocol": "TCP"}]))


def _embedded(rng: Random) -> Manifest:
    metadata = {
        "name": "inner",
        **optional(rng, labels=lambda: texts(rng), finalizers=lambda: ["a.b/c"]),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts(rng)}


def _widget(rng: Random, group: str) -> Manifest:
    spec = optional(
        rng,
        size=lambda: rng.randint(0, 3),
        ratio=lambda: rng.choice((0.5, 1, 2.25)),
        on=lambda: rng.random() < 0.5,
        note=lambda: rng.choice(WORDS),
        share=lambda: rng.choice((1, "1", "50%")),
        limits=lambda: {"cpu": rng.choice((*AMOUNTS, 1, "0.5", "1024Mi"))},
        options=lambda: texts(rng),
        tuning=lambda: rng.choice(({}, {"level": 3}, {"level": 5})),
        fixed=lambda: texts(rng),
        reference=lambda: {"name": "n", "key": "k"},
        tags=lambda: some(rng),
        numbers=lambda: [3, 1, 2][: rng.randint(1, 3)],
        steps=lambda: some(rng),
        plain=lambda: [{"name": name, "value": rng.choice(WORDS)} for name in some(rng)],
        endpoints=lambda: _endpoints(rng),
        parts=lambda: [
            {"name": name, **optional(rng, tags=lambda: some(rng), steps=lambda: some(rng))}
            for name in some(rng)
        ],
        table=lambda: {name: [{"name": each} for each in some(rng)] for name in some(rng)},
        free=lambda: {name: anything(rng) for name in some(rng)},
        anything=lambda: anything(rng),
        half=lambda: {"known": some(rng), "more": anything(rng)},
        embedded=lambda: _embedded(rng),
    )
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "spec": spec}
