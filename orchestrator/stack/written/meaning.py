"""Whether a stack of the right shape also makes sense: its references, needs, cluster and state."""

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.stack.expressions import Locate, locate_in, pending_in, resolve
from orchestrator.stack.graph import build_graph
from orchestrator.stack.model import Cluster, Json, Stack, State, Unit, UnitId
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.project import PROJECT_FILE, Project
from orchestrator.stack.reference import Reference, parse_scalar
from orchestrator.stack.scope import scope_of, state_scope_of
from orchestrator.stack.written.health import check_health
from orchestrator.stack.written.ledgers import check_ledger, kubeconfig_mistake
from orchestrator.stack.written.literals import texts_in
from orchestrator.stack.written.sharing import check_units, place_of


def check_stack(stack: Stack, project: Project) -> Iterator[Mistake]:
    """Yield what is wrong with a stack beyond its shape, without looking at any other file."""
    yield from _check_references(stack)
    for unit in stack.units:
        yield from _check_needs(unit, [other.id for other in stack.units])
    for manifests in stack.manifests:
        yield from check_health(manifests)
    yield from _check_cluster(stack.cluster)
    yield from _check_allowed_cluster(stack, project)
    yield from _check_allowed_kubeconfig(stack, project)
    yield from check_ledger(stack, project)
    yield from _check_state(stack)
    yield from _check_cycles(stack)


def _check_references(stack: Stack) -> Iterator[Mistake]:
    yield from resolve(
        _cluster_fields(stack.cluster), scope_of(stack), locate_in(stack.cluster.places)
    ).mistakes
    for module in stack.modules:
        scope, locate = scope_of(stack, module.id), locate_in(module.places, ("inputs",))
        yield from resolve(dict(module.inputs), scope, locate).mistakes
    for manifests in stack.manifests:
        scope, locate = scope_of(stack, manifests.id), locate_in(manifests.places, ("namespace",))
        yield from resolve(manifests.namespace, scope, locate).mistakes
    scope, locate = (
        state_scope_of(stack, UnitId("modules.any")),
        locate_in(stack.state.places, ("config",)),
    )
    yield from resolve(dict(stack.state.config), scope, locate).mistakes


def _cluster_fields(cluster: Cluster) -> dict[str, Json]:
    return {
        "context": cluster.context,
        "kubeconfig": cluster.kubeconfig,
        "server": cluster.server,
        "certificate_authority": cluster.certificate_authority,
        "token": cluster.token,
        "exec": list(cluster.exec),
    }


def _check_needs(unit: Unit, known: list[UnitId]) -> Iterator[Mistake]:
    locate = locate_in(unit.places, ("needs",))
    for index, need in enumerate(unit.needs):
        if need not in known:
            names = (
                [*known, *(other.partition(".")[2] for other in known)]
                if "." not in need
                else known
            )
            hint = did_you_mean(need, names)
            yield Mistake(message=f"there is no unit {need!r}", place=locate((index,)), hint=hint)
        elif unit.id.startswith("modules.") and need.startswith("manifests."):
            yield Mistake(
                message=f"{unit.id} cannot wait for {need}: all modules are applied before any manifests",
                place=locate((index,)),
                hint="remove it; a stack of its own can come later",
            )


def _check_cycles(stack: Stack) -> tuple[Mistake, ...]:
    """Return cycles that the stack file alone has; manifests can only add needs of manifest sets."""
    try:
        build_graph(stack, {})
    except InvalidStack as error:
        return error.mistakes
    return ()


def _check_cluster(cluster: Cluster) -> Iterator[Mistake]:
    given = {key for key, value in _cluster_fields(cluster).items() if value} | (
        {"sandbox"} if cluster.sandbox else set()
    )
    locate = locate_in(cluster.places)
    ways = [way for way in ({"sandbox"}, {"server"}, {"context", "kubeconfig"}) if way & given]
    if len(ways) > 1:
        first, second = (min(way & given) for way in ways[:2])
        yield _cluster_mistake(
            f"cluster has both {first!r} and {second!r}", locate, second, "keep one way to reach it"
        )
    for key in sorted({"certificate_authority", "token", "exec"} & given):
        if "server" not in given:
            yield _cluster_mistake(
                f"cluster has {key!r} without 'server'", locate, key, "add 'server', or remove it"
            )
    if {"token", "exec"} <= given:
        yield _cluster_mistake(
            "cluster has both 'token' and 'exec'", locate, "exec", "keep one of them"
        )


def _cluster_mistake(message: str, locate: Locate, key: str, hint: str) -> Mistake:
    return Mistake(message=message, place=locate((key,)), hint=hint)


def _check_allowed_cluster(stack: Stack, project: Project) -> Iterator[Mistake]:
    cluster = stack.cluster
    if project.clusters is None or cluster.sandbox:
        return
    written = cluster.server or cluster.context
    shown, known = _before_a_run(written, stack)
    if written is None:
        message = "the cluster has to be named, because not every cluster is allowed"
        yield Mistake(
            message=message,
            hint=f"add 'cluster: {{context: ...}}'; allowed: {', '.join(project.clusters)}",
        )
    elif not project.allows_cluster(shown, known=known):
        place = locate_in(cluster.places)(("server" if cluster.server else "context",))
        hint = f"{PROJECT_FILE} allows {', '.join(project.clusters) or 'none'}"
        hint += "" if known else "; write it out, since what a run decides may become any other one"
        yield Mistake(message=f"the cluster {shown!r} is not allowed", place=place, hint=hint)


def _check_allowed_kubeconfig(stack: Stack, project: Project) -> Iterator[Mistake]:
    written = stack.cluster.kubeconfig
    shown, known = _before_a_run(written, stack)
    if written is not None and not project.allows_kubeconfig(shown, known=known):
        place = locate_in(stack.cluster.places)(("kubeconfig",))
        yield kubeconfig_mistake(shown, place)


def _before_a_run(written: Json, stack: Stack) -> tuple[str, bool]:
    """Return what is written with its variables in place, and whether nothing of it is left to modules or commits."""
    found = resolve(written, replace(scope_of(stack), revision=None))
    if found.mistakes or pending_in(found.value):
        return str(written), False
    return "" if found.value is None else str(found.value), True


def _check_state(stack: Stack) -> Iterator[Mistake]:
    state = stack.state
    place = place_of(stack)
    if state.backend == "local" and state.config:
        hint = "remove 'config', or choose a backend that is reached from elsewhere too"
        yield Mistake(message="the local backend has no settings", place=place, hint=hint)
    if state.backend == "cloud":
        message, hint = (
            "'cloud' is not a backend",
            "use 'remote' with 'organization' and 'workspaces'",
        )
        yield Mistake(message=message, place=place, hint=hint)
    if (
        place
        and place.file == PROJECT_FILE
        and state.backend != "local"
        and "stack" not in _roots(state)
    ):
        message = "this serves every stack, but all of them would share their states"
        yield Mistake(
            message=message,
            place=place,
            hint="use ${{ stack }} in what names the state, such as the key",
        )
    yield from check_units(stack)


def _roots(state: State) -> set[str]:
    texts = (text for _, text in texts_in(dict(state.config)))
    return {
        part.root for text in texts for part in parse_scalar(text) if isinstance(part, Reference)
    }
