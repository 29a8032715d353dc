"""How long a forge is waited for: what it says itself, within limits, and never longer than somebody wants.

GitHub says that it is asked too often by 403 or 429, with ``Retry-After``, or with the second from which on it
answers again in ``X-RateLimit-Reset``; GitLab by 429 with ``Retry-After`` and ``RateLimit-Reset``.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from orchestrator.processes import Stop

_TRIES: Final = 6
_LONGEST_SECONDS: Final = 300.0
_FORBIDDEN, _TOO_MANY, _TROUBLE = 403, 429, 500
# What says how something has to be may be sent twice; a comment would be there twice.
_REPEATABLE: Final = frozenset({"GET", "HEAD", "PATCH", "PUT", "DELETE"})


class Patience(Retry):
    """Sends a request again that was refused for now, or had no answer."""

    def __init__(self, *, stop: Stop, now: Callable[[], datetime], **kept: Any) -> None:
        """Take what ends all waiting, and a clock: resets are told as times of day."""
        self._stop, self._now = stop, now
        defaults: dict[str, Any] = {
            "total": _TRIES,
            "backoff_factor": 0.5,
            "allowed_methods": _REPEATABLE,
            "raise_on_status": False,
        }
        super().__init__(**{**defaults, **kept})

    def new(self, **kept: Any) -> "Patience":
        """Return the patience that is left after a try."""
        return super().new(stop=self._stop, now=self._now, **kept)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002, ARG002  as urllib3 calls it
        """Whether an answer may be one after which to try again: it was not done, or may be done twice."""
        refused = status_code in {_FORBIDDEN, _TOO_MANY}
        return refused or (status_code >= _TROUBLE and method.upper() in _REPEATABLE)

    def increment(self, *given: Any, **named: Any) -> "Patience":
        """Count a try; raises MaxRetryError when there is no sense in another one."""
        response = named.get("response")
        if self._stop.requested or (response is not None and self._is_final(response)):
            raise MaxRetryError(named.get("_pool"), given[1] if len(given) > 1 else "")  # type: ignore[arg-type]
        return super().increment(*given, **named)

    def sleep(self, response: Any = None) -> None:
        """Wait as long as the forge says, or longer with each try; a request to stop ends it."""
        told = waiting_time(response.headers, self._now()) if response is not None else None
        self._stop.wait(self.get_backoff_time() if told is None else told)

    def _is_final(self, response: Any) -> bool:
        told = waiting_time(response.headers, self._now())
        if response.status == _FORBIDDEN and told is None:
            return True  # it is not about how often
        return told is not None and told > _LONGEST_SECONDS


def waiting_time(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return for how many seconds a forge asks to be left alone, None when it does not."""
    told = {name.lower(): value for name, value in headers.items()}
    if told.get("retry-after", "").isdigit():
        return float(told["retry-after"])
    for prefix in ("x-ratelimit", "ratelimit"):
        if told.get(f"{prefix}-remaining") == "0" and told.get(f"{prefix}-reset", "").isdigit():
            return max(0.0, float(told[f"{prefix}-reset"]) - now.timestamp()) + 1
    return None
