"""How long a forge is waited for: what it says itself, within limits, and never longer than somebody wants.

GitHub says that it is asked too often by 403 or 429, with ``Retry-After``, with the second from which on it answers
again in ``X-RateLimit-Reset``, or in words alone; GitLab by 429 with ``Retry-After`` and ``RateLimit-Reset``, and by
409 that somebody else sets the same status at this very moment.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from orchestrator.errors import ForgeUnanswered, Interrupted
from orchestrator.forges.troubles import Busy, Refusal, asked_too_often, tells_of_limit
from orchestrator.processes import Stop

T = TypeVar("T")

_TRIES: Final = 6
_LONGEST_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 60.0
"""What GitHub asks for when it does not say how long."""
_MOMENT_SECONDS: Final = 0.5
_FORBIDDEN, _CONFLICT, _TOO_MANY, _TROUBLE = 403, 409, 429, 500
# What changes nothing, or a second time nothing, is sent again. What is written may be out of date by then, or be
# there twice: whoever wants to write looks again first. A question may be asked by POST.
_REPEATABLE: Final = frozenset({"GET", "HEAD", "DELETE"})
_ASKING: Final = frozenset({*_REPEATABLE, "POST"})


class Patience(Retry):
    """Sends a request again that was refused for now, or had no answer.

    A write that was refused for now raises Busy instead. What was refused for good may raise Refusal.
    """

    def __init__(
        self,
        *,
        stop: Stop,
        now: Callable[[], datetime],
        pause: float = _PAUSE_SECONDS,
        told: float | None = None,
        **kept: Any,
    ) -> None:
        """Take what ends all waiting, and a clock: resets are told as times of day.

        ``pause`` is how many seconds to wait where a limit is told without a time, ``told`` what was asked for now.
        """
        self._stop, self._now, self._pause, self._told = stop, now, pause, told
        self._said = ""
        defaults: dict[str, Any] = {
            "total": _TRIES,
            "backoff_factor": 0.5,
            "allowed_methods": _REPEATABLE,
            "raise_on_status": False,
        }
        super().__init__(**{**defaults, **kept})

    def new(self, **kept: Any) -> "Patience":
        """Return the patience that is left after a try."""
        ours = {"stop": self._stop, "now": self._now, "pause": self._pause, "told": self._told}
        return super().new(**{**ours, **kept})

    def asking(self) -> "Patience":
        """Return this for what only asks, also by POST: as patient as for what is read."""
        return self.new(allowed_methods=_ASKING)

    def insist(self, do: Callable[[], T], *, lost: int) -> T:
        """Do what is refused for now again and again, as the function of that name does."""
        return insist(do, self._stop, lost=lost)

    def refused_for_now(self, headers: Mapping[str, str], said: str) -> Exception:
        """Return what to raise for a limit that is told with 200: Busy, or ForgeError where nobody waits for it."""
        told = waiting_time(headers, self._now())
        seconds = self._pause if told is None else told
        return Busy(seconds) if self._waits(seconds) else asked_too_often(said=said)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002, ARG002  as urllib3 calls it
        """Whether an answer may be one after which to try again: it was not done, or may be done twice."""
        refused = status_code in {_FORBIDDEN, _CONFLICT, _TOO_MANY}
        return refused or (status_code >= _TROUBLE and self._is_method_retryable(method))

    def increment(self, *given: Any, **named: Any) -> "Patience":
        """Count a try; raises MaxRetryError when there is no sense in another one, Busy, Refusal."""
        response: Any = named.get("response")
        told = self._limit(response) if response is not None else None
        if told is not None and self._waits(told) and not self._is_method_retryable(str(given[0])):
            response.drain_conn()
            raise Busy(told)
        try:
            return self._counted(told, given, named)
        except MaxRetryError:
            if self._said:  # and is not in the answer any more
                raise Refusal(_FORBIDDEN, self._said) from None
            raise

    def _counted(
        self, told: float | None, given: tuple[Any, ...], named: dict[str, Any]
    ) -> "Patience":
        if not self._waits(told):
            raise MaxRetryError(named.get("_pool"), given[1] if len(given) > 1 else "")  # type: ignore[arg-type]
        self._told = told  # which what is left inherits
        return super().increment(*given, **named)

    def _waits(self, told: float | None) -> bool:
        return not self._stop.requested and (told is None or told <= _LONGEST_SECONDS)

    def sleep(self, response: Any = None) -> None:  # noqa: ARG002  as urllib3 calls it
        """Wait as long as the forge says, or longer with each try; a request to stop ends it."""
        self._stop.wait(self.get_backoff_time() if self._told is None else self._told)

    def _limit(self, response: Any) -> float | None:
        """Return for how long the forge asks to be left alone, None when it is not about that."""
        if response.status not in {_FORBIDDEN, _TOO_MANY}:
            return waiting_time(response.headers, self._now())
        told = waiting_time(response.headers, self._now())
        if told is not None or response.status == _TOO_MANY:
            return self._pause if told is None else told
        self._said = _said(response.data)  # which nobody can read after this
        if not tells_of_limit(self._said):
            raise Refusal(_FORBIDDEN, self._said)
        return self._pause


def insist(do: Callable[[], T], stop: Stop, *, lost: int = 0) -> T:
    """Do what writes to a forge, again and again as long as it is refused for now; raises ForgeError.

    What is done looks at the forge each time before it writes: while one waits, others go on. ``lost`` is how often it
    is done again when nobody can tell whether it was done. Raises Interrupted when somebody wants it to stop meanwhile.
    """
    for _ in range(_TRIES):
        try:
            return do()
        except Busy as busy:
            if stop.wait(busy.seconds):
                message = "stopped while the forge was asked too often; not all of it was written"
                raise Interrupted(message) from busy
        except ForgeUnanswered:
            if not lost or stop.requested:
                raise
            lost -= 1
            stop.wait(_MOMENT_SECONDS)
    raise asked_too_often()


def waiting_time(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return for how many seconds a forge asks to be left alone, None when it does not."""
    told = {name.lower(): value for name, value in headers.items()}
    after = told.get("retry-after", "")
    if after.isdigit():
        return float(after)
    for prefix in ("x-ratelimit", "ratelimit"):
        if told.get(f"{prefix}-remaining") == "0" and told.get(f"{prefix}-reset", "").isdigit():
            return max(0.0, float(told[f"{prefix}-reset"]) - now.timestamp()) + 1
    return _until(after, now)


def _until(date: str, now: datetime) -> float | None:
    """Return the seconds until a date as HTTP writes it, None for what is none."""
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def _said(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""
