"""A repository's tree with modules, and everything that working on them needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.infrastructure.binary import find_binary
from orchestrator.infrastructure.modules import (
    ModulePlan,
    ModuleRequest,
    Site,
    Workspace,
    apply_module,
    plan_module,
    prepare,
)
from orchestrator.plans.events import Event
from orchestrator.stack.model import Json, State, Terraform, UnitId
from orchestrator.stack.scope import Output

ECHO = """
variable "text" {
  type = string
}

resource "terraform_data" "echo" {
  input = var.text
}

output "text" {
  value = terraform_data.echo.output
}
"""
"""A module that keeps its input and gives it back, known after the first apply only."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A tree to write modules in, where stack files would stand in ``stacks/shop``."""

    tree: Path
    site: Site
    events: list[Event] = field(default_factory=list)

    def write(self, name: str, text: str = ECHO) -> Path:
        """Write a file of the tree."""
        file = self.tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def request(
        self, unit: str = "echo", source: str = "", state: State | None = None
    ) -> ModuleRequest:
        """Return a request for ``modules/UNIT``, or another source, with local state unless told otherwise."""
        return ModuleRequest(
            unit=UnitId(f"modules.{unit}"),
            tree=self.tree,
            directory="stacks/shop",
            source=source or f"../../modules/{unit}",
            state=state or State(),
        )

    def workspace(
        self, unit: str = "echo", source: str = "", state: State | None = None
    ) -> Workspace:
        """Prepare such a request."""
        return prepare(self.request(unit, source, state), self.site)

    def plan(
        self,
        workspace: Workspace,
        inputs: Mapping[str, Json] | None = None,
        *,
        destroy: bool = False,
    ) -> ModulePlan:
        """Plan, and keep the events."""
        return plan_module(workspace, inputs or {}, destroy=destroy, on_event=self.events.append)

    def apply(
        self, workspace: Workspace, inputs: Mapping[str, Json] | None = None
    ) -> Mapping[str, Output]:
        """Plan and apply; there has to be something to do."""
        plan_file = self.plan(workspace, inputs).plan_file
        assert plan_file is not None, "there was nothing to do"
        return apply_module(workspace, plan_file, on_event=self.events.append).outputs

    def with_environment(self, **variables: str) -> "Ground":
        """Return the same ground under further environment variables."""
        settings = self.site.settings
        more = replace(settings, environment={**settings.environment, **variables})
        return replace(self, site=replace(self.site, settings=more))


def values(outputs: Mapping[str, Output]) -> dict[str, Json]:
    """Return the outputs' values by name."""
    return {name: output.value for name, output in outputs.items()}


def with_engine(ground: Ground, program: Path) -> Ground:
    """Return the ground with another engine."""
    chosen = Terraform(binary=str(program))
    binary = find_binary(chosen, ground.site.settings, ground.tree)
    return replace(ground, site=replace(ground.site, binary=binary))


def logging_engine(ground: Ground, folder: Path) -> tuple[Ground, Path]:
    """Return the ground with an engine that notes each of its commands in a file, and that file."""
    log, program = folder / "commands", folder / "terraform"
    quoted = " ".join(f"'{part}'" for part in ground.site.binary.argv)
    program.write_text(f'#!/bin/sh\necho "$1" >> "{log}"\nexec {quoted} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    log.touch()
    binary = replace(ground.site.binary, argv=(str(program),))
    return replace(ground, site=replace(ground.site, binary=binary)), log
