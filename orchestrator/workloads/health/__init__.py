"""Whether an object has become what it was asked to be: one answer and one sentence per object.

The rules are pure and follow kstatus (kubernetes-sigs/cli-utils), the library that most deploy tools share,
but where it calls things current that a deploy must not: a running Job, a failed Pod, a load balancer without
an address. ``rollout`` waits by them, and ``laggards`` says why an object is late: only these two ask the
cluster.
"""

from orchestrator.workloads.health.assessment import assess, immediate
from orchestrator.workloads.health.status import CURRENT, Health, Status

__all__ = ["CURRENT", "Health", "Status", "assess", "immediate"]
