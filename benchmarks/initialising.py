"""Whether modules that were never initialised here all get their provider, when they begin at the same time.

The provider comes packed, as a registry gives it. Terraform alone, with a shared plug-in cache, damages that now
and then; so this is a row of failures and not of seconds.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import Limit, Row, Unit
from benchmarks.modules import PLAN, Modules
from benchmarks.running import Failed, tell
from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings

_RUNS = 20
VERSION = "0.14.2"
_NAME = "hashicorp/time"
PROVIDER = Program(
    name="terraform-provider-time",
    title=f"the provider {_NAME} {VERSION}",
    sources=Path(__file__).with_name("golang") / "provider-time",
    package="github.com/hashicorp/terraform-provider-time",
    linker_flags=("-s", "-w"),
)
_MODULE = f"""\
terraform {{
  required_providers {{
    time = {{ source = "{_NAME}", version = "{VERSION}" }}
  }}
}}

variable "name" {{ type = string }}

resource "time_static" "this" {{
  triggers = {{ name = var.name }}
}}
"""
_INSTALLATION = """\
provider_installation {{
  filesystem_mirror {{
    path = {mirror}
  }}
}}
"""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def cold_starts(directory: Path, *, modules: int) -> Row:
    """Return how many of twenty runs failed, in each of which all modules are initialised at the same time."""
    variables = _mirrored(directory)
    names = [f"module{number:02d}" for number in range(modules)]
    tell(f"{modules} modules that begin with nothing, {_RUNS} times")
    failures = [_start(directory, names, variables) for _ in range(_RUNS)]
    return Row(
        name=f"of {_RUNS} first plans of {modules} modules with a provider",
        unit=Unit.FAILURES,
        ours=(float(len([failure for failure in failures if failure])),),
        limit=Limit(most=0),
        explain=lambda: tuple(line for failure in failures for line in failure.splitlines()),
    )


def _start(directory: Path, names: list[str], variables: Mapping[str, str]) -> str:
    """Plan modules in a new repository with an empty cache; return what went wrong, or an empty text."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        cache = {"ORCHESTRATOR_CACHE": str(Path(own) / "cache")}
        modules = Modules(
            directory=Path(own), names=names, text=_MODULE, variables={**variables, **cache}
        )
        modules.write()
        try:
            modules.ours(*PLAN).run()
        except Failed as failure:
            return str(failure)
    return ""


def _mirrored(directory: Path) -> Mapping[str, str]:
    """Make a mirror that has the provider, packed; return the variable that sends Terraform there."""
    settings = Settings.read()
    program = built(PROVIDER, settings, on_progress=tell, stop=Stop())
    target = f"{sys.platform}_{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    folder = directory / "mirror" / "registry.terraform.io" / _NAME
    folder.mkdir(parents=True)
    with zipfile.ZipFile(
        folder / f"terraform-provider-time_{VERSION}_{target}.zip", "w", zipfile.ZIP_DEFLATED
    ) as archive:
        archive.write(program, f"terraform-provider-time_v{VERSION}_x5")
    configuration = directory / "terraform.rc"
    mirror = json.dumps(str(directory / "mirror"))
    configuration.write_text(_INSTALLATION.format(mirror=mirror), encoding="utf-8")
    return {"TF_CLI_CONFIG_FILE": str(configuration)}
