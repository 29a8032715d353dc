"""``plan`` of the quickstart as it stands applied, beside ``terraform plan`` of its modules and three LISTs.

Both sides plan the same modules with inputs of the same kind, and find nothing to do. The raw runs come one after
the other, since the database reads an output of the network.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.kubernetes import list_all
from benchmarks.measuring import Bench, Limit, Row, take_turns
from benchmarks.profiling import explain
from benchmarks.running import ROOT, Command
from benchmarks.stages import commit, fresh_sandbox, orchestrator
from orchestrator.sandbox import Sandbox

_LISTS = ("/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/configmaps")


def rows(bench: Bench) -> Iterator[Row]:
    """Yield one row: a plan that finds nothing to do."""
    with fresh_sandbox(bench.directory / "sandbox") as sandbox:
        checkout = _applied(bench.directory / "checkout", sandbox)
        modules = _applied_raw(bench.directory / "raw", checkout)
        command = orchestrator(checkout, sandbox, "plan", "quickstart", "--detailed-exitcode")
        ours, raw = take_turns(bench.rounds, command.run, partial(_plan_raw, modules, sandbox))
        yield Row(
            name="orchestrator plan quickstart",
            ours=ours,
            raw=raw,
            raw_name=f"{len(modules)} terraform plan + {len(_LISTS)} LIST",
            limit=Limit(ratio=1.15, plus=0.6),
            explain=partial(explain, command),
        )


def _applied(checkout: Path, sandbox: Sandbox) -> Path:
    """Make a repository that holds nothing but the quickstart, and apply it."""
    shutil.copytree(ROOT / "stacks" / "quickstart", checkout / "stacks" / "quickstart")
    shutil.copy(ROOT / "orchestrator.yaml", checkout)
    commit(checkout, "Quickstart")
    orchestrator(checkout, sandbox, "apply", "quickstart", "--yes").run()
    return checkout


def _applied_raw(directory: Path, checkout: Path) -> tuple[Path, ...]:
    """Apply copies of the modules by hand, and return their directories in the order of their needs."""
    shutil.copytree(checkout / "stacks" / "quickstart" / "modules", directory)
    network, database = directory / "network", directory / "database"
    _apply_raw(network, {"cidr": "10.20.0.0/16", "zones": ["a", "b"]})
    outputs = json.loads(_terraform(network, "output", "-json"))
    _apply_raw(database, {"name": "shop", "subnet_ids": outputs["private_subnet_ids"]["value"]})
    return network, database


def _apply_raw(module: Path, inputs: Mapping[str, Any]) -> None:
    (module / "inputs.auto.tfvars.json").write_text(json.dumps(inputs), encoding="utf-8")
    _terraform(module, "init", "-input=false")
    _terraform(module, "apply", "-input=false", "-auto-approve")


def _plan_raw(modules: tuple[Path, ...], sandbox: Sandbox) -> None:
    for module in modules:
        _terraform(module, "plan", "-input=false", "-out=plan.tfplan", "-detailed-exitcode")
    list_all(sandbox.kubeconfig, _LISTS)


def _terraform(module: Path, *arguments: str) -> str:
    return Command(argv=("terraform", *arguments), directory=module).run()
