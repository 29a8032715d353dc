"""The objects that make an agent run in a cluster, in the order in which they can be applied. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from orchestrator.agent.configuration.channels import Mail
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.installing.placing import CREDENTIALS, FILES, HOME
from orchestrator.agent.installing.rights import Rights
from orchestrator.stack.model import Json

_USER: Final = 65532
_PORT: Final = "http"
_RBAC: Final = "rbac.authorization.k8s.io"
_OWN_BYTES: Final = 512 * 1024**2
_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418}

Manifest = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is to be installed: the agent's file as it is written, its image, and what it may do.

    ``bound`` are rights by the service account that has them, as NAMESPACE/NAME.
    """

    configuration: Configuration
    file: str
    namespace: str
    image: str
    replicas: int
    bound: Mapping[str, Rights]
    monitored: bool = False

    @property
    def name(self) -> str:
        """Return what all of its objects are called."""
        return f"orchestrator-{self.configuration.name}"

    @property
    def port(self) -> int:
        """Return the port that it answers on."""
        return int(self.configuration.listen.rpartition(":")[2])

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Return the namespaces that have to be there before this can be applied, sorted."""
        places = {name for rights in self.bound.values() for name in rights.namespaces}
        return tuple(sorted(places - {"", self.namespace}))

    @property
    def outwards(self) -> tuple[int, ...]:
        """Return the ports that its NetworkPolicy lets it out to, beside those of names, sorted."""
        return tuple(sorted(_ports(self)))

    @property
    def labels(self) -> dict[str, Json]:
        """Return what its objects and Pods are found by."""
        return {
            "app.kubernetes.io/name": "orchestrator-agent",
            "app.kubernetes.io/instance": self.configuration.name,
        }


def manifests(wanted: Installation) -> tuple[Manifest, ...]:
    """Return all objects of an installation."""
    monitor = (_monitor(wanted),) if wanted.monitored else ()
    return (
        _namespace(wanted),
        _account(wanted),
        *_roles(wanted),
        _file(wanted),
        _service(wanted),
        _deployment(wanted),
        _budget(wanted),
        _policy(wanted),
        *monitor,
    )


def written(documents: Iterable[Manifest]) -> str:
    """Return manifests as YAML, as people write it: nothing by reference, texts of several lines as blocks."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as it is asked
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Plain.add_representer(str, text)
    return str(yaml.dump_all(documents, Dumper=Plain, sort_keys=False))


def _metadata(wanted: Installation) -> Manifest:
    return {"name": wanted.name, "namespace": wanted.namespace, "labels": wanted.labels}


def _namespace(wanted: Installation) -> Manifest:
    strict: dict[str, Json] = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": wanted.namespace, "labels": strict},
    }


def _account(wanted: Installation) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(wanted)}


def _roles(wanted: Installation) -> Iterator[Manifest]:
    for account, rights in wanted.bound.items():
        namespace, _, name = account.partition("/")
        own = account == f"{wanted.namespace}/{wanted.name}"
        called = wanted.name if own else f"{wanted.name}-{name}"
        subject: Manifest = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        for place in rights.namespaces:
            wide, placed = ("", {"namespace": place}) if place else ("Cluster", {})
            metadata: Manifest = {"name": called, **placed, "labels": wanted.labels}
            role: Manifest = {"apiVersion": f"{_RBAC}/v1", "kind": f"{wide}Role"}
            yield {**role, "metadata": metadata, "rules": rights.documents(place)}
            yield {
                "apiVersion": f"{_RBAC}/v1",
                "kind": f"{wide}RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": _RBAC, "kind": f"{wide}Role", "name": called},
                "subjects": [subject],
            }


def _file(wanted: Installation) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(wanted),
        "data": {"agent.yaml": wanted.file},
    }


def _service(wanted: Installation) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(wanted),
        "spec": {
            "selector": wanted.labels,
            "ports": [{"name": _PORT, "port": 80, "targetPort": _PORT, "protocol": "TCP"}],
        },
    }


def _deployment(wanted: Installation) -> Manifest:
    grace = round(wanted.configuration.limits.grace)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(wanted),
        "spec": {
            "replicas": wanted.replicas,
            # Without Leases there is nobody to keep two from working at the same time.
            "strategy": {"type": "RollingUpdate" if wanted.configuration.leader else "Recreate"},
            "selector": {"matchLabels": wanted.labels},
            "template": {
                "metadata": {
                    "labels": wanted.labels,
                    # Another file makes other Pods: the agent reads it when it starts.
                    "annotations": {"agent.orchestrator/file": _digest(wanted.file)},
                },
                "spec": {
                    "serviceAccountName": wanted.name,
                    "terminationGracePeriodSeconds": grace + 15,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": _USER,
                        "runAsGroup": _USER,
                        "fsGroup": _USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": wanted.labels},
                        }
                    ],
                    "containers": [_container(wanted)],
                    "volumes": _volumes(wanted),
                },
            },
        },
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _container(wanted: Installation) -> Manifest:
    # Over this the kernel ends the container as a whole, the loop too; over its own, a child alone is ended.
    told = wanted.configuration
    bytes_in_all = _OWN_BYTES + told.children * told.limits.memory
    return {
        "name": "agent",
        "image": wanted.image,
        "args": ["agent", "--config", f"{FILES}/agent.yaml"],
        "env": [
            {"name": "HOME", "value": f"{HOME}/home"},
            {"name": "ORCHESTRATOR_CACHE", "value": f"{HOME}/cache"},
        ],
        "ports": [{"name": _PORT, "containerPort": wanted.port, "protocol": "TCP"}],
        "startupProbe": _probe("/healthz", period=2, failures=60),
        "livenessProbe": _probe("/healthz", period=20, failures=3),
        "readinessProbe": _probe("/readyz", period=10, failures=3),
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            # No limit of processors: to be throttled in the middle of a run helps nobody.
            "limits": {"memory": f"{bytes_in_all // 1024**2}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "temporary", "mountPath": "/tmp"},  # noqa: S108 - of the container
            {"name": "file", "mountPath": FILES, "readOnly": True},
            {"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True},
        ],
    }


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": _PORT},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _volumes(wanted: Installation) -> list[Json]:
    return [
        {"name": "home", "emptyDir": {}},
        {"name": "temporary", "emptyDir": {}},
        {"name": "file", "configMap": {"name": wanted.name}},
        {
            "name": "credentials",
            "secret": {"secretName": wanted.name, "optional": True, "defaultMode": 0o440},
        },
    ]


def _budget(wanted: Installation) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(wanted),
        "spec": {
            "maxUnavailable": 1,
            # Who is not ready, since Git is away, say, is not to keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": wanted.labels},
        },
    }


def _policy(wanted: Installation) -> Manifest:
    """Let in who asks on its port, and it out to names, to Git and to what is spoken to over TLS."""
    tcp: list[Json] = [{"protocol": "TCP", "port": port} for port in wanted.outwards]
    names: list[Json] = [{"protocol": protocol, "port": 53} for protocol in ("TCP", "UDP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(wanted),
        "spec": {
            "podSelector": {"matchLabels": wanted.labels},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": _PORT}]}],
            "egress": [{"ports": [*names, *tcp]}],
        },
    }


def _ports(wanted: Installation) -> set[int]:
    """Return the ports that it has to reach: the API server's usual ones, those of Git, forges and mail."""
    found = {443, 6443}
    targets = (channel.target for channel in wanted.configuration.channels)
    found |= {target.port for target in targets if isinstance(target, Mail)}
    repositories = wanted.configuration.repositories.values()
    addresses = [each.url for each in repositories]
    addresses += [each.statuses.api for each in repositories if each.statuses]
    for url in map(urlsplit, addresses):
        found.add(url.port or _PORTS.get(url.scheme, _PORTS["ssh"]))  # git@host:path is SSH
    return found


def _monitor(wanted: Installation) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": _metadata(wanted),
        "spec": {
            "selector": {"matchLabels": wanted.labels},
            "endpoints": [{"port": _PORT, "path": "/metrics"}],
        },
    }
