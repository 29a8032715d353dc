"""A real Kubernetes control plane on loopback, to try the orchestrator on and to test it against.

    up(directory) → programs (the user's own, a cached build, a build) → processes → kubeconfig
    status(directory), down(directory)

etcd, API server, controller manager and scheduler are the real ones; KWOK plays the nodes, so that workloads
roll out and Jobs complete although nothing runs. No container, no root, no network beyond loopback.

Here belongs what is needed to get, start, watch and end these processes. What talks to a cluster on behalf of
a stack belongs to ``workloads``, which cannot tell a sandbox from any other cluster.
"""

from orchestrator.sandbox.layout import Component
from orchestrator.sandbox.lifecycle import Sandbox, down, kubeconfig_path, up
from orchestrator.sandbox.status import ComponentStatus, SandboxStatus, status

__all__ = [
    "Component",
    "ComponentStatus",
    "Sandbox",
    "SandboxStatus",
    "down",
    "kubeconfig_path",
    "status",
    "up",
]
