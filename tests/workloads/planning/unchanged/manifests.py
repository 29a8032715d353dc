"""Manifests of many kinds, as people write them, with what varies chosen by a seeded generator."""

from collections.abc import Callable
from random import Random
from typing import Any

Manifest = dict[str, Any]
Maker = Callable[[Random], Manifest]

WORDS = ("alpha", "beta", "gamma", "delta", "1", "on", "true", "a b", "é—✓", "", "0.5")
NAMES = ("web", "api", "cache", "worker", "metrics")
AMOUNTS = ("100m", "250m", "1", "2", "64Mi", "1Gi")


def some(rng: Random, names: tuple[str, ...] = NAMES) -> list[str]:
    """Return one to three names in any order."""
    return rng.sample(names, rng.randint(1, 3))


def texts(rng: Random) -> dict[str, str]:
    """Return a map of texts, some of which look like amounts."""
    return {name: rng.choice((*WORDS, *AMOUNTS[4:])) for name in some(rng, (*NAMES, "sizeLimit"))}


def labels(rng: Random) -> dict[str, str]:
    """Return labels."""
    return {name: rng.choice(("one", "two")) for name in some(rng)}


def optional(rng: Random, **fields: Callable[[], Any]) -> Manifest:
    """Return some of the fields."""
    return {name: make() for name, make in fields.items() if rng.random() < 0.5}


def config_map(rng: Random) -> Manifest:
    """Texts and bytes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": texts(rng),
        **optional(rng, binaryData=lambda: {"b": "AAEC"}, immutable=lambda: False),
    }


def secret(rng: Random) -> Manifest:
    """Bytes in base64."""
    data = {name: rng.choice(("cGFzcw==", "AA==", "")) for name in some(rng)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": data,
        **optional(rng, type=lambda: "Opaque"),
    }


def service(rng: Random) -> Manifest:
    """Ports in a keyed list, of which one key has a default."""
    ports = [
        {"name": name, "port": 80 + index, **_port(rng)} for index, name in enumerate(some(rng))
    ]
    if rng.random() < 0.4:  # one port by two protocols, of which one may be left to its default
        ports += [
            {"name": "dns", "port": 53, **optional(rng, protocol=lambda: "TCP")},
            {"name": "dns-udp", "port": 53, "protocol": "UDP"},
        ]
        rng.shuffle(ports)
    spec = {
        "selector": {"app": "web"},
        "ports": ports,
        **optional(rng, sessionAffinity=lambda: "None", publishNotReadyAddresses=_no),
    }
    return {"apiVersion": "v1", "kind": "Service", "spec": spec}


def _port(rng: Random) -> Manifest:
    return optional(rng, protocol=lambda: "TCP", targetPort=lambda: rng.choice((8080, "http")))


def container(rng: Random, name: str) -> Manifest:
    """Return a container."""
    ports = [{"containerPort": 8080, **optional(rng, protocol=lambda: "TCP", name=lambda: "http")}]
    env = [
        {"name": each.upper(), "value": rng.choice(WORDS)}
        if rng.random() < 0.5
        else {"name": each.upper(), "valueFrom": rng.choice(_SOURCES)}
        for each in some(rng)
    ]
    probe = {"httpGet": {"path": "/", "port": rng.choice((8080, "http"))}}
    return {
        "name": name,
        "image": f"example/{name}:1",
        **optional(
            rng,
            ports=lambda: ports,
            env=lambda: env,
            args=lambda: ["--verbose", rng.choice(WORDS)],
            resources=lambda: resources(rng),
            readinessProbe=lambda: probe,
            securityContext=lambda: {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
            volumeMounts=lambda: [
                {"name": "scratch", "mountPath": "/s", **optional(rng, readOnly=_no)}
            ],
            tty=_no,
            imagePullPolicy=lambda: "IfNotPresent",
        ),
    }


_SOURCES: tuple[Manifest, ...] = (
    {"configMapKeyRef": {"name": "c", "key": "a"}},
    {"fieldRef": {"fieldPath": "metadata.name"}},
    {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}},
    {"resourceFieldRef": {"resource": "limits.cpu"}},
    {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}},
)
_PROJECTED: tuple[Manifest, ...] = (
    {"serviceAccountToken": {"path": "token"}},
    {"serviceAccountToken": {"path": "token", "expirationSeconds": 7200}},
    {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
)


def _no() -> bool:
    return False


def resources(rng: Random) -> Manifest:
    """Return a container's resources, in the forms in which people write amounts."""
    amounts = {"cpu": rng.choice(AMOUNTS[:4]), "memory": rng.choice(AMOUNTS[4:])}
    return {"limits": amounts, **optional(rng, requests=lambda: dict(amounts))}


def pod(rng: Random) -> Manifest:
    """Return a pod's template."""
    names = some(rng)
    spec = {
        "containers": [container(rng, name) for name in names],
        "volumes": [
            {"name": "scratch", "emptyDir": rng.choice(({}, {"sizeLimit": "64Mi"}))},
            {"name": "settings", "configMap": {"name": "c", "items": [{"key": "a", "path": "b"}]}},
            {"name": "all", "projected": {"sources": rng.sample(_PROJECTED, 2)}},
        ],
        **optional(
            rng,
            nodeSelector=lambda: {"disk": "ssd"},
            tolerations=lambda: [{"key": "spot", "operator": "Exists"}],
            imagePullSecrets=lambda: [{"name": "pull"}],
            securityContext=dict,
            hostAliases=lambda: [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
            topologySpreadConstraints=lambda: [_spread()],
            dnsConfig=lambda: {"options": [{"name": "ndots", "value": "2"}]},
            affinity=lambda: {
                "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}
            },
            hostNetwork=_no,
        ),
    }
    return {"metadata": {"labels": {"app": "web", **labels(rng)}}, "spec": spec}


def _spread() -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }


def _selector() -> Manifest:
    return {"matchLabels": {"app": "web"}}


def deployment(rng: Random) -> Manifest:
    """A template, a strategy and defaults."""
    spec = {
        "replicas": 0,
        "selector": _selector(),
        "template": pod(rng),
        **optional(
            rng,
            strategy=lambda: {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": rng.choice((1, "25%"))},
            },
            minReadySeconds=lambda: 0,
        ),
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}


def stateful_set(rng: Random) -> Manifest:
    """Templates of claims, in which much is filled in."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec = {
        "replicas": 0,
        "serviceName": "web",
        "selector": _selector(),
        "template": pod(rng),
        **optional(
            rng, volumeClaimTemplates=lambda: [claim], updateStrategy=lambda: {"type": "OnDelete"}
        ),
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": spec}


def daemon_set(rng: Random) -> Manifest:
    """A template with an empty map."""
    template = pod(rng)
    template["metadata"]["annotations"] = {}
    template["spec"]["nodeSelector"] = {"no": "node"}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "spec": {"selector": _selector(), "template": template},
    }


def job(rng: Random) -> Manifest:
    """A template that the server adds to."""
    template = pod(rng)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {"suspend": True, "template": template, **optional(rng, backoffLimit=lambda: 6)},
    }


def cron_job(rng: Random) -> Manifest:
    """A template in a template."""
    template = pod(rng)
    template["spec"]["restartPolicy"] = "OnFailure"
    spec = {
        "schedule": "0 0 1 1 *",
        "suspend": True,
        "jobTemplate": {"spec": {"template": template}},
    }
    return {"apiVersion": "batch/v1", "kind": "CronJob", "spec": spec}


def ingress(rng: Random) -> Manifest:
    """Atomic rules."""
    backend = {"service": {"name": "web", "port": rng.choice(({"number": 80}, {"name": "http"}))}}
    rules = [
        {
            "host": f"{name}.example",
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
        }
        for name in some(rng)
    ]
    tls = [{"hosts": ["web.example"], "secretName": "tls"}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {"rules": rules, **optional(rng, tls=lambda: tls, defaultBackend=lambda: backend)},
    }


def network_policy(rng: Random) -> Manifest:
    """Atomic rules with defaults."""
    peer = {"podSelector": rng.choice(({}, _selector()))}
    ports = [{"port": rng.choice((80, "http")), **optional(rng, protocol=lambda: "TCP")}]
    spec = {
        "podSelector": rng.choice(({}, _selector())),
        "ingress": [{"from": [peer], "ports": ports}],
        **optional(rng, policyTypes=lambda: ["Ingress"], egress=lambda: [{}]),
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": spec}


def role(rng: Random) -> Manifest:
    """Atomic rules."""
    rules = [{"apiGroups": [""], "resources": some(rng), "verbs": ["get", "list"]}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": rules}


def role_binding(rng: Random) -> Manifest:
    """Atomic subjects."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [
            {"kind": "ServiceAccount", "name": name, "namespace": "x"} for name in some(rng)
        ],
    }


def service_account(rng: Random) -> Manifest:
    """Atomic references."""
    pull = [{"name": name} for name in some(rng)]
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        **optional(rng, imagePullSecrets=lambda: pull, automountServiceAccountToken=lambda: False),
    }


def autoscaler(rng: Random) -> Manifest:
    """Atomic metrics."""
    target = {"type": "Utilization", "averageUtilization": 80}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behaviour = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"},
        "maxReplicas": 3,
        **optional(rng, minReplicas=lambda: 1, metrics=lambda: metrics, behavior=lambda: behaviour),
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}


def disruption_budget(rng: Random) -> Manifest:
    """A number or a text."""
    spec = {"selector": _selector(), "minAvailable": rng.choice((1, "50%"))}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "spec": spec}


def limit_range(rng: Random) -> Manifest:
    """Amounts in an atomic list."""
    item = {"type": "Pod", "max": {"memory": rng.choice(AMOUNTS[4:])}}
    return {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": [item]}}


def quota(rng: Random) -> Manifest:
    """Amounts in many forms."""
    hard = {"count/leases.coordination.k8s.io": rng.choice(("1k", "1000", "2000m", 5))}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": hard}}


def claim(rng: Random) -> Manifest:
    """Amounts in many forms."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "resources": {"requests": {"storage": rng.choice(("1Gi", "1024Mi", "0.5Gi"))}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": spec}


BUILT_IN: tuple[Maker, ...] = (
    config_map,
    secret,
    service,
    deployment,
    stateful_set,
    daemon_set,
    job,
    cron_job,
    ingress,
    network_policy,
    role,
    role_binding,
    service_account,
    autoscaler,
    disruption_budget,
    limit_range,
    quota,
    claim,
)
