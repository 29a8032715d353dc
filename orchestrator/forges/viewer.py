"""Who asks GitHub, by a query: tokens of apps and of workflows may not ask it in another way.

What is wrong with a query comes with 200, and says by its type whether it is worth asking again.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from orchestrator.errors import ForgeUnanswered
from orchestrator.forges.troubles import Refusal, is_no, tells_of_limit

if TYPE_CHECKING:
    from github.Requester import Requester

    from orchestrator.forges.patience import Patience

_WHO: Final = "query { viewer { login } }"
_NEVER: Final = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"})
_LIMITS: Final = frozenset({"RATE_LIMIT", "RATE_LIMITED"})
_MOST_LOST: Final = 2


def viewer(requester: "Requester", patience: "Patience") -> str:
    """Return the name of the account that asks, empty for one that may not ask this.

    A limit is waited for, and what went wrong by itself is asked again. Raises Refusal, ForgeError, and what the
    client raises.
    """
    return patience.insist(lambda: _asked(requester, patience), lost=_MOST_LOST)


def _asked(requester: "Requester", patience: "Patience") -> str:
    from github import GithubException

    try:
        _, told = requester.graphql_query(_WHO, {})
    except Refusal as refusal:
        if not is_no(refusal.status, refusal.said):
            raise
        return ""
    except GithubException as error:
        if wrong := _wrong(error.data):
            _check(wrong, error.headers or {}, patience)
        elif not is_no(error.status, said_in(error.data)):  # it may be anybody
            raise
        return ""
    return str(told["data"]["viewer"]["login"])


def said_in(data: object) -> str:
    """Return the sentence of an answer that is a refusal; the client calls data what was no JSON."""
    return str(data.get("message") or data.get("data") or "") if isinstance(data, dict) else ""


def _check(
    wrong: Sequence[Mapping[str, Any]], headers: Mapping[str, Any], patience: "Patience"
) -> None:
    """Raise what else is wrong with a query than that one may not ask it; raises Busy, ForgeError."""
    said = "; ".join(str(each.get("message", "")) for each in wrong)
    types = {str(each.get("type", "")) for each in wrong}
    if types & _LIMITS or tells_of_limit(said):
        raise patience.refused_for_now(headers, said)
    if not types <= _NEVER:
        raise ForgeUnanswered("GitHub does not tell whose token this is", detail=said)


def _wrong(data: object) -> Sequence[Mapping[str, Any]]:
    """Return what is wrong with a query, by an answer to it."""
    found = data.get("errors") if isinstance(data, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else ()
