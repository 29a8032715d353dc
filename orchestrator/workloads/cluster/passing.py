"""Which refusals pass by themselves, so that the same request may succeed a moment later; pure."""

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.stack.model import Json

_BUSY: Final = frozenset({429, 502, 503, 504})
_FAILED: Final = 500
_WEBHOOK: Final = re.compile(
    r'failed calling webhook "(?P<name>[^"]*)": (failed to call webhook: )?(?P<problem>.*)',
    re.DOTALL,
)
# The store has no leader for a moment, or the answer of one of its members came too late.
_STORE: Final = re.compile(r"etcdserver: |rpc error: code = Unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An admission webhook that the server could not ask, and why."""

    name: str
    problem: str


def may_pass(status: int, body: Json) -> bool:
    """Whether to ask again: a busy server or gateway, a store without leader, a webhook that does not answer.

    Any other answer will not change, also where it is the server's own fault.
    """
    if status in _BUSY:
        return True
    message = body.get("message") if isinstance(body, dict) else ""
    return (
        status == _FAILED
        and isinstance(message, str)
        and bool(_STORE.search(message) or _WEBHOOK.search(message))
    )


def webhook_in(message: str) -> Webhook | None:
    """Return the webhook that a message says could not be asked, if any; one that refused is none."""
    found = _WEBHOOK.search(message)
    return Webhook(name=found["name"], problem=found["problem"]) if found else None
