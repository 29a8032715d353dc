"""What an agent must be allowed in clusters: as much as its stacks' kinds ask for, and no more. Pure.

Kinds are managed by server-side apply, found by label, watched until they are healthy, and deleted when they leave Git.
Of kinds in no namespace only the objects that are named may be touched; listing and watching cannot be narrowed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json

_MANAGED: Final = ("create", "delete", "get", "list", "patch", "watch")
_SEEN: Final = ("list", "watch")
_NAMED: Final = ("create", "delete", "get", "patch")
_RUN_PODS: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
    }
)
_BELOW: Final = (("", "events"), ("", "pods"), ("apps", "replicasets"))
_EVENTS_ABOUT: Final = {"Deployment": "apps", "StatefulSet": "apps", "CronJob": "batch"}
_LEASES: Final = "coordination.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Rule:
    """What may be done with some resources of one API group; ``names`` is empty for all objects of theirs."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Json]:
        """Return it as a Role has it."""
        names: dict[str, Json] = {"resourceNames": [*self.names]} if self.names else {}
        return {
            "apiGroups": [self.group],
            "resources": [*self.resources],
            **names,
            "verbs": [*self.verbs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a stack in an environment wants of its cluster.

    ``objects`` are those that it declares and those that it owns, ``plurals`` how kinds that it defines are addressed.
    ``grants`` are the rules of Roles that it declares, by namespace: who does not hold a right cannot give it.
    ``ledger`` is the namespace of a ledger that is kept in the cluster, or empty.
    """

    stack: str
    environment: str
    objects: frozenset[ObjectRef]
    plurals: Mapping[tuple[str, str], str] = field(default_factory=dict)
    grants: tuple[tuple[str, Mapping[str, Json]], ...] = ()
    ledger: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Rules by namespace, those of the whole cluster under an empty one; ``granted`` are passed on as they are."""

    rules: Mapping[str, tuple[Rule, ...]]
    granted: Mapping[str, tuple[Mapping[str, Json], ...]] = field(default_factory=dict)

    def documents(self, namespace: str) -> list[Json]:
        """Return the rules of a namespace as a Role has them."""
        own: list[Json] = [rule.document for rule in self.rules.get(namespace, ())]
        return own + [dict(rule) for rule in self.granted.get(namespace, ())]

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return where anything is allowed, sorted."""
        return tuple(sorted(self.rules.keys() | self.granted.keys()))


def rights_of(needs: Iterable[Needs]) -> Rights:
    """Return what whoever keeps these stacks must be allowed to."""
    found: dict[tuple[str, str, str, tuple[str, ...]], set[str]] = {}
    granted: dict[str, list[Mapping[str, Json]]] = {}
    for each in needs:
        for namespace, group, resource, names, verbs in _wants(each):
            found.setdefault((namespace, group, resource, names), set()).update(verbs)
        for namespace, rule in each.grants:
            if rule not in granted.setdefault(namespace, []):
                granted[namespace].append(rule)
    merged = _merged(found)
    passed_on = {
        namespace: tuple(rule for rule in rules if not _covered(rule, merged.get(namespace, ())))
        for namespace, rules in granted.items()
    }
    return Rights(rules=merged, granted={name: rules for name, rules in passed_on.items() if rules})


def replica_rules() -> tuple[Rule, ...]:
    """Return what replicas do with the Leases of their namespace."""
    verbs = ("create", "delete", "list", "update")
    return (Rule(group=_LEASES, resources=("leases",), verbs=verbs),)


def event_rules(kind: str, name: str) -> tuple[Rule, ...]:
    """Return what tells Events about an object, and looks which one it is."""
    group = _EVENTS_ABOUT.get(kind, "")
    return (
        Rule(group="", resources=("events",), verbs=("create",)),
        Rule(group=group, resources=(plural_of(kind),), verbs=("get",), names=(name,)),
    )


def impersonation(accounts: Iterable[str]) -> Mapping[str, tuple[Rule, ...]]:
    """Return what lets somebody act as these service accounts, each NAMESPACE/NAME, by namespace."""
    named: dict[str, set[str]] = {}
    for account in accounts:
        namespace, _, name = account.partition("/")
        named.setdefault(namespace, set()).add(name)
    return {
        namespace: (
            Rule(
                group="",
                resources=("serviceaccounts",),
                verbs=("impersonate",),
                names=tuple(sorted(names)),
            ),
        )
        for namespace, names in sorted(named.items())
    }


def plural_of(kind: str) -> str:
    """Return how a built-in kind is addressed: all of them follow these rules but one."""
    word = kind.lower()
    if word == "endpoints":
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def _wants(needs: Needs) -> Iterator[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]:
    """Yield namespace, group, resource, names and verbs."""
    wide: dict[tuple[str, str], set[str]] = {}
    for ref in needs.objects:
        key = ref.group, ref.kind
        resource = needs.plurals.get(key) or plural_of(ref.kind)
        if ref.namespace:
            yield ref.namespace, ref.group, resource, (), _MANAGED
        else:
            wide.setdefault((ref.group, resource), set()).add(ref.name)
        if key in _RUN_PODS:
            for group, below in _BELOW:
                yield ref.namespace, group, below, (), _SEEN
    for (group, resource), names in wide.items():
        yield "", group, resource, (), _SEEN
        yield "", group, resource, tuple(sorted(names)), _NAMED
    if needs.ledger:
        yield needs.ledger, "", "configmaps", (), ("create", "delete", "get", "list", "update")
        yield needs.ledger, _LEASES, "leases", (), ("create", "delete", "get", "update")


def _covered(granted: Mapping[str, Json], rules: Iterable[Rule]) -> bool:
    """Whether what a Role allows is allowed anyway."""
    groups, resources, verbs = (granted.get(key) for key in ("apiGroups", "resources", "verbs"))
    if not (isinstance(groups, list) and isinstance(resources, list) and isinstance(verbs, list)):
        return False
    held = {
        (rule.group, resource, verb)
        for rule in rules
        if not rule.names
        for resource in rule.resources
        for verb in rule.verbs
    }
    wanted = product(groups, resources, verbs)
    return all((str(group), str(each), str(verb)) in held for group, each, verb in wanted)


def _merged(
    found: Mapping[tuple[str, str, str, tuple[str, ...]], set[str]],
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules by namespace; resources of a group of which the same is wanted share one."""
    shared: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for (namespace, group, resource, names), verbs in found.items():
        key = namespace, group, names, tuple(sorted(verbs))
        shared.setdefault(key, set()).add(resource)
    result: dict[str, list[Rule]] = {}
    for (namespace, group, names, allowed), resources in shared.items():
        rule = Rule(group=group, resources=tuple(sorted(resources)), verbs=allowed, names=names)
        result.setdefault(namespace, []).append(rule)
    return {namespace: tuple(sorted(rules)) for namespace, rules in sorted(result.items())}
