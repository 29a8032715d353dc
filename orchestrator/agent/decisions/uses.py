"""What a stack says that it uses, held against what its repository may use. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from orchestrator.agent.configuration.model import Allowed
from orchestrator.stack.model import Cluster, Json, Ledger, LedgerStore, Module, Stack, Terraform

_CURRENT = "current"
_SANDBOX = "sandbox"
_DIRECTORY = "directory:"
_RIGHTS = "would run with the agent's rights"


def refused_uses(stack: Stack, allowed: Allowed, real: Callable[[str], str]) -> Iterator[str]:
    """Yield in words what a stack uses and may not; ``real`` says where a path leads, without links and ``..``."""
    yield from _programs(stack, allowed=allowed.modules)
    yield from _clusters(stack.cluster, allowed.clusters)
    yield from _clusters_of_ledger(stack.ledger, allowed.clusters)
    yield from _ledgers(stack.ledger, allowed, real)
    yield from _sources(stack.modules, allowed.sources)


def refused_places(
    stack: Stack, keeper: Stack, allowed: Allowed, real: Callable[[str], str]
) -> Iterator[str]:
    """Yield in words why the ledger of a stack may not so much as be looked for where the stack says.

    The refs of the repository itself always may. ``keeper`` is whose cluster it is in, where it is in a stack's own.
    """
    ledger = stack.ledger
    if ledger.store is LedgerStore.GIT:
        return
    cluster = keeper.cluster if ledger.in_own_cluster else Cluster()
    yield from _programs(
        replace(stack, modules=(), terraform=Terraform(), cluster=cluster), allowed=allowed.modules
    )
    if ledger.in_own_cluster:
        yield from _clusters(cluster, allowed.clusters)
    yield from _clusters_of_ledger(ledger, allowed.clusters)
    yield from _ledgers(ledger, allowed, real)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns matches; ``*`` stands for any text, also with slashes."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _programs(stack: Stack, *, allowed: bool) -> Iterator[str]:
    """Yield what brings code that is run, where that is not allowed."""
    if allowed:
        return
    for module in stack.modules:
        yield f"{module.id} is a module, and its code {_RIGHTS}"
    if stack.terraform.binary:
        yield f"it names a program, terraform.binary, which {_RIGHTS}"
    if stack.cluster.exec:
        yield f"it names a program for credentials, cluster.exec, which {_RIGHTS}"
    if stack.cluster.kubeconfig or stack.ledger.kubeconfig:
        yield f"it brings a kubeconfig, and a program for credentials in there {_RIGHTS}"


def _clusters(cluster: Cluster, patterns: Sequence[str] | None) -> Iterator[str]:
    if patterns is None:
        return
    if cluster.kubeconfig or cluster.exec:
        yield "it brings a kubeconfig or a program for credentials of its own"
    name = _cluster(cluster)
    if not matches(name, patterns):
        yield f"the cluster {name} is not one of its clusters"


def _cluster(cluster: Cluster) -> str:
    if cluster.sandbox:
        return _SANDBOX
    return _text(cluster.server) or _text(cluster.context) or _CURRENT


def _clusters_of_ledger(ledger: Ledger, patterns: Sequence[str] | None) -> Iterator[str]:
    if patterns is None or ledger.store is not LedgerStore.CLUSTER or ledger.in_own_cluster:
        return
    if ledger.kubeconfig:
        yield "it brings a kubeconfig of its own for the ledger"
    name = ledger.context or _CURRENT
    if not matches(name, patterns):
        yield f"the cluster {name} of the ledger is not one of its clusters"


def _ledgers(ledger: Ledger, allowed: Allowed, real: Callable[[str], str]) -> Iterator[str]:
    name = _ledger(ledger, real)
    if allowed.ledgers is None:
        # The agent writes ledgers as itself: nobody else would keep one out of the namespaces of others.
        theirs = allowed.namespaces is None or matches(ledger.namespace, allowed.namespaces)
        if ledger.store is LedgerStore.CLUSTER and not theirs:
            yield f"the ledger {name} is in none of its namespaces, and not one of its ledgers"
        return
    patterns: Sequence[str] = allowed.ledgers
    if ledger.store is LedgerStore.DIRECTORY:
        patterns = [_leading(pattern, real) for pattern in patterns]
    if not matches(name, patterns):
        written = f"{_DIRECTORY}{ledger.path}" if ledger.path else name
        yield f"the ledger {written} is not one of its ledgers"


def _ledger(ledger: Ledger, real: Callable[[str], str]) -> str:
    match ledger.store:
        case LedgerStore.GIT:
            return "git"
        case LedgerStore.DIRECTORY:
            return f"{_DIRECTORY}{real(ledger.path)}"
        case LedgerStore.CLUSTER:
            return f"cluster:{ledger.namespace}"


def _leading(pattern: str, real: Callable[[str], str]) -> str:
    """Return a pattern of directories with the place that it leads to, as paths have it that are held against it."""
    path = pattern.removeprefix(_DIRECTORY)
    if path == pattern or path.startswith("*"):
        return pattern
    return f"{_DIRECTORY}{real(path)}"


def _sources(modules: Sequence[Module], patterns: Sequence[str] | None) -> Iterator[str]:
    for module in modules:
        if patterns is not None and not module.local and not matches(module.source, patterns):
            yield f"the source {module.source} of {module.id} is not one of its sources"


def _text(value: Json) -> str:
    return "" if value is None else str(value)
