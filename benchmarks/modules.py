"""Modules that ours and Terraform plan side by side: the same files, each side in directories of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.running import ORCHESTRATOR, Command
from benchmarks.stages import commit
from orchestrator.infrastructure.modules import workers
from orchestrator.settings import Settings

STACK = "bench"
PLAN = ("plan", STACK)
NOTHING_TO_DO = (*PLAN, "--detailed-exitcode")
APPLY = ("apply", STACK, "--yes")
_RAW_INIT = ("init", "-input=false", "-no-color")
_RAW_PLAN = ("plan", "-input=false", "-out=plan.tfplan")
_PROJECT = "ledger: {remote: false}\n"

_PRETENDED = """\
variable "name" {{ type = string }}

resource "terraform_data" "this" {{
  count = {count}
  input = {{ name = "${{var.name}}-${{count.index}}", size = 10, zones = ["a", "b"] }}
}}

output "names" {{ value = [for one in terraform_data.this : one.input.name] }}
"""


def pretended(count: int) -> str:
    """Return a module of so many resources that exist in its state alone."""
    return _PRETENDED.format(count=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """Modules of one text that need nothing of each other, for ours and for Terraform alone.

    ``variables`` are of the environment, and ``engine`` is the program that runs the modules, for both.
    """

    directory: Path
    names: Sequence[str]
    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    engine: str = "terraform"

    @property
    def checkout(self) -> Path:
        """Return the repository that ours works in."""
        return self.directory / "checkout"

    @property
    def state(self) -> Path:
        """Return the folder in which ours keeps the states."""
        return self.checkout / ".orchestrator" / "state" / STACK / "default"

    def write(self) -> None:
        """Write the modules for both sides, and commit those of ours."""
        stack = self.checkout / "stacks" / STACK
        for name in self.names:
            _write(stack / "modules" / name / "main.tf", self.text)
            _write(self.raw(name) / "main.tf", self.text)
            _write(self.raw(name) / "inputs.auto.tfvars.json", json.dumps({"name": name}))
        _write(stack / "stack.yaml", _stack(self.names, self.engine))
        _write(self.checkout / "orchestrator.yaml", _PROJECT)
        commit(self.checkout, "Bench")

    def ours(self, *arguments: str) -> Command:
        """Return a run of ours."""
        argv = (ORCHESTRATOR, *arguments)
        return Command(argv=argv, directory=self.checkout, variables=self.variables)

    def terraform(self, name: str, *arguments: str) -> Command:
        """Return a run of Terraform alone on its copy of a module."""
        argv = (self.engine, *arguments)
        return Command(argv=argv, directory=self.raw(name), variables=self.variables)

    def initialise_ours(self) -> None:
        """Initialise the modules of ours, and do nothing else with them."""
        for name in self.names:
            self.ours("terraform", f"modules.{name}", "--stack", STACK, "--", "providers").run()

    def initialise_raw(self) -> None:
        """Initialise Terraform's own copies: one, with whose provider and lock file the others work."""
        first, *others = (self.raw(name) for name in self.names)
        self.terraform(first.name, *_RAW_INIT).run()
        for name in (".terraform", ".terraform.lock.hcl"):
            for other in others if (first / name).exists() else ():
                (other / name).symlink_to(first / name)

    def begin_raw(self) -> None:
        """Initialise and plan every copy by itself, as many at a time as there are cores."""
        self._each(_RAW_INIT, _RAW_PLAN)

    def plan_raw(self) -> None:
        """Plan every copy, as many at a time as there are cores."""
        self._each(_RAW_PLAN)

    def show_raw(self) -> None:
        """Plan every copy and read the plan, as many at a time as there are cores."""
        self._each(_RAW_PLAN, ("show", "-json", "plan.tfplan"))

    def apply_raw(self) -> None:
        """Plan every copy, read the plan and apply it, as many at a time as there are cores."""
        self._each(_RAW_PLAN, ("show", "-json", "plan.tfplan"), ("apply", "plan.tfplan"))

    def share_state(self) -> None:
        """Give Terraform's own copies the state that ours came to."""
        for name in self.names:
            shutil.copy(self.state / f"{name}.tfstate", self.raw(name) / "terraform.tfstate")

    def raw(self, name: str) -> Path:
        """Return the directory of Terraform's own copy of a module."""
        return self.directory / "raw" / name

    def _each(self, *commands: tuple[str, ...]) -> None:
        self._at_once(partial(self._run, name, commands) for name in self.names)

    def _run(self, name: str, commands: Iterable[tuple[str, ...]]) -> None:
        for arguments in commands:
            self.terraform(name, *arguments).run()

    def _at_once(self, works: Iterable[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(workers(Settings.read())) as pool:
            for work in [pool.submit(work) for work in works]:
                work.result()


def _stack(names: Iterable[str], engine: str) -> str:
    lines = (f"  {name}: {{source: ./modules/{name}, inputs: {{name: {name}}}}}" for name in names)
    chosen = f"terraform: {{binary: {json.dumps(engine)}}}"
    return "\n".join(("version: 1", f"name: {STACK}", chosen, "modules:", *lines)) + "\n"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
