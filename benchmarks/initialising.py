"""Whether modules that were never initialised here all get their provider, when they begin at the same time.

The provider comes packed, as a registry gives it, and goes through a plug-in cache that all share and that is empty.
Terraform alone damages such a cache now and then, and so did OpenTofu before it locked it: rows of failures, then, and
not of seconds.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import Limit, Row, Unit
from benchmarks.modules import PLAN, Modules
from benchmarks.running import Failed, tell
from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings
from tests.infrastructure.opentofu import opentofu_program

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


def cold_starts(directory: Path, *, modules: int) -> Iterator[Row]:
    """Yield how many of twenty runs failed, in each of which all modules are initialised at the same time.

    There is a row of Terraform, and one of OpenTofu, which is built the first time.
    """
    variables = _mirrored(directory)
    for name, engine in (("terraform", "terraform"), ("tofu", str(opentofu_program()))):
        fresh = Modules(
            directory=directory,
            names=[f"module{number:02d}" for number in range(modules)],
            text=_MODULE,
            variables=variables,
            engine=engine,
        )
        yield _cold_start(fresh, name)


def _cold_start(modules: Modules, engine: str) -> Row:
    many = len(modules.names)
    failures: list[str] = []
    raw: list[str] = []
    for number in range(1, _RUNS + 1):
        tell(f"{many} modules that begin with nothing, with {engine}: run {number} of {_RUNS}")
        failures += _start(modules, lambda fresh: fresh.ours(*PLAN).run())
        raw += _start(modules, Modules.begin_raw)
    what = f"failed of {_RUNS} first plans of {many} modules with a provider"
    return Row(
        name=what if engine == "terraform" else f"{what}, OpenTofu",
        unit=Unit.FAILURES,
        ours=(float(len(failures)),),
        raw=(float(len(raw)),),
        raw_name=f"{many} {engine} init + plan",
        limit=Limit(most=0),
        explain=lambda: tuple(line for failure in failures for line in failure.splitlines()),
    )


def _start(modules: Modules, begin: Callable[[Modules], object]) -> list[str]:
    """Begin with modules in a new place with empty caches; return what went wrong, if something did."""
    with tempfile.TemporaryDirectory(dir=modules.directory) as own:
        plugins = Path(own) / "plugins"
        plugins.mkdir()
        caches = {"TF_PLUGIN_CACHE_DIR": str(plugins), "ORCHESTRATOR_CACHE": f"{own}/cache"}
        fresh = replace(modules, directory=Path(own), variables={**modules.variables, **caches})
        fresh.write()
        try:
            begin(fresh)
        except Failed as failure:
            return [str(failure)]
    return []


def _mirrored(directory: Path) -> Mapping[str, str]:
    """Make a mirror that has the provider, packed, for both engines; return the variable that sends them there."""
    settings = Settings.read()
    program = built(PROVIDER, settings, on_progress=tell, stop=Stop())
    target = f"{sys.platform}_{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    directory.mkdir()
    packed = directory / f"terraform-provider-time_{VERSION}_{target}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(program, f"terraform-provider-time_v{VERSION}_x5")
    for registry in ("registry.terraform.io", "registry.opentofu.org"):
        folder = directory / "mirror" / registry / _NAME
        folder.mkdir(parents=True)
        (folder / packed.name).hardlink_to(packed)
    configuration = directory / "terraform.rc"
    mirror = json.dumps(str(directory / "mirror"))
    configuration.write_text(_INSTALLATION.format(mirror=mirror), encoding="utf-8")
    return {"TF_CLI_CONFIG_FILE": str(configuration)}
