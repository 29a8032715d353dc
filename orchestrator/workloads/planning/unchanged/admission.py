"""Admission that mutates, and was installed or changed since an object was applied. Pure.

What stood at the last apply has had its say in what is live. What came after it would have it at the next apply,
even at one that changes nothing else; so the server is asked about the objects that it may be about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from orchestrator.stack.model import Json
from orchestrator.workloads.health.status import time
from orchestrator.workloads.kinds import Kinds, Resource
from orchestrator.workloads.live import Live, mapping, mappings, text
from orchestrator.workloads.ownership import FIELD_MANAGER
from orchestrator.workloads.records.fields import entries, leaves
from orchestrator.workloads.records.notation import records_in

_GROUP: Final = "admissionregistration.k8s.io"
_WEBHOOKS: Final = "MutatingWebhookConfiguration"
_POLICIES: Final = "MutatingAdmissionPolicy"
_BINDINGS: Final = "MutatingAdmissionPolicyBinding"
_ANY: Final = "*"
_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
_BUNDLE: Final = "f:caBundle"
# A server takes new admission in a moment after it was stored; times are whole seconds.
_MOMENT: Final = timedelta(seconds=5)
_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_NEVER: Final = "9999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One webhook or policy: until when what was applied may not have met it, and what it is about.

    Each of ``rules`` has to have one that matches, and each selector has to select; what decides further
    (match conditions, exclusions) is not looked at.
    """

    until: str
    rules: tuple[tuple[Live, ...], ...]
    objects: tuple[Live, ...]
    namespaces: tuple[Live, ...]

    def concerns(self, resource: Resource, live: Live) -> bool:
        """Whether it may be about updates of an object."""
        metadata = mapping(live, "metadata")
        labels, namespace = mapping(metadata, "labels"), text(metadata, "namespace")
        space: Live = {_NAMESPACE_NAME: namespace}
        return (
            all(any(_matches(rule, resource) for rule in rules) for rules in self.rules)
            and all(_may_select(each, labels, complete=True) for each in self.objects)
            and (
                not namespace
                or all(_may_select(each, space, complete=False) for each in self.namespaces)
            )
        )


def admission_kinds(kinds: Kinds) -> tuple[Resource, ...]:
    """Return the kinds of objects that tell of admission, as far as the server has them."""
    found = (kinds.find(_GROUP, kind) for kind in (_WEBHOOKS, _POLICIES, _BINDINGS))
    return tuple(resource for resource in found if resource)


def mutations_of(objects: Iterable[Live]) -> tuple[Mutation, ...]:
    """Return what objects of these kinds do, the latest first."""
    by_kind: dict[str, list[Live]] = {_WEBHOOKS: [], _POLICIES: [], _BINDINGS: []}
    for live in objects:
        by_kind[text(live, "kind")].append(live)
    webhooks = (found for live in by_kind[_WEBHOOKS] for found in _webhooks(live))
    policies = {text(mapping(live, "metadata"), "name"): live for live in by_kind[_POLICIES]}
    bound = (
        _bound(policies[name], binding)
        for binding in by_kind[_BINDINGS]
        if (name := text(mapping(binding, "spec"), "policyName")) in policies
    )
    return tuple(sorted((*webhooks, *bound), key=lambda item: item.until, reverse=True))


def met_by_all(live: Live, resource: Resource, mutations: Sequence[Mutation]) -> bool:
    """Whether all admission that may be about an object stood when we applied it last."""
    applied = _applied(live)
    for mutation in mutations:
        if mutation.until < applied:
            return True
        if mutation.concerns(resource, live):
            return False
    return True


def _applied(live: Live) -> str:
    """Return when what we sent last changed the object; admission's own changes are told as an update of ours."""
    return max(
        (
            text(record, "time")
            for record in records_in(live)
            if record.get("manager") == FIELD_MANAGER and not record.get("subresource")
        ),
        default="",
    )


def _webhooks(live: Live) -> Iterator[Mutation]:
    for webhook in mappings(live, "webhooks"):
        yield Mutation(
            until=_until(live),
            rules=(tuple(mappings(webhook, "rules")),),
            objects=(mapping(webhook, "objectSelector"),),
            namespaces=(mapping(webhook, "namespaceSelector"),),
        )


def _bound(policy: Live, binding: Live) -> Mutation:
    matches = (
        mapping(mapping(policy, "spec"), "matchConstraints"),
        mapping(mapping(binding, "spec"), "matchResources"),
    )
    rules = (tuple(mappings(match, "resourceRules")) for match in matches)
    # Of parameters nobody tells here when they changed.
    with_parameters = "paramKind" in mapping(policy, "spec")
    return Mutation(
        until=_NEVER if with_parameters else max(_until(policy), _until(binding)),
        rules=tuple(found for found in rules if found),
        objects=tuple(mapping(match, "objectSelector") for match in matches),
        namespaces=tuple(mapping(match, "namespaceSelector") for match in matches),
    )


def _until(live: Live) -> str:
    """Return until when what was applied may not have met it as it is; renewed certificates do not change it."""
    written = [text(mapping(live, "metadata"), "creationTimestamp")]
    for entry in entries(live):
        renewed = all(path[-1] == _BUNDLE for path in leaves(entry.fields))
        if not entry.subresource and not renewed:
            written.append(entry.time)
    latest = time(max(written))
    return (latest + _MOMENT).strftime(_FORMAT) if latest else _NEVER


def _matches(rule: Live, resource: Resource) -> bool:
    """Whether a rule is about updates of a kind, in whichever version they are sent."""
    return (
        _names(rule, "operations", "UPDATE")
        and _names(rule, "apiGroups", resource.group)
        and (_names(rule, "resources", resource.plural) or _names(rule, "resources", "*/*"))
    )


def _names(rule: Live, key: str, name: str) -> bool:
    listed = rule.get(key)
    return isinstance(listed, list) and not {_ANY, name}.isdisjoint(map(str, listed))


def _may_select(selector: Live, labels: Live, *, complete: bool) -> bool:
    """Whether a selector may select; what is not among labels that are not ``complete`` may be anything."""

    def known(key: str) -> bool:
        return complete or key in labels

    return all(
        labels.get(key) == value
        for key, value in mapping(selector, "matchLabels").items()
        if known(key)
    ) and all(
        _holds(each, labels)
        for each in mappings(selector, "matchExpressions")
        if known(text(each, "key"))
    )


def _holds(expression: Live, labels: Mapping[str, Json]) -> bool:
    label = labels.get(text(expression, "key"))
    values = expression.get("values")
    listed = isinstance(values, list) and label in values
    match expression.get("operator"):
        case "In":
            return label is not None and listed
        case "NotIn":
            return not listed
        case "Exists":
            return label is not None
        case "DoesNotExist":
            return label is None
        case _:
            return True
