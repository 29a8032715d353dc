"""What the Leases of replicas say, and how it is written. Pure; the times in them are for people only.

A shard's Lease names who has it. It is written when it changes hands, and not renewed: that its holder lives is said by
the holder's own Lease. So a replica costs one write each time, however many shards it has.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from orchestrator.agent.replicas.shards import SHARDS
from orchestrator.stack.model import Json

LEASE: Final = "Lease"
AGENT: Final = "agent.orchestrator/name"
_SHARD: Final = "agent.orchestrator/shard"
MEMBER: Final = "agent.orchestrator/member"
_BEAT: Final = "agent.orchestrator/beat"
_TOLD: Final = "agent.orchestrator/told"

Object: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A replica: ``told`` counts, by repository, how often it was told that one moved."""

    name: str
    version: str = ""
    beat: int = 0
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Who has a shard, nobody if ``holder`` is empty, and how often it changed hands."""

    shard: int
    holder: str = ""
    version: str = ""
    transitions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All there is of an agent's Leases at one moment."""

    members: Mapping[str, Member]
    holdings: Mapping[int, Holding]


def view(objects: Iterable[Object]) -> View:
    """Read the Leases of an agent; what makes no sense is left out."""
    found = list(objects)
    members = [each for each in map(read_member, found) if each]
    holdings = [each for each in map(read_holding, found) if each]
    return View(
        members={each.name: each for each in members},
        holdings={each.shard: each for each in holdings},
    )


def read_member(lease: Object) -> Member | None:
    """Read a replica's own Lease; None when it is another one."""
    name = _labels(lease).get(MEMBER)
    if not isinstance(name, str) or not name:
        return None
    notes = _section(_section(lease, "metadata"), "annotations")
    beat, told = _number(notes.get(_BEAT)), _counts(notes.get(_TOLD))
    return Member(name=name, version=_version(lease), beat=beat, told=told)


def read_holding(lease: Object) -> Holding | None:
    """Read the Lease of a shard; None when it is another one."""
    written = _labels(lease).get(_SHARD)
    if not isinstance(written, str) or not written.isdecimal() or int(written) >= SHARDS:
        return None
    spec = _section(lease, "spec")
    return Holding(
        shard=int(written),
        holder=str(spec.get("holderIdentity") or ""),
        version=_version(lease),
        transitions=_number(spec.get("leaseTransitions")),
    )


def member_name(agent: str, member: str) -> str:
    """Return what a replica's own Lease is called."""
    return f"{agent}.member-{member.rpartition('_')[2]}"


def member_lease(agent: str, member: Member, *, now: datetime, seconds: float) -> Object:
    """Return a replica's own Lease, over the version that it names."""
    told = json.dumps(dict(member.told), sort_keys=True)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": LEASE,
        "metadata": {
            "name": member_name(agent, member.name),
            "labels": {AGENT: agent, MEMBER: member.name},
            "annotations": {_BEAT: str(member.beat), _TOLD: told},
            **_bound(member.version),
        },
        "spec": {
            "holderIdentity": member.name,
            "leaseDurationSeconds": max(1, round(seconds)),
            "renewTime": _micro(now),
        },
    }


def shard_lease(agent: str, holding: Holding, *, now: datetime) -> Object:
    """Return the Lease of a shard, over the version that it names."""
    held: dict[str, Json] = {"holderIdentity": holding.holder, "acquireTime": _micro(now)}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": LEASE,
        "metadata": {
            "name": f"{agent}.shard-{holding.shard:02d}",
            "labels": {AGENT: agent, _SHARD: str(holding.shard)},
            **_bound(holding.version),
        },
        "spec": {
            **(held if holding.holder else {}),
            "leaseTransitions": holding.transitions,
        },
    }


def _bound(version: str) -> dict[str, Json]:
    return {"resourceVersion": version} if version else {}


def _labels(lease: Object) -> Mapping[str, Json]:
    return _section(_section(lease, "metadata"), "labels")


def _version(lease: Object) -> str:
    return str(_section(lease, "metadata").get("resourceVersion") or "")


def _counts(value: object) -> Mapping[str, int]:
    try:
        found = json.loads(str(value))
    except (ValueError, RecursionError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: count for name, count in items if isinstance(count, int)}


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else 0


def _section(value: Object, name: str) -> Mapping[str, Json]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
