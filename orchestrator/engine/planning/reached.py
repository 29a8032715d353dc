"""By what a stack reaches its modules, cluster and ledger, as its file says: engine, state and kubeconfigs."""

from dataclasses import replace
from typing import cast

from orchestrator.errors import InvalidStack
from orchestrator.stack.expressions import locate_in, pending_in, resolve
from orchestrator.stack.model import Json, Module, Stack, State, Terraform
from orchestrator.stack.scope import scope_of, state_scope_of


def program_of(stack: Stack, module: Module) -> str:
    """Return the program of the repository that runs a module, from its root; empty for one from elsewhere."""
    chosen = engine_of(stack, module).binary
    return _at_home(chosen) if "/" in chosen else ""


def engine_of(stack: Stack, module: Module) -> Terraform:
    """Return what a module says of its engine, and its stack where it says nothing."""
    return module.terraform.over(stack.terraform) if module.terraform else stack.terraform


def kubeconfig_of(stack: Stack) -> str:
    """Return the kubeconfig of the repository by which a stack's cluster is reached, from its root; else empty.

    What only a run or a commit tells is none.
    """
    found = resolve(stack.cluster.kubeconfig, replace(scope_of(stack), revision=None))
    if found.mistakes or pending_in(found.value) or not isinstance(found.value, str):
        return ""
    return _at_home(found.value)


def kubeconfig_of_ledger(stack: Stack) -> str:
    """Return the kubeconfig of the repository by which a stack's ledger is reached, from its root; else empty."""
    if stack.ledger.in_own_cluster:
        return kubeconfig_of(stack)
    return _at_home(stack.ledger.kubeconfig)


def _at_home(path: str) -> str:
    return "" if path.startswith(("/", "~")) else path


def state_of(stack: Stack, module: Module) -> State:
    """Return where the state of a module lies; raises InvalidStack when that cannot be told."""
    locate = locate_in(stack.state.places, ("config",))
    resolution = resolve(dict(stack.state.config), state_scope_of(stack, module.id), locate)
    if resolution.mistakes:
        raise InvalidStack(resolution.mistakes)
    return State(
        backend=stack.state.backend,
        config=cast("dict[str, Json]", resolution.value),
        places=stack.state.places,
    )
