"""Whether what is said of a ledger's place fits together, and whether a ledger can be there."""

from collections.abc import Iterator
from typing import Final

from orchestrator.errors import Mistake, Place
from orchestrator.stack.expressions import locate_in
from orchestrator.stack.model import Ledger, LedgerStore, Stack
from orchestrator.stack.project import PROJECT_FILE, Project
from orchestrator.stack.written.literals import texts_in

_KEYS: Final = {
    LedgerStore.GIT: frozenset({"remote"}),
    LedgerStore.DIRECTORY: frozenset({"path"}),
    LedgerStore.CLUSTER: frozenset({"namespace", "context", "kubeconfig"}),
}
_NEEDED: Final = {LedgerStore.DIRECTORY: "path", LedgerStore.CLUSTER: "namespace"}
_WORDS: Final = {
    LedgerStore.GIT: "Git",
    LedgerStore.DIRECTORY: "a directory",
    LedgerStore.CLUSTER: "a cluster",
}
_EXAMPLES: Final = {LedgerStore.DIRECTORY: "/srv/ledgers", LedgerStore.CLUSTER: "platform"}


def check_ledger(stack: Stack, project: Project) -> Iterator[Mistake]:
    """Yield what is wrong with where a stack's ledger is to be kept."""
    ledger = stack.ledger
    yield from _check_keys(ledger)
    if ledger.store is LedgerStore.CLUSTER:
        yield from _check_cluster(stack)
        yield from _check_allowed(ledger, project)


def _check_keys(ledger: Ledger) -> Iterator[Mistake]:
    locate = locate_in(ledger.places)
    given = {str(path[0]) for path in ledger.places if len(path) == 1}
    for store, keys in _KEYS.items():
        for key in sorted((keys & given) - _KEYS[ledger.store]):
            yield Mistake(
                message=f"a ledger in {_WORDS[ledger.store]} has no {key!r}",
                place=locate((key,)),
                hint=f"remove it, or keep the ledger in {_WORDS[store]} with 'store: {store}'",
            )
    needed = _NEEDED.get(ledger.store)
    if needed and needed not in given:
        yield Mistake(
            message=f"a ledger in {_WORDS[ledger.store]} needs {needed!r}",
            place=locate(("store",)),
            hint=f"say where, such as '{needed}: {_EXAMPLES[ledger.store]}'",
        )


def _check_cluster(stack: Stack) -> Iterator[Mistake]:
    """Yield a mistake when the ledger would be in a cluster that the stack is yet to make."""
    if stack.ledger.context or stack.ledger.kubeconfig:
        return
    texts = [text for _, text in texts_in(stack.cluster.address)]
    if any("modules." in text and "${{" in text for text in texts):
        yield Mistake(
            message="the ledger cannot be in a cluster that the stack itself makes",
            place=locate_in(stack.ledger.places)(("store",)),
            hint="name another cluster with 'context', or keep the ledger in Git",
        )


def kubeconfig_mistake(file: str, place: Place | None) -> Mistake:
    """Return the mistake for a kubeconfig that a stack may not name."""
    return Mistake(
        message=f"the kubeconfig {file!r} is not allowed: a context in it may be any cluster",
        place=place,
        hint=f"leave it out, and set KUBECONFIG where this runs; or name it in `allow.kubeconfigs` of {PROJECT_FILE}",
    )


def _check_allowed(ledger: Ledger, project: Project) -> Iterator[Mistake]:
    own = project.ledger is None or ledger.kubeconfig != project.ledger.kubeconfig
    if ledger.kubeconfig and own and not project.allows_kubeconfig(ledger.kubeconfig):
        yield kubeconfig_mistake(ledger.kubeconfig, locate_in(ledger.places)(("kubeconfig",)))
    if not ledger.context or project.allows_cluster(ledger.context):
        return
    hint = f"{PROJECT_FILE} allows {', '.join(project.clusters or ()) or 'none'}"
    message = f"the cluster {ledger.context!r} is not allowed"
    yield Mistake(message=message, place=locate_in(ledger.places)(("context",)), hint=hint)
