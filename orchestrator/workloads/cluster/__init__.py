"""The edge to a Kubernetes API server: credentials, requests, discovery, watches, and its errors in our words.

Everything that speaks HTTP, imports the Kubernetes client or runs a credential plugin is here, in one event
loop behind blocking batch functions. Nothing here decides what should change or whether an object is healthy.
"""

from orchestrator.workloads.cluster.access.credentials import locate
from orchestrator.workloads.cluster.access.target import Target
from orchestrator.workloads.cluster.api import Cluster, connect
from orchestrator.workloads.cluster.connection.library import preload

__all__ = ["Cluster", "Target", "connect", "locate", "preload"]
