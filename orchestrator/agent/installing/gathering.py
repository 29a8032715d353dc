"""From what stacks want to an installation: who needs which rights. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.agent.configuration.channels import Channel, Events
from orchestrator.agent.configuration.model import Configuration, StackSettings
from orchestrator.agent.installing.manifests import Installation
from orchestrator.agent.installing.rights import (
    Needs,
    Rights,
    Rule,
    event_rules,
    impersonation,
    replica_rules,
    rights_of,
)
from orchestrator.engine.needs import Wants
from orchestrator.errors import UsageError
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.expressions import Tree
from orchestrator.stack.load import StackFile
from orchestrator.stack.model import Json

_RBAC = "rbac.authorization.k8s.io"
_ROLES = {"Role": "roles", "ClusterRole": "clusterroles"}


def keeps(configuration: Configuration, file: StackFile) -> bool:
    """Whether a stack of the checkout is the agent's business."""
    return any(each.keeps(file.name, file.file) for each in configuration.repositories.values())


def check(configuration: Configuration, replicas: int) -> None:
    """Raise UsageError for what cannot be installed."""
    if configuration.listen.rpartition(":")[2].strip("0") == "":
        hint = "add 'listen: \"0.0.0.0:8080\"' to the agent's file"
        raise UsageError("nobody could ask the agent how it is", hint=hint)
    if replicas > 1 and configuration.leader is None:
        hint = "add 'leader: {namespace: orchestrator}' to the agent's file, or use --replicas 1"
        raise UsageError("several replicas would not know of one another", hint=hint)


def fleeting(configuration: Configuration, wanted: Iterable[Wants]) -> tuple[str, ...]:
    """Return the stacks, as STACK/ENVIRONMENT, whose modules' state would end with the Pod that made it."""
    found = ((each, _settings_of(configuration, each)) for each in wanted if each.local)
    return tuple(
        f"{each.stack}/{each.environment}"
        for each, settings in found
        if settings and _kept(settings, each.environment)
    )


def elsewhere(configuration: Configuration, wanted: Iterable[Wants]) -> Iterator[tuple[str, str]]:
    """Yield the stacks, as STACK/ENVIRONMENT, that are in other clusters than the one at hand, and in which."""
    for each in wanted:
        settings = _settings_of(configuration, each)
        if each.elsewhere and settings and _kept(settings, each.environment):
            yield f"{each.stack}/{each.environment}", each.elsewhere


def bound(configuration: Configuration, wanted: Iterable[Wants], own: str) -> Mapping[str, Rights]:
    """Return the rights by the account, as NAMESPACE/NAME, that needs them; the agent's ``own`` comes first.

    They are those in the cluster at hand: what a stack needs in another one is nobody's here.
    """
    needs: dict[str, list[Needs]] = {own: []}
    for each in wanted:
        settings = _settings_of(configuration, each)
        if settings and _kept(settings, each.environment):
            needs[own].append(_ledger(each))
            if not each.elsewhere:
                needs.setdefault(settings.service_account or own, []).append(_needs(each))
    found = {account: rights_of(of_account) for account, of_account in sorted(needs.items())}
    others = [account for account in found if account != own]
    extra = {**impersonation(others)}
    if configuration.leader is not None:
        place = configuration.leader.namespace
        extra[place] = (*extra.get(place, ()), *replica_rules())
    for target in _events(configuration.channels):
        rules = event_rules(target.kind, target.name)
        extra[target.namespace] = (*extra.get(target.namespace, ()), *rules)
    return {own: _with(found.pop(own), extra), **found}


def _events(channels: Iterable[Channel]) -> Iterator[Events]:
    """Yield where Events are told in the agent's own cluster, each place once."""
    targets = (each.target for each in channels)
    found = (each for each in targets if isinstance(each, Events) and not each.context)
    yield from dict.fromkeys(found)


def installation(
    configuration: Configuration,
    wanted: Iterable[Wants],
    *,
    file: str,
    image: str,
    placed: tuple[str, int],
    monitored: bool,
) -> Installation:
    """Return what to install: the agent's file as it is written, in a namespace, with so many replicas."""
    namespace, replicas = placed
    check(configuration, replicas)
    found = tuple(wanted)
    own = f"{namespace}/orchestrator-{configuration.name}"
    return Installation(
        configuration=configuration,
        file=file,
        namespace=namespace,
        image=image,
        replicas=replicas,
        bound=bound(configuration, found, own),
        monitored=monitored,
    )


def _settings_of(configuration: Configuration, wanted: Wants) -> StackSettings | None:
    """Return how the agent keeps a stack, None when it is none of its business."""
    keeping = (
        each.settings_of(wanted.stack)
        for each in configuration.repositories.values()
        if each.keeps(wanted.stack, wanted.file)
    )
    return next(keeping, None)


def _kept(settings: StackSettings, environment: str) -> bool:
    return settings.environments is None or environment in settings.environments


def _needs(wanted: Wants) -> Needs:
    return Needs(
        stack=wanted.stack,
        environment=wanted.environment,
        objects=wanted.owned | wanted.values.keys(),
        plurals=wanted.plurals,
        grants=tuple(_grants(wanted.values)),
    )


def _ledger(wanted: Wants) -> Needs:
    """Return what the agent needs for the ledger, which it writes as itself: whoever may could approve and unlock."""
    return Needs(
        stack=wanted.stack,
        environment=wanted.environment,
        objects=frozenset(),
        ledger=wanted.ledger,
    )


def _grants(
    values: Mapping[ObjectRef, Mapping[str, Tree]],
) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Yield what Roles allow and bindings give, by namespace: a server lets nobody give what he has not."""
    declared = {(ref.kind, ref.namespace, ref.name) for ref in values if ref.group == _RBAC}
    for ref, value in values.items():
        if ref.group != _RBAC:
            continue
        rules, role = value.get("rules"), value.get("roleRef")
        if ref.kind in _ROLES and isinstance(rules, list):
            yield from ((ref.namespace, rule) for rule in rules if isinstance(rule, dict))  # type: ignore[misc]
        elif isinstance(role, dict):
            kind, name = str(role.get("kind")), str(role.get("name"))
            place = ref.namespace if kind == "Role" else ""
            if (kind, place, name) not in declared and kind in _ROLES:
                yield ref.namespace, _bind(kind, name)


def _bind(kind: str, name: str) -> Mapping[str, Json]:
    return {
        "apiGroups": [_RBAC],
        "resources": [_ROLES[kind]],
        "resourceNames": [name],
        "verbs": ["bind"],
    }


def _with(rights: Rights, extra: Mapping[str, tuple[Rule, ...]]) -> Rights:
    names = sorted({*rights.rules, *extra})
    rules = {name: (*rights.rules.get(name, ()), *extra.get(name, ())) for name in names}
    return Rights(rules=rules, granted=rights.granted)
