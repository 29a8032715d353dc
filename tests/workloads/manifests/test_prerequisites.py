"""Sets wait for what their objects cannot be without, also where nobody says so."""

import json
from pathlib import Path

from orchestrator.stack.model import ManifestSet, UnitId
from orchestrator.workloads.manifests.documents import ManifestDocument, read_documents
from orchestrator.workloads.manifests.prerequisites import prerequisites
from tests.workloads.builders import CONFIG
from tests.workloads.custom import definition, thing

_NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


def _needs(folder: Path, **texts: str) -> dict[str, dict[str, str]]:
    """Return why sets of these texts need one another; the set ``shop`` defaults to the namespace shop."""
    sets = [
        ManifestSet(name=name, path=f"{name}.yaml", namespace="shop" if name == "shop" else None)
        for name in texts
    ]
    documents: dict[UnitId, tuple[ManifestDocument, ...]] = {}
    for manifests in sets:
        (folder / manifests.path).write_text(texts[manifests.name])
        documents[manifests.id] = read_documents(folder, manifests, ".")
    found = prerequisites(sets, documents)
    return {
        unit.removeprefix("manifests."): {
            need.removeprefix("manifests."): why.reason for need, why in needs.items()
        }
        for unit, needs in found.items()
        if needs
    }


def test_a_custom_resource_waits_for_its_definition(tmp_path: Path) -> None:
    """The set that defines the kind goes first, and the reason names the kind."""
    needs = _needs(
        tmp_path,
        things=json.dumps(thing("example.com", {})),
        kinds=json.dumps(definition("example.com")),
    )
    assert needs == {"things": {"kinds": "has objects of the kind Widget.example.com"}}


def test_an_object_waits_for_its_namespace(tmp_path: Path) -> None:
    """Also when it is the set's default; not what another set has in another one, nor a set for itself."""
    needs = _needs(
        tmp_path, shop=CONFIG, spaces=f"{_NAMESPACE}---{CONFIG}", other=CONFIG.replace("s", "s")
    )
    assert needs == {"shop": {"spaces": "has objects in the namespace shop"}}


def test_a_namespace_whose_name_is_not_known_yet(tmp_path: Path) -> None:
    """An expression is no name, whatever it looks like."""
    text = _NAMESPACE.replace("shop", '"${{ vars.space }}"')
    placed = CONFIG.replace("{name:", '{namespace: "${{ vars.space }}", name:')
    assert _needs(tmp_path, spaces=text, other=placed) == {}
