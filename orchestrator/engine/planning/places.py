"""Where a plan is carried out, as far as Git says it: an approval of what is done holds for that place alone."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from orchestrator.engine.planning.reached import engine_of, kubeconfig_of, program_of, state_of
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.expressions import references
from orchestrator.stack.links import is_file, trail
from orchestrator.stack.model import Json, Module, Stack

_SECRET: Final = "token"  # noqa: S105  a key of the stack file, and no part of where a cluster is


def with_place(unit: UnitPlan, tree: Path, wanted: Wanted) -> UnitPlan:
    """Return a unit's plan whose code tells apart where it is carried out, which no change shows.

    Of a module that is what it is given, such as a region, its state and the program that runs it; of manifests the
    cluster, where the stack names one. It counts as Git has it: a hash of what a run resolves would give short secrets
    away.
    """
    where = _where(unit, tree, wanted) if unit.effective else {}
    if not where:
        return unit
    canonical = json.dumps([unit.code, where], sort_keys=True, separators=(",", ":"), default=str)
    return replace(unit, code=hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest())


def _where(unit: UnitPlan, tree: Path, wanted: Wanted) -> Mapping[str, Any]:
    module = wanted.modules.get(unit.unit)
    if module is not None:
        return _of_module(tree, wanted.stack, module)
    # A module that Git forgot is destroyed as it was applied; manifests are pruned in the cluster that there is.
    return {} if unit.unit.startswith("modules.") else _of_cluster(tree, wanted.stack)


def _of_module(tree: Path, stack: Stack, module: Module) -> Mapping[str, Any]:
    state, program = state_of(stack, module), program_of(stack, module)
    inputs, engine = dict(module.inputs), engine_of(stack, module)
    return {
        "inputs": inputs,
        "vars": _read(stack, inputs),
        "engine": [engine.binary, *engine.environment],
        "state": [state.backend, dict(state.config)],
        **({"program": _content(tree, program)} if program else {}),
    }


def _of_cluster(tree: Path, stack: Stack) -> Mapping[str, Any]:
    if stack.cluster.sandbox:
        return {"sandbox": True}
    address: dict[str, Json] = {name: told for name, told in stack.cluster.address.items() if told}
    address.pop(_SECRET, None)
    file = kubeconfig_of(stack)
    content = {"kubeconfig": _content(tree, file)} if file else {}
    return {"cluster": address, "vars": _read(stack, address), **content} if address else {}


def _read(stack: Stack, value: Json) -> dict[str, Json]:
    """Return the variables that a value reads, with theirs."""
    names = {str(found.segments[0]) for _, found in references(value) if found.root == "vars"}
    return {name: stack.vars.get(name) for name in names}


def _content(tree: Path, path: str) -> str:
    """Return a hash of a file of the repository, at the end of links; empty where there is none."""
    end = trail(tree, path).end
    file = tree / end if end else None
    return hashlib.sha256(file.read_bytes()).hexdigest() if file and is_file(file) else ""
