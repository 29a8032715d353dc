"""Reaching the stack's cluster: its address may come from the stack's own modules, or from the sandbox.

What speaks to clusters is imported inside functions, so that a plan imports it while Terraform is at work.
"""

import filecmp
from collections.abc import Collection
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.session import Session
from orchestrator.errors import AccessDenied, ClusterError, InvalidStack, PlanRefused
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.events import Notice
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import Tree, locate_in, pending_in, resolve
from orchestrator.stack.links import is_file
from orchestrator.stack.model import Json
from orchestrator.stack.scope import scope_of

if TYPE_CHECKING:
    from orchestrator.workloads.cluster import Cluster, Target


NEW_CLUSTER = "new-cluster"
"""What a person acknowledges when the former cluster is gone for good."""


def cluster_pending(session: Session, outputs: Outputs) -> tuple[str, ...]:
    """Return the references that the cluster's address waits for, sorted; empty when it can be reached."""
    return pending_in(_settings(session, outputs))


def open_cluster(session: Session, outputs: Outputs, resources: ExitStack) -> "Cluster":
    """Connect to the cluster, starting the sandbox on need; it is left again with ``resources``.

    Raises ClusterUnreachable, AccessDenied, SandboxError, InvalidStack.
    """
    from orchestrator.workloads.cluster import preload

    preload()
    looking = session.surroundings.looking
    if looking is None:
        return resources.enter_context(_connection(session, outputs))
    own = "sandbox" if session.stack.cluster.sandbox else _target(session, outputs)
    key = (own, session.surroundings.impersonated)
    return looking.cluster(key, lambda: _connection(session, outputs))


def _connection(session: Session, outputs: Outputs) -> "AbstractContextManager[Cluster]":
    from orchestrator.workloads.cluster import connect

    around = session.surroundings
    target = _sandbox(session) if session.stack.cluster.sandbox else _target(session, outputs)
    return connect(
        target,
        around.settings,
        secrets=around.secrets,
        stop=around.looking.stop if around.looking else around.stop,
        on_notice=lambda text: around.on_event(Notice(text=text)),
    )


def refuse_other_cluster(
    session: Session, ledger: LedgerState, place: str, acknowledged: Collection[str]
) -> None:
    """Refuse a cluster that is not the one that the stack's objects are in; raises PlanRefused."""
    unknown = not (ledger.inventory and ledger.cluster and place)
    if unknown or place == ledger.cluster:
        return
    if NEW_CLUSTER in acknowledged:
        return
    message = f"this is not the cluster that the {len(ledger.inventory)} objects of {session.owner} are in"
    hint = (
        "name the right one with `cluster: {context: …}`;"
        f" or pass --acknowledge {NEW_CLUSTER} if the former one is gone for good"
    )
    raise PlanRefused(message, hint=hint)


def identify(session: Session, cluster: "Cluster") -> str:
    """Return what tells this cluster from any other, whatever its address is; empty when we may not know.

    It is the uid of the namespace ``kube-system``, which lives exactly as long as the cluster. The sandbox is
    not asked: it is made to be thrown away, and what was in it goes with it.
    """
    if session.stack.cluster.sandbox:
        return ""
    ref = ObjectRef(group="", version="v1", kind="Namespace", namespace="", name="kube-system")
    try:
        found = cluster.get_many([ref])[ref]
    except AccessDenied:
        return ""
    metadata = (found or {}).get("metadata")
    return str(metadata.get("uid", "")) if isinstance(metadata, dict) else ""


def other_cluster(session: Session) -> str:
    """Return in which cluster a stack is, where that is not the one at hand; empty where it is, or is the sandbox.

    Nobody is asked: clusters are told apart by their addresses, and one of which nobody can tell is another one.
    """
    from orchestrator.workloads.cluster import Target, locate

    settings, unknown = session.surroundings.settings, dict.fromkeys(_modules(session))
    if session.stack.cluster.sandbox:
        return ""
    if cluster_pending(session, unknown):
        return "the cluster of its own modules"
    target, at_hand = _target(session, unknown), Target()
    if replace(target, impersonated="") == at_hand:
        return ""
    title = f"the cluster {target.server or target.context or target.kubeconfig}"
    try:
        same = locate(target, settings).server == locate(at_hand, settings).server
    except ClusterError:
        return title
    return "" if same else title


def _modules(session: Session) -> list[str]:
    return [module.name for module in session.stack.modules]


def namespaces_of(session: Session, ledger: LedgerState) -> frozenset[str]:
    """Return the namespaces that a stack names now and had objects in, for where all of them may not be listed."""
    named = {each.namespace for each in session.stack.manifests if isinstance(each.namespace, str)}
    return frozenset({owned.ref.namespace for owned in ledger.inventory} | named) - {""}


def sandbox_directory(session: Session) -> Path:
    """Return where the sandbox of this repository is, or would be."""
    return session.surroundings.settings.sandbox or session.repository.folder / "sandbox"


def _sandbox(session: Session) -> "Target":
    from orchestrator import sandbox
    from orchestrator.workloads.cluster import Target

    around = session.surroundings
    running = sandbox.up(
        sandbox_directory(session),
        around.settings,
        on_progress=lambda text: around.on_event(Notice(text=text)),
        stop=around.stop,
    )
    return Target(kubeconfig=running.kubeconfig, impersonated=around.impersonated)


def _target(session: Session, outputs: Outputs) -> "Target":
    from orchestrator.workloads.cluster import Target

    found = cast("dict[str, Json]", _settings(session, outputs))
    words = cast("list[str]", found["exec"])
    kubeconfig = _text(found["kubeconfig"])
    return Target(
        context=_text(found["context"]),
        kubeconfig=_kubeconfig(session, Path(kubeconfig).expanduser()) if kubeconfig else None,
        server=_text(found["server"]),
        certificate_authority=_text(found["certificate_authority"]),
        token=_text(found["token"]),
        exec=tuple(map(str, words)),
        impersonated=session.surroundings.impersonated,
    )


def _kubeconfig(session: Session, named: Path) -> Path:
    """Return the file that a stack names as its kubeconfig; a relative path counts from the repository's root.

    Where nothing is checked out it is that of the revision; so it is where a merge is looked at that was made on the
    side, and its file is not the one that is checked out: what that has is the word of another revision.
    """
    around, there = session.surroundings, session.tree / named
    root = session.repository.root
    here = next((each for each in (root / named, around.directory / named) if is_file(each)), None)
    if here is None:
        return there if is_file(there) else root / named
    commit = session.revision.commit  # none where a ledger alone is looked at
    if not commit or commit not in {around.aside, around.trusted} or named.is_absolute():
        return here
    if there.is_file():
        return here if filecmp.cmp(here, there, shallow=False) else there
    base = session.repository.export(session.repository.revision(around.trusted))
    return there if (base / named).exists() else here  # what a merge takes away is gone


def _settings(session: Session, outputs: Outputs) -> Tree:
    """Return the stack's cluster settings with what is known of its modules' outputs in place."""
    cluster = session.stack.cluster
    scope = scope_of(session.stack, revision=session.revision.commit, outputs=outputs)
    resolution = resolve(cluster.address, scope, locate_in(cluster.places))
    if resolution.mistakes:
        raise InvalidStack(resolution.mistakes)
    return resolution.value


def _text(value: Json) -> str:
    return "" if value is None else str(value)
