"""What an agent must be allowed: derived from what its stacks declare and own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent.configuration.channels import About, Channel, Events, Mail, Security, Target
from orchestrator.agent.configuration.model import Configuration, Leader, Repository, StackSettings
from orchestrator.agent.installing.gathering import bound, elsewhere, fleeting, installation
from orchestrator.agent.installing.manifests import manifests
from orchestrator.agent.installing.rights import Needs, Rights, plural_of, rights_of
from orchestrator.engine.needs import Wants
from orchestrator.errors import UsageError
from orchestrator.plans.objects import ObjectRef

_OWN = "agents/orchestrator-keeper"


def _ref(kind: str, name: str, namespace: str = "shop", group: str = "") -> ObjectRef:
    return ObjectRef(group=group, version="v1", kind=kind, namespace=namespace, name=name)


def _wants(stack: str, *refs: ObjectRef, **more: Any) -> Wants:
    values: dict[ObjectRef, Any] = {ref: {} for ref in refs}
    usual: dict[str, Any] = {"owned": frozenset(), "unplaced": (), "plurals": {}, "ledger": ""}
    where = {"environment": "default", "file": f"stacks/{stack}/stack.yaml"}
    given = {**where, "values": values, **usual, **more}
    return Wants(stack=stack, **given)


def _configuration(listen: str = "0.0.0.0:8080", **stacks: StackSettings) -> Configuration:
    return Configuration(
        file=Path("agent.yaml"),
        name="keeper",
        directory=Path("/var/lib/orchestrator"),
        listen=listen,
        leader=Leader(namespace="agents"),
        repositories={
            "shop": Repository(name="shop", url="git@git.example.org:shop.git", stacks=stacks)
        },
    )


def _allowed(rights: Rights, namespace: str) -> set[tuple[str, str, str, str]]:
    return {
        (rule.group, resource, verb, ",".join(rule.names))
        for rule in rights.rules.get(namespace, ())
        for resource in rule.resources
        for verb in rule.verbs
    }


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("ConfigMap", "configmaps"),
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Endpoints", "endpoints"),
        ("Gateway", "gateways"),
        ("StorageClass", "storageclasses"),
    ],
)
def test_kinds_are_addressed_as_the_server_does(kind: str, plural: str) -> None:
    """Nobody has to ask a server for the plural of what is built in."""
    assert plural_of(kind) == plural


def test_a_kind_is_allowed_where_it_is_and_nowhere_else() -> None:
    """What a stack has in one namespace says nothing of another one, and a ConfigMap nothing of Pods."""
    needs = Needs(
        stack="s",
        environment="e",
        objects=frozenset({_ref("ConfigMap", "a"), _ref("Job", "b", "jobs", "batch")}),
    )
    rights = rights_of([needs])
    assert rights.namespaces == ("jobs", "shop")
    assert {resource for _, resource, _, _ in _allowed(rights, "shop")} == {"configmaps"}
    assert ("", "pods", "watch", "") in _allowed(rights, "jobs")
    assert ("", "pods", "delete", "") not in _allowed(rights, "jobs")


def test_what_is_in_no_namespace_is_allowed_by_name() -> None:
    """A stack that has one Namespace cannot delete another."""
    allowed = _allowed(
        rights_of(
            [Needs(stack="s", environment="e", objects=frozenset({_ref("Namespace", "shop", "")}))]
        ),
        "",
    )
    assert {(verb, names) for _, _, verb, names in allowed} == {
        *((verb, "shop") for verb in ("create", "delete", "get", "patch")),
        *((verb, "") for verb in ("list", "watch")),
    }


def test_what_left_git_can_still_be_pruned() -> None:
    """What the inventory has is needed as long as it is there; kinds of the stack's own are addressed as it says."""
    widget = _ref("Mouse", "jerry", group="example.org")
    found = bound(
        _configuration(shop=StackSettings()),
        [_wants("shop", owned=frozenset({widget}), plurals={("example.org", "Mouse"): "mice"})],
        _OWN,
    )
    assert ("example.org", "mice", "delete", "") in _allowed(found[_OWN], "shop")


def test_who_gives_rights_has_them() -> None:
    """A Role is not made by who has less; a binding to somebody else's role is allowed by that name."""
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role, binding = (
        _ref(kind, "reader", group="rbac.authorization.k8s.io") for kind in ("Role", "RoleBinding")
    )
    values = {
        role: {"rules": [rule]},
        binding: {"roleRef": {"kind": "ClusterRole", "name": "view"}},
    }
    found = bound(_configuration(shop=StackSettings()), [_wants("shop", values=values)], _OWN)
    documents = found[_OWN].documents("shop")
    assert rule in documents
    assert {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles"],
        "resourceNames": ["view"],
        "verbs": ["bind"],
    } in documents


def test_a_stack_with_an_account_gives_the_agent_no_rights_but_to_act_as_it() -> None:
    """Tenants have their own rights; the ledger stays the agent's."""
    configuration = _configuration(
        shop=StackSettings(service_account="shop/deployer"), tools=StackSettings()
    )
    wanted = [
        _wants("shop", _ref("Secret", "a"), ledger="ledgers"),
        _wants("tools", _ref("Service", "b", "tools")),
        _wants("foreign", _ref("Pod", "c", "foreign")),
    ]
    found = bound(configuration, wanted, _OWN)
    assert list(found) == [_OWN, "shop/deployer"]
    own = found[_OWN]
    assert _allowed(own, "shop") == {("", "serviceaccounts", "impersonate", "deployer")}
    assert ("", "configmaps", "update", "") in _allowed(own, "ledgers")
    assert ("", "services", "patch", "") in _allowed(own, "tools")
    assert ("coordination.k8s.io", "leases", "update", "") in _allowed(own, "agents")
    assert ("", "secrets", "patch", "") in _allowed(found["shop/deployer"], "shop")
    assert _allowed(found["shop/deployer"], "ledgers") == set()
    assert "foreign" not in own.namespaces


def test_what_is_needed_in_another_cluster_is_given_to_nobody_here() -> None:
    """Its namespaces may not so much as be there; a ledger that is here all the same is written from here."""
    configuration = _configuration(
        shop=StackSettings(service_account="shop/deployer", environments=("live",)),
        tools=StackSettings(),
    )
    far = {"elsewhere": "the cluster far"}
    wanted = [
        _wants("shop", _ref("Secret", "a"), environment="live", ledger="ledgers", **far),
        _wants("shop", _ref("Secret", "a"), environment="test", **far),
        _wants("tools", _ref("Service", "b", "tools"), **far),
    ]
    found = bound(configuration, wanted, _OWN)
    assert list(found) == [_OWN]
    assert found[_OWN].namespaces == ("agents", "ledgers")
    told = [("shop/live", "the cluster far"), ("tools/default", "the cluster far")]
    assert list(elsewhere(configuration, wanted)) == told


def test_a_repository_that_is_named_twice_is_asked_by_the_path_of_the_stack() -> None:
    """The one that does not keep it knows no account for it, and would have the agent do it by its own rights."""
    configuration = _configuration()
    all_ = Repository(name="a", url="git@git.example.org:shop.git", path="a", stacks=None)
    web = StackSettings(service_account="shop/deployer")
    some = replace(all_, name="b", path="b", stacks={"web": web})
    both = replace(configuration, repositories={"a": all_, "b": some})
    wanted = [_wants("web", _ref("Secret", "a"), file="b/web/stack.yaml")]
    found = bound(both, wanted, _OWN)
    assert list(found) == [_OWN, "shop/deployer"]
    assert _allowed(found[_OWN], "shop") == {("", "serviceaccounts", "impersonate", "deployer")}


def test_state_that_would_end_with_a_pod_is_told() -> None:
    """Of the stacks and environments that the agent keeps, and only where there are modules without a backend."""
    configuration = _configuration(
        shop=StackSettings(environments=("live",)), tools=StackSettings()
    )
    wanted = [
        _wants("shop", environment="live", local=True),
        _wants("shop", environment="test", local=True),
        _wants("tools", local=False),
        _wants("foreign", local=True),
    ]
    assert fleeting(configuration, wanted) == ("shop/live",)


def test_what_could_not_be_asked_or_would_clash_is_not_installed() -> None:
    """Without an address there are no probes, and without Leases no second replica."""

    def install(configuration: Configuration, replicas: int) -> None:
        installation(
            configuration, [], file="", image="i", placed=("agents", replicas), monitored=False
        )

    with pytest.raises(UsageError, match="how it is"):
        install(_configuration(listen=""), 1)
    with pytest.raises(UsageError, match="how it is"):
        install(_configuration(listen="0.0.0.0:0"), 1)
    alone = Configuration(file=Path(), name="a", directory=Path(), listen=":80")
    with pytest.raises(UsageError, match="several replicas"):
        install(alone, 2)


def test_it_reaches_git_where_git_is() -> None:
    """The policy of networks opens the ports that repositories are on, SSH's for the short form."""
    wanted = installation(
        _configuration(), [], file="", image="i", placed=("agents", 1), monitored=True
    )
    *_, policy, monitor = manifests(wanted)
    spec: Any = policy["spec"]
    assert [port["port"] for port in spec["egress"][0]["ports"]] == [53, 53, 22, 443, 6443]
    assert monitor["kind"] == "ServiceMonitor"


def test_events_and_mail_are_reached() -> None:
    """Who is told by Events needs to make them, and to see the one object that they are about."""
    told: tuple[Target, ...] = (
        Events(namespace="agents", kind="Deployment", name="orchestrator-keeper"),
        Events(namespace="far", kind="ConfigMap", name="a", context="elsewhere"),
        Mail(host="mail", port=587, security=Security.STARTTLS, sender="a", receivers=("b",)),
    )
    channels = tuple(
        Channel(name=f"c{place}", target=target, about=frozenset(About))
        for place, target in enumerate(told)
    )
    configuration = replace(_configuration(), channels=channels)
    own = bound(configuration, [], _OWN)[_OWN]
    assert own.namespaces == ("agents",)
    assert ("", "events", "create", "") in _allowed(own, "agents")
    assert ("apps", "deployments", "get", "orchestrator-keeper") in _allowed(own, "agents")
    wanted = installation(
        configuration, [], file="", image="i", placed=("agents", 1), monitored=False
    )
    policy: Any = manifests(wanted)[-1]
    assert {"protocol": "TCP", "port": 587} in policy["spec"]["egress"][0]["ports"]
