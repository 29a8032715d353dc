"""Notifications as Events of Kubernetes, about an object in a namespace."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from orchestrator.agent.configuration.channels import About, Events, Severity
from orchestrator.agent.notifications.courier import Undelivered
from orchestrator.agent.notifications.wording import Message, headline, paragraphs
from orchestrator.errors import AccessDenied, ClusterError, ClusterUnreachable, OrchestratorError
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Json

if TYPE_CHECKING:
    from orchestrator.workloads.cluster.registers import Registers

_LONGEST: Final = 1024
_COMPONENT: Final = "orchestrator-agent"
_REASONS: Final = {
    About.FAILURE: "Failed",
    About.RECOVERY: "Recovered",
    About.DRIFT: "Drifted",
    About.APPROVAL: "ApprovalWanted",
    About.HELD: "Held",
    About.ROLLBACK: "RolledBack",
    About.APPLIED: "Applied",
}
_GROUPS: Final = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "CronJob": "batch/v1"}


def event_of(message: Message, target: Events, uid: str) -> Mapping[str, Json]:
    """Return the Event that says it; its name is of this very message, so that it is there once. Pure."""
    at = message.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    about: dict[str, Json] = {
        "apiVersion": _GROUPS.get(target.kind, "v1"),
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
    }
    said = "\n".join((headline(message), *paragraphs(message)))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{target.name[:200]}.{message.number[:16]}"},
        "involvedObject": {**about, "uid": uid} if uid else about,
        "type": "Normal" if message.news.severity is Severity.INFO else "Warning",
        "reason": _REASONS[message.news.about],
        "message": said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…",
        "source": {"component": _COMPONENT},
        "reportingComponent": _COMPONENT,
        "reportingInstance": message.agent,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def report(message: Message, target: Events, settings: Settings) -> None:
    """Make the Event; raises Undelivered."""
    from orchestrator.workloads.cluster import Target, connect

    secrets = Secrets()
    asked = Target(context=target.context)
    try:
        with connect(asked, settings, secrets=secrets, stop=Stop()) as cluster:
            registers = cluster.registers(target.namespace)
            registers.put(event_of(message, target, _uid(registers, target)))
    except ClusterUnreachable as error:
        raise Undelivered(secrets.redact(error.message)) from None
    except ClusterError as error:
        raise Undelivered(secrets.redact(error.message), again=None) from None
    except OrchestratorError as error:
        raise Undelivered(secrets.redact(error.message)) from None


def _uid(registers: "Registers", target: Events) -> str:
    """Return what `kubectl describe` finds events by; empty for an object that is not there, or that we may not see."""
    try:
        live = registers.get(target.kind, target.name)
    except AccessDenied:
        return ""
    metadata = (live or {}).get("metadata")
    return str(metadata.get("uid", "")) if isinstance(metadata, dict) else ""
