"""What a webhook says: that a branch moved, or something that is nobody's business here. Pure."""

import json
from typing import Final

from orchestrator.agent.configuration.model import HookKind
from orchestrator.agent.decisions.signatures import Delivery

_EVENTS: Final = {
    HookKind.GITHUB: ("x-github-event", "push"),
    HookKind.GITEA: ("x-gitea-event", "push"),
    HookKind.GITLAB: ("x-gitlab-event", "Push Hook"),
}


def concerns(kind: HookKind, delivery: Delivery, branch: str) -> bool:
    """Whether a webhook that was taken tells that a branch moved; one of no forge's form always does.

    It is a hint to look, and no more: where the branch stands is asked of the repository itself.
    """
    if kind in _EVENTS:
        header, event = _EVENTS[kind]
        return (
            delivery.headers.get(header) == event and _ref(delivery.body) == f"refs/heads/{branch}"
        )
    return True


def _ref(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    ref = found.get("ref") if isinstance(found, dict) else None
    return ref if isinstance(ref, str) else ""
