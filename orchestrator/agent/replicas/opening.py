"""Joining the other replicas of an agent, in the cluster that its file names."""

import re
import secrets as chance
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import log
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.replicas.leases import Member
from orchestrator.agent.replicas.liveness import Pace
from orchestrator.agent.replicas.membership import Membership
from orchestrator.agent.replicas.share import Alone, Sharing
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings


@contextmanager
def joined(configuration: Configuration, settings: Settings) -> Iterator[Sharing]:
    """Be one of an agent's replicas while the block lasts, where it has a ``leader``; raises ClusterError."""
    leader = configuration.leader
    if leader is None:
        yield Alone()
        return
    from orchestrator.workloads.cluster import Target, connect

    # What is at work is to end before others take over: the request to stop is for the loop, not for this.
    own = Stop()
    target = Target(context=leader.context, kubeconfig=leader.kubeconfig)
    connection = connect(
        target,
        settings,
        secrets=Secrets(),
        stop=own,
        on_notice=lambda text: log.trouble("replicas cannot be asked", why=text),
    )
    with connection as cluster:
        membership = Membership(
            leases=cluster.registers(leader.namespace),
            agent=configuration.name,
            myself=Member(name=_identity(settings.host)),
            pace=Pace(lease=leader.lease),
            stop=own,
        )
        with membership.taking_part():
            yield membership


def _identity(host: str) -> str:
    """Return what tells this process from any other, also on this host; a label can hold it."""
    readable = re.sub(r"[^a-z0-9]+", "-", host.lower())[:40].strip("-") or "host"
    return f"{readable}_{chance.token_hex(6)}"
