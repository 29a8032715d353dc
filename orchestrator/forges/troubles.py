"""What a refusal of a forge means, by its status."""

from http import HTTPStatus
from typing import Final

from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.place import EXAMPLES, Place

_LIMITS: Final = ("rate limit", "abuse detection")
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"


class Busy(Exception):
    """A forge did not do what was asked, and wants to be left alone for a while."""

    def __init__(self, seconds: float) -> None:
        """Take for how many seconds."""
        self.seconds = seconds
        super().__init__(f"not for {seconds:g} s")


class Refusal(Exception):
    """A forge refuses a request for good: with which status, and in what words."""

    def __init__(self, status: int, said: str) -> None:
        """Take both."""
        self.status, self.said = status, said
        super().__init__(f"{status} {said}")


def refused(place: Place, status: int, said: str) -> ForgeError:
    """Return the error for an answer that is none; ``said`` is the forge's own sentence, or a page of somebody else."""
    is_page = said.lstrip().startswith("<")
    if is_page and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return no_api(place)
    said = "" if is_page else said
    where = f"request {place.number} of {place.repository}" if place.number else place.repository
    forge = place.kind.spelled
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ForgeUnanswered(f"{forge} failed at {where} with {status}", detail=said)
    if status == HTTPStatus.UNAUTHORIZED:
        return ForgeError(f"{forge} does not accept the token", hint="it may have run out")
    if _is_limit(status, said):
        return asked_too_often(forge, said)
    if status == HTTPStatus.FORBIDDEN:
        hint = "the token has to be allowed to write comments and statuses"
        return ForgeError(f"{forge} refuses to touch {where}", hint=hint, detail=said)
    if status == HTTPStatus.NOT_FOUND:
        hint = "check the names; a token that may not see a repository is told so too"
        return ForgeError(f"there is no {where}", hint=hint, detail=said)
    return ForgeError(f"{forge} refuses to change {where} ({status})", detail=said)


def tells_of_limit(said: str) -> bool:
    """Whether a refusal says that somebody asks too often, as GitHub does without any header."""
    return any(words in said.lower() for words in _LIMITS)


def is_no(status: int, said: str) -> bool:
    """Whether an answer is that somebody may not do this, or that there is no such thing; later it is the same."""
    bad = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return bad and not _is_limit(status, said)


def asked_too_often(forge: str = "the forge", said: str = "") -> ForgeError:
    """Return the error for a limit that lasts longer than anybody waits."""
    message = f"{forge} is asked too often, and wants to be left alone for longer than a run waits"
    return ForgeError(message, hint="run again later", detail=said)


def unanswered(place: Place, error: Exception) -> ForgeUnanswered:
    """Return the error for no answer at all."""
    why = _why(error)
    hint = "name a file with the certificate of who signed it in REQUESTS_CA_BUNDLE"
    message = f"{place.api} does not answer"
    return ForgeUnanswered(message, detail=why, hint=hint if _UNTRUSTED in why else "")


def no_api(place: Place, said: str = "") -> ForgeUnanswered:
    """Return the error for an answer that is not of the forge's API, as where the address is that of its pages."""
    message = f"what answers at {place.api} is not the API of {place.kind.spelled}"
    return ForgeUnanswered(message, detail=said, hint=_named(place))


def leads_elsewhere(place: Place) -> ForgeUnanswered:
    """Return the error for what has another address by now, to which nobody sends what is to be written."""
    message = f"{place.api} leads to another address for {place.repository}"
    hint = f"where the repository was renamed, name it with --repository; else {_named(place)}"
    return ForgeUnanswered(message, hint=hint)


def _named(place: Place) -> str:
    return f"name the address of its API with --api, such as {EXAMPLES[place.kind]}"


def _why(error: Exception) -> str:
    """Return why nobody answered, which a client wraps up in a sentence about its own tries."""
    wrapped = error.args[0] if error.args else None
    return str(getattr(wrapped, "reason", None) or type(error).__name__)


def _is_limit(status: int, said: str) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or tells_of_limit(said)
