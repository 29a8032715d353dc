"""What the benchmarks of workloads apply: ConfigMaps, headless Services and Deployments, a third each.

Each app has one of them, in a file of its own, as people write them. The files are read by kubectl and by ours.
"""

from __future__ import annotations

from pathlib import Path

NAMESPACE = "bench"
_PER_APP = 3
_PER_NAMESPACE = 1_000

_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
"""
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}{here}
  labels: {{app.kubernetes.io/name: {name}}}
data:
  LOG_LEVEL: info
  RELEASE: "{release}"
  settings.yaml: |
    listen: 0.0.0.0:8080
    upstream: http://{name}.example.com/
    retries: 3
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}{here}
  labels: {{app.kubernetes.io/name: {name}}}
  annotations: {{example.com/release: "{release}"}}
spec:
  clusterIP: None
  selector: {{app.kubernetes.io/name: {name}}}
  ports:
    - name: http
      port: 80
      targetPort: http
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}{here}
  labels: {{app.kubernetes.io/name: {name}}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app.kubernetes.io/name: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: {name}}}
    spec:
      containers:
        - name: web
          image: registry.example.com/web:{release}
          envFrom:
            - configMapRef: {{name: {name}}}
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet: {{path: /ready, port: http}}
          resources:
            requests: {{cpu: 10m, memory: 16Mi}}
"""
_KINDS = (_CONFIG_MAP, _SERVICE, _DEPLOYMENT)


def write_objects(directory: Path, count: int, *, changed: int = 0) -> None:
    """Write ``count`` objects, a thousand to a namespace, the first ``changed`` of which are of a second release.

    Those of the first namespace do not name it: it is given to whoever reads them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for first in range(0, count, _PER_APP):
        place = first // _PER_NAMESPACE
        namespace = f"{NAMESPACE}-{place}" if place else NAMESPACE
        here = f"\n  namespace: {namespace}" if place else ""
        (directory / f"a-{namespace}.yaml").write_text(
            _NAMESPACE.format(namespace=namespace), encoding="utf-8"
        )
        name = f"app-{first // _PER_APP:05d}"
        documents = (
            kind.format(name=name, here=here, release="2.0" if first + number < changed else "1.0")
            for number, kind in enumerate(_KINDS[: count - first])
        )
        (directory / f"{name}.yaml").write_text("---\n".join(documents), encoding="utf-8")
