"""Manifests, references and rendered sets for tests, with defaults for what a test does not care about."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.stack.expressions import Output, Scope
from orchestrator.stack.model import Json, ManifestSet, Rights
from orchestrator.workloads.kinds import BUILT_IN, Kinds
from orchestrator.workloads.manifests.documents import read_documents
from orchestrator.workloads.manifests.rendering import render
from orchestrator.workloads.manifests.wanted import RenderedSet

OWNER = Owner(stack="shop", environment="test")


def scope(**fields: Any) -> Scope:
    """Return what expressions can read; ``outputs`` are those of the module ``database``."""
    outputs: Mapping[str, Output] | None = fields.pop("outputs", None)
    defaults: dict[str, Any] = {
        "stack": OWNER.stack,
        "environment": OWNER.environment,
        "revision": "abc",
        "vars": {"replicas": 2, "domain": "shop.example"},
        "outputs": {"database": outputs},
    }
    return Scope(**{**defaults, **fields})


def rendered(  # noqa: PLR0913 - a builder: what a test does not care about is left out
    directory: Path,
    text: str,
    *,
    name: str = "shop",
    namespace: Json = None,
    kinds: Kinds = BUILT_IN,
    outputs: Mapping[str, Output] | None = None,
    rights: Rights | None = None,
) -> RenderedSet:
    """Return the set that the manifests in ``text`` make, read from a file of the set's name."""
    (directory / f"{name}.yaml").write_text(text)
    manifests = ManifestSet(
        name=name, path=f"{name}.yaml", namespace=namespace, rights=rights or Rights()
    )
    documents = read_documents(directory, manifests, ".")
    known = kinds.with_definitions(document.value for document in documents)
    return render(manifests, documents, scope(unit=manifests.id, outputs=outputs), kinds=known)


def ref(kind: str = "ConfigMap", **fields: str) -> ObjectRef:
    """Return a reference; the group of well-known kinds is filled in."""
    groups = {
        "Deployment": "apps",
        "StatefulSet": "apps",
        "Job": "batch",
        "Role": "rbac.authorization.k8s.io",
    }
    defaults = {"group": groups.get(kind, ""), "version": "v1", "namespace": "shop", "name": "web"}
    return ObjectRef(kind=kind, **{**defaults, **fields})


CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green}
"""

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example/web:1"}]
"""
