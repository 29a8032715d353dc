"""Gitea and Forgejo, through their REST API, for which there is no well-kept client."""

from collections.abc import Sequence
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from orchestrator.forges.forge import Account, ChangeRequest, Comment, State, Status, latest
from orchestrator.forges.place import Place
from orchestrator.forges.troubles import Refusal, leads_elsewhere, no_api, refused, unanswered

if TYPE_CHECKING:
    from requests import PreparedRequest

    from orchestrator.forges.patience import Patience

_PATIENCE_SECONDS: Final = 30
_PAGE: Final = 50  # what a server gives at most, unless it was told otherwise
# The token of a workflow may not ask who it is; it comments as this account. Its name is not reserved everywhere.
_OF_ACTIONS: Final = "-2"


class Gitea:
    """One pull request."""

    limit = 1_000_000
    longest_description = 140

    def __init__(self, place: Place, patience: "Patience", account: Account) -> None:
        """Take where the request is, how long to wait for answers, and who asks; nothing is asked yet."""
        import requests
        from requests.adapters import HTTPAdapter

        self._place, self._account = place, account
        self._session = requests.Session()
        self._session.auth = self._with_token  # or a netrc file would have its say
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=patience))

    def request(self) -> ChangeRequest:
        """Return the request as it is now."""
        found = self._asked("GET", f"pulls/{self._place.number}")
        if not isinstance(found, dict) or "head" not in found:
            raise no_api(self._place)
        return ChangeRequest(
            number=self._place.number,
            base=found["base"]["ref"],
            head=found["head"]["sha"],
            head_ref=f"refs/pull/{self._place.number}/head",
            from_fork=_is_strange(found["head"], found["base"]),
            is_open=found["state"] == "open",
            merged_as=(found["merge_commit_sha"] or "") if found["merged"] else "",
            default_branch=(found["base"]["repo"] or {}).get("default_branch", ""),
        )

    def open_requests(self) -> Sequence[int]:
        """Return the numbers of all open requests of the repository, sorted."""
        found: list[int] = []
        for page in count(1):
            listed = self._asked("GET", f"pulls?state=open&limit={_PAGE}&page={page}")
            found += (each["number"] for each in listed)
            if not listed:
                break
        return sorted(found)

    def requests_of(self, commit: str) -> Sequence[int]:
        """Return the number of the request that a commit came by."""
        status, answer = self._sent("GET", self._path(f"commits/{commit}/pull"), None)
        if status == HTTPStatus.NOT_FOUND:
            return ()
        found = self._checked(status, answer)
        return (found["number"],) if found["merged"] else ()

    def comments(self) -> Sequence[Comment]:
        """Return all comments on it that this account wrote, the oldest first; the API gives them at once."""
        ours = self._account.asked(self._number)
        listed = self._asked("GET", f"issues/{self._place.number}/comments")
        found = (_comment(each) for each in listed if _author(each) == ours)
        return tuple(sorted(found, key=lambda each: each.id))

    def write(self, text: str) -> Comment:
        """Write a comment; raises ForgeUnanswered when nobody can tell whether it is there."""
        path = f"issues/{self._place.number}/comments"
        return _comment(self._asked("POST", path, {"body": text}))

    def edit(self, comment: Comment, text: str) -> bool:
        """Change a comment; return False when somebody deleted it meanwhile."""
        return self._unless_gone("PATCH", comment, {"body": text})

    def delete(self, comment: Comment) -> None:
        """Delete a comment, which may be gone already."""
        self._unless_gone("DELETE", comment, None)

    def statuses(self, commit: str) -> Sequence[Status]:
        """Return the statuses of a commit as they stand, the last of each name."""
        found: list[tuple[int, Status]] = []
        for page in count(1):
            listed = self._asked("GET", f"statuses/{commit}?limit={_PAGE}&page={page}")
            found += ((each["id"], _status(each)) for each in listed)
            if not listed:
                break
        return latest(found)

    def set_status(self, commit: str, status: Status) -> None:
        """Set one status of a commit."""
        said = {
            "state": status.state.value,
            "context": status.name,
            "description": status.description,
            "target_url": status.address,
        }
        self._asked("POST", f"statuses/{commit}", said)

    def _unless_gone(self, method: str, comment: Comment, body: dict[str, str] | None) -> bool:
        status, answer = self._sent(method, self._path(f"issues/comments/{comment.id}"), body)
        if status == HTTPStatus.NOT_FOUND:
            return False
        self._checked(status, answer)
        return True

    def _number(self) -> str:
        status, answer = self._sent("GET", "user", None)
        if status == HTTPStatus.FORBIDDEN:
            return _OF_ACTIONS
        return str(self._checked(status, answer)["id"])

    def _path(self, rest: str) -> str:
        return f"repos/{self._place.repository}/{rest}"

    def _asked(self, method: str, rest: str, body: dict[str, str] | None = None) -> Any:
        return self._checked(*self._sent(method, self._path(rest), body))

    def _sent(self, method: str, path: str, body: dict[str, str] | None) -> tuple[int, Any]:
        from requests import JSONDecodeError, RequestException

        address = f"{self._place.api.rstrip('/')}/{path}"
        # What is written would arrive at another address without what it says.
        asks = method == "GET"
        try:
            answer = self._session.request(
                method, address, json=body, timeout=_PATIENCE_SECONDS, allow_redirects=asks
            )
        except Refusal as refusal:
            return refusal.status, {"message": refusal.said}
        except RequestException as error:
            raise unanswered(self._place, error) from error
        if answer.is_redirect:
            raise leads_elsewhere(self._place)
        try:
            return answer.status_code, answer.json() if answer.content else None
        except JSONDecodeError as error:
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise no_api(self._place) from error
            return answer.status_code, None

    def _checked(self, status: int, answer: Any) -> Any:
        if status < HTTPStatus.BAD_REQUEST:
            return answer
        said = answer.get("message", "") if isinstance(answer, dict) else ""
        raise refused(self._place, status, str(said))

    def _with_token(self, request: "PreparedRequest") -> "PreparedRequest":
        request.headers["Authorization"] = f"token {self._place.token}"
        return request


def _is_strange(head: dict[str, Any], base: dict[str, Any]) -> bool:
    """Whether who proposes it need not be able to push here.

    What was pushed to ``refs/for/…`` takes the right to read alone, and is in no branch: the forge keeps it in the
    repository itself, and shows no label.
    """
    return head["repo_id"] != base["repo_id"] or not head["label"]


def _status(found: dict[str, Any]) -> Status:
    said, state = found["description"], State.called(found["status"])
    return Status(name=found["context"], state=state, description=said, address=found["target_url"])


def _author(found: dict[str, Any]) -> str:
    """Return the number of who wrote a comment, empty where the API names nobody."""
    return str(found["user"]["id"]) if found["user"] else ""


def _comment(found: dict[str, Any]) -> Comment:
    return Comment(id=found["id"], text=found["body"], address=found["html_url"])
