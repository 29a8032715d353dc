"""What a webhook says: that a branch moved, or something that is nobody's business here. Pure."""

import json
from typing import Final
from urllib.parse import parse_qs

from orchestrator.agent.configuration.model import HookKind
from orchestrator.agent.decisions.signatures import Delivery

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 10
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
            delivery.headers.get(header) == event
            and _ref(_said(delivery)) == f"refs/heads/{branch}"
        )
    return True


def _said(delivery: Delivery) -> bytes:
    """Return the JSON of a webhook: its body, or the ``payload`` of a form, which GitHub offers first."""
    kind = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        return delivery.body
    try:
        fields = parse_qs(delivery.body, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return b""
    return fields.get(b"payload", [b""])[0]


def _ref(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    ref = found.get("ref") if isinstance(found, dict) else None
    return ref if isinstance(ref, str) else ""
