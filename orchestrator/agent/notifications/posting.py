"""Posting to an address that is a secret itself: nothing that is raised or logged has it."""

import hashlib
import hmac
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, InvalidURL
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from orchestrator.agent.notifications.courier import Undelivered

_PATIENCE_SECONDS: Final = 10.0
_MOST_READ: Final = 4096
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is posted: a body in JSON, and headers beside those that every one has."""

    body: bytes
    headers: Mapping[str, str]


def signed(body: bytes, secret: bytes, *, now: float, number: str) -> Post:
    """Return a body signed as the agent's own generic webhooks are: an HMAC of the time and the body."""
    time = str(int(now))
    mac = hmac.new(secret, time.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "X-Signature-Timestamp": time,
        "X-Signature-256": f"sha256={mac}",
        "X-Delivery": number,
    }
    return Post(body=body, headers=headers)


def post(url: str, what: Post) -> None:
    """Post it; raises Undelivered. No redirect is followed: what is told is told to whom the address names."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Undelivered("the address begins with neither https:// nor http://", again=None)
    headers = {"Content-Type": "application/json", "User-Agent": "orchestrator", **what.headers}
    try:
        request = urllib.request.Request(url, what.body, headers, method="POST")  # noqa: S310  checked above
        with _opener().open(request, timeout=_PATIENCE_SECONDS) as answer:
            answer.read(_MOST_READ)
    except HTTPError as error:
        error.close()
        raise _refused(error.code, error.headers) from None
    except (InvalidURL, ValueError):
        raise Undelivered("the address cannot be used", again=None) from None
    except (URLError, OSError, HTTPException) as error:
        raise Undelivered(f"it does not answer ({_kind(error)})") from None


class _Staying(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917  as the library calls it
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: Message,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Staying)


def _refused(status: int, headers: Message) -> Undelivered:
    why = f"it answers {status}"
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        told = headers.get("Retry-After", "")
        return Undelivered(why, again=float(told) if told.isdecimal() else 0.0)
    return Undelivered(why, again=None)


def _kind(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__ if isinstance(reason, BaseException) else "no connection"
