"""One change that a plan would make: a Terraform resource, an output or a Kubernetes object."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.values import Value
from orchestrator.stack.model import Risk

__all__ = ["Action", "Change", "FieldChange", "Risk", "Subject", "Touch", "undeposed"]

_DEPOSED = re.compile(r" \(deposed \w+\)$")


class Action(StrEnum):
    """What happens to one thing."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    MOVE = "move"
    IMPORT = "import"
    FORGET = "forget"
    ADOPT = "adopt"
    NO_OP = "no-op"


class Subject(StrEnum):
    """What kind of thing changes."""

    RESOURCE = "resource"
    OUTPUT = "output"
    OBJECT = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Who wrote a field behind our back, and when (UTC); empty and None where the cluster does not know.

    ``through`` is the subresource, such as ``scale``; for that one the server records no time.
    """

    by: str = ""
    at: datetime | None = None
    through: str = ""

    def __str__(self) -> str:
        """Return ``by kubectl-edit at 2026-03-14 09:26:53 UTC``."""
        how = f" through {self.through}" if self.through else ""
        when = f" at {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else ""
        return f"by {self.by}{how}{when}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field, old to new.

    ``path`` reads as people write it (``spec.template.spec.containers[name=web].image``);
    ``forces_replacement`` marks what makes a replace out of an update; ``touch`` what others changed since it
    was applied.
    """

    path: str
    before: Value
    after: Value
    forces_replacement: bool = False
    touch: Touch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; ``name`` is a resource address, an output's name or ``Kind namespace/name``.

    ``reason`` says in a few words why, where that is not plain (``taint``, ``removed from Git``).
    ``fields`` are sorted by path; ``previous`` is the former name of something moved. ``type`` is what Terraform
    calls a resource's type; ``risk`` is told of what is deleted or replaced, and None of everything else.
    """

    subject: Subject
    name: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    previous: str = ""
    type: str = ""
    risk: Risk | None = None


def undeposed(name: str) -> str:
    """Return the address that an object left over by a replacement shares with its successor; any other as it is."""
    return _DEPOSED.sub("", name)
