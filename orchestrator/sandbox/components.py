"""The command lines of the components. Pure.

etcd listens on sockets inside the sandbox's directory only: it has no users, so the directory's mode is its
guard. Controller manager, scheduler and KWOK listen nowhere. That leaves the API server's one port.
"""

from pathlib import Path
from typing import assert_never

from orchestrator.sandbox.layout import ETCD_CLIENT_SOCKET, ETCD_PEER_SOCKET, Component, Layout

STAGES = Path(__file__).with_name("kwok.yaml")
SERVICE_ADDRESSES = "10.96.0.0/16"
_POD_ADDRESSES = "10.128.0.0/9"
_ISSUER = "https://kubernetes.default.svc.cluster.local"


def arguments(component: Component, layout: Layout, *, port: int) -> tuple[str, ...]:
    """Return the flags of a component; ``port`` is the API server's."""
    match component:
        case Component.ETCD:
            return _etcd(layout)
        case Component.API_SERVER:
            return _api_server(layout, port)
        case Component.CONTROLLER_MANAGER:
            return _controller_manager(layout)
        case Component.SCHEDULER:
            return _scheduler(layout)
        case Component.KWOK:
            return _kwok(layout)
        case _:
            assert_never(component)


def mark(component: Component, layout: Layout) -> str:
    """Return the flag that only this component of this sandbox has; it is among its arguments."""
    match component:
        case Component.ETCD:
            return f"--data-dir={layout.etcd_data}"
        case Component.API_SERVER:
            return f"--cert-dir={layout.certificates}"
        case Component.CONTROLLER_MANAGER | Component.SCHEDULER | Component.KWOK:
            return f"--kubeconfig={layout.kubeconfig}"
        case _:
            assert_never(component)


def _etcd(layout: Layout) -> tuple[str, ...]:
    client, peer = f"unix://{ETCD_CLIENT_SOCKET}", f"unix://{ETCD_PEER_SOCKET}"
    return (
        mark(Component.ETCD, layout),
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # a sandbox that loses its last writes in a power cut is no loss
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    )


def _api_server(layout: Layout, port: int) -> tuple[str, ...]:
    return (
        mark(Component.API_SERVER, layout),
        f"--etcd-servers=unix://{ETCD_CLIENT_SOCKET}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        # Both keep it from looking for a network interface, which a machine without a network lacks.
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={layout.service_account_key}",
        f"--service-account-signing-key-file={layout.service_account_key}",
        f"--token-auth-file={layout.tokens}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--allow-privileged",
        "--profiling=false",
    )


def _controller_manager(layout: Layout) -> tuple[str, ...]:
    return (
        mark(Component.CONTROLLER_MANAGER, layout),
        f"--service-account-private-key-file={layout.service_account_key}",
        f"--root-ca-file={layout.certificate}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        # The default of 20 requests a second would make a thousand objects take a minute.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        # Nor is anybody helped when five workers at a time make all rollouts queue on idle cores.
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
    )


def _scheduler(layout: Layout) -> tuple[str, ...]:
    return (
        mark(Component.SCHEDULER, layout),
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
    )


def _kwok(layout: Layout) -> tuple[str, ...]:
    return (
        mark(Component.KWOK, layout),
        f"--config={STAGES}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-label-selector=type=kwok",  # a real node may join, and plays itself
        f"--cidr={_POD_ADDRESSES}",
        "--node-ip=10.0.0.1",
        "--node-lease-duration-seconds=40",
    )
