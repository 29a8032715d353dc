"""Builders of what a stack is made from; each gives something small that works."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Json = Any
Document = dict[str, Any]

ECHO = """
variable "text" {
  type = string
}

resource "terraform_data" "echo" {
  input = var.text
}

output "text" {
  value = var.text
}

output "kept" {
  value = terraform_data.echo.output
}

output "id" {
  value = terraform_data.echo.id
}
"""
"""A module that keeps a text: ``text`` is known when it is planned, ``kept`` and ``id`` after it is applied."""


def stack_file(
    name: str,
    *,
    modules: Mapping[str, Json] | None = None,
    manifests: Mapping[str, Json] | None = None,
    **settings: Json,
) -> str:
    """Return a stack file for the sandbox; ``settings`` are its other keys."""
    document = {
        "version": 1,
        "name": name,
        "cluster": {"sandbox": True},
        **settings,
        "modules": modules or {},
        "manifests": manifests or {},
    }
    return yaml.safe_dump(document, sort_keys=False)


def documents(*objects: Document) -> str:
    """Return a manifest file of these objects."""
    return yaml.safe_dump_all(objects, sort_keys=False)


def config_map(name: str, data: Mapping[str, Json] | None = None, **metadata: Json) -> Document:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": dict(data or {"colour": "red"}),
    }


def secret(name: str, data: Mapping[str, Json]) -> Document:
    """Return a Secret with values in clear text, as people write them."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": dict(data),
    }


def deployment(
    name: str,
    *,
    replicas: Json = 1,
    image: str = "shop/web:1",
    annotations: Mapping[str, str] | None = None,
) -> Document:
    """Return a Deployment; ``annotations`` are its pods', by which the sandbox's nodes can be steered."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": dict(annotations or {})},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }


def job(name: str, *, image: str) -> Document:
    """Return a Job that is made anew where it cannot be changed."""
    containers = [{"name": "main", "image": image}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": {"orchestrator/replace": "enabled"}},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers}}},
    }


def holding(folder: str, *, rounds: Sequence[str] = ("first",)) -> str:
    """Return a module whose apply writes the ids of its processes to ``folder``/started, and waits for go there.

    It gives up after a minute, so that a test that fails leaves nothing behind. Each further round replaces
    the resource, and holds again.
    """
    wait = (
        f"echo $$ $PPID > {folder}/started.new; mv {folder}/started.new {folder}/started; "
        f"i=0; while [ ! -e {folder}/go ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done"
    )
    return f"""
resource "terraform_data" "before" {{
  input = "made before"
}}

resource "terraform_data" "held" {{
  triggers_replace = {json.dumps(list(rounds))}
  depends_on       = [terraform_data.before]

  provisioner "local-exec" {{
    command = {json.dumps(wait)}
  }}
}}

output "id" {{
  value = terraform_data.held.id
}}
"""
