"""A value that was secret when it was applied is no less secret when Git and the state know it no longer."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_ECHO = """
variable "text" { type = string }

resource "terraform_data" "echo" { input = var.text }

output "password" {
  value     = terraform_data.echo.output
  sensitive = true
}

output "pin" {
  value     = substr(terraform_data.echo.output, 0, 4)
  sensitive = true
}
"""


def test_a_former_secret_of_a_config_map_is_masked_when_it_goes(
    world: World, tmp_path: Path
) -> None:
    """Rotated in the infrastructure alone, then taken out of the manifest: the cluster has the old one until then."""
    world.write("db/main.tf", _ECHO)
    read = {"password": "${{ modules.db.password }}", "pin": "${{ modules.db.pin }}"}
    _declare(world, "q7xz-first-password", read)
    world.apply()
    # As one that an earlier version applied, which noted nothing.
    noted = {"metadata": {"annotations": {"orchestrator/sensitive": None}}}
    world.patch("ConfigMap", "settings", noted)
    assert "notes which of its fields are secret" in world.plan().stdout
    world.apply()
    assert "Nothing to do" in world.plan().stdout

    _declare(world, "w8yv-second-password", read)
    world.apply("--only", "modules.db")
    _declare(world, "w8yv-second-password", {"pin": "none"})
    saved = tmp_path / "plan"
    told = world.plan("--out", str(saved)).said
    in_json = world.plan("--output", "json").stdout
    (change,) = json.loads(in_json)["units"][-1]["changes"]

    assert "password  (sensitive) → (removed)" in told
    assert [field["path"] for field in change["fields"]] == ["data.password", "data.pin"]
    with zipfile.ZipFile(saved) as archive:
        kept = [archive.read(name).decode(errors="replace") for name in archive.namelist()]
    applied = world.apply().said
    for text in (told, in_json, applied, *kept):
        assert "q7xz" not in text
    assert world.data("settings") == {"level": "info", "pin": "none"}
    assert "Nothing to do" in world.plan().stdout


def _declare(world: World, text: str, data: dict[str, str]) -> None:
    world.declare(
        {"db": {"source": "./db", "inputs": {"text": text}}},
        {"shop": {"path": "shop", "namespace": world.name}},
    )
    world.manifests("shop/settings.yaml", config_map("settings", {"level": "info", **data}))
    world.commit()
