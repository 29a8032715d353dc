"""GitLab, anybody's, through python-gitlab."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from orchestrator.errors import ForgeError
from orchestrator.forges.forge import Account, ChangeRequest, Comment, State, Status, latest
from orchestrator.forges.place import Place
from orchestrator.forges.troubles import Refusal, leads_elsewhere, no_api, refused, unanswered

if TYPE_CHECKING:
    from gitlab import Gitlab
    from gitlab.v4.objects import Project, ProjectCommitStatus, ProjectMergeRequest

    from orchestrator.forges.patience import Patience

_PATIENCE_SECONDS: Final = 30
_API: Final = "/api/v4"
_NOT_FOUND: Final = 404
_STATES: Final = {State.PENDING: "pending", State.SUCCESS: "success", State.FAILURE: "failed"}
_SAME_STATE: Final = "Cannot transition status"
# The waiting is ours: the client's own is not ended by a request to stop, and has no limit.
_AS_TOLD: Final[dict[str, Any]] = {"obey_rate_limit": False}


class GitLab:
    """One merge request."""

    limit = 1_000_000
    longest_description = 140

    def __init__(self, place: Place, patience: "Patience", account: Account) -> None:
        """Take where the request is, how long to wait for answers, and who asks; nothing is asked yet."""
        import gitlab
        import requests
        from requests.adapters import HTTPAdapter

        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=patience))
        self._place, self._account = place, account
        self._default_branch: str | None = None
        self._client: Gitlab = gitlab.Gitlab(
            place.api.removesuffix(_API),
            private_token=place.token,
            timeout=_PATIENCE_SECONDS,
            per_page=100,
            session=session,
        )

    def request(self) -> ChangeRequest:
        """Return the request as it is now."""
        with self._translated():
            found = self._project().mergerequests.get(self._place.number, **_AS_TOLD)
            if not found.sha:
                raise ForgeError(
                    f"GitLab names no commit of request {self._place.number}",
                    hint="its branch may be gone, or empty: push it again, or close the request",
                )
            return ChangeRequest(
                number=self._place.number,
                base=found.target_branch,
                head=found.sha,
                head_ref=f"refs/merge-requests/{self._place.number}/head",
                from_fork=found.source_project_id != found.target_project_id,
                is_open=found.state == "opened",
                merged_as=_merged_as(found) if found.state == "merged" else "",
                default_branch=self._default(),
            )

    def open_requests(self) -> Sequence[int]:
        """Return the numbers of all open requests of the repository, sorted."""
        with self._translated():
            found = self._project().mergerequests.list(iterator=True, state="opened", **_AS_TOLD)
            return sorted(each.iid for each in found)

    def requests_of(self, commit: str) -> Sequence[int]:
        """Return the numbers of the requests that a commit came by, sorted."""
        with self._translated():
            found = (
                self._project()
                .commits.get(commit, lazy=True)
                .merge_requests(get_all=True, **_AS_TOLD)
            )
            return sorted(each["iid"] for each in found if each["state"] == "merged")

    def comments(self) -> Sequence[Comment]:
        """Return all comments on it that this account wrote, the oldest first."""
        with self._translated():
            own = self._account.asked(self._login)
            notes = self._merge_request().notes.list(
                iterator=True, order_by="created_at", sort="asc", **_AS_TOLD
            )
            found = (note for note in notes if note.author["username"] == own and not note.system)
            return tuple(self._comment(note.id, note.body) for note in found)

    def write(self, text: str) -> Comment:
        """Write a comment; raises ForgeUnanswered when nobody can tell whether it is there."""
        with self._translated():
            note = self._merge_request().notes.create({"body": text}, **_AS_TOLD)
            return self._comment(note.id, text)

    def edit(self, comment: Comment, text: str) -> bool:
        """Change a comment; return False when somebody deleted it meanwhile."""
        from gitlab import GitlabUpdateError

        with self._translated():
            try:
                self._merge_request().notes.update(comment.id, {"body": text}, **_AS_TOLD)
            except GitlabUpdateError as error:
                if error.response_code == _NOT_FOUND:
                    return False
                raise
        return True

    def delete(self, comment: Comment) -> None:
        """Delete a comment, which may be gone already."""
        from gitlab import GitlabDeleteError

        with self._translated():
            try:
                self._merge_request().notes.delete(comment.id, **_AS_TOLD)
            except GitlabDeleteError as error:
                if error.response_code != _NOT_FOUND:
                    raise

    def statuses(self, commit: str) -> Sequence[Status]:
        """Return the statuses of a commit as they stand, the last of each name; jobs of pipelines are among them."""
        with self._translated():
            of_commit = self._project().commits.get(commit, lazy=True).statuses
            return latest(
                (each.id, _status(each)) for each in of_commit.list(iterator=True, **_AS_TOLD)
            )

    def set_status(self, commit: str, status: Status) -> None:
        """Set one status of a commit; that it stands there already, by a run beside us, is no trouble."""
        from gitlab import GitlabCreateError

        said = {
            "state": _STATES[status.state],
            "name": status.name,
            "description": status.description,
            **({"target_url": status.address} if status.address else {}),
        }
        with self._translated():
            try:
                self._project().commits.get(commit, lazy=True).statuses.create(said, **_AS_TOLD)
            except GitlabCreateError as error:
                if _SAME_STATE not in str(error.error_message):
                    raise

    def _login(self) -> str:
        account = self._client.http_get("/user", **_AS_TOLD)
        return str(account["username"]) if isinstance(account, dict) else ""

    def _default(self) -> str:
        """Return the default branch, which a merge request does not tell; empty where we may not know."""
        if self._default_branch is None:
            found = self._client.projects.get(self._place.repository, **_AS_TOLD)
            self._default_branch = str(found.attributes.get("default_branch") or "")
        return self._default_branch

    def _project(self) -> "Project":
        return self._client.projects.get(self._place.repository, lazy=True)

    def _merge_request(self) -> "ProjectMergeRequest":
        return self._project().mergerequests.get(self._place.number, lazy=True)

    def _comment(self, number: int, text: str) -> Comment:
        where = self._place.api.removesuffix(_API)
        path = f"{self._place.repository}/-/merge_requests/{self._place.number}#note_{number}"
        return Comment(id=number, text=text, address=f"{where}/{path}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from gitlab import GitlabError, GitlabParsingError, RedirectError
        from requests import RequestException

        try:
            yield
        except Refusal as error:
            raise refused(self._place, error.status, error.said) from error
        except GitlabParsingError as error:
            raise no_api(self._place) from error
        except RedirectError as error:
            raise leads_elsewhere(self._place) from error
        except GitlabError as error:
            status, said = error.response_code or 0, str(error.error_message)
            raise refused(self._place, status, said) from error
        except RequestException as error:
            raise unanswered(self._place, error) from error


def _status(found: "ProjectCommitStatus") -> Status:
    told = {key: value or "" for key, value in found.attributes.items()}
    return Status(
        name=told["name"],
        state=State.called(told["status"]),
        description=told.get("description", ""),
        address=told.get("target_url", ""),
    )


def _merged_as(found: "ProjectMergeRequest") -> str:
    """Return the commit of a merge: none was made for it where the branch was moved forward."""
    return str(found.merge_commit_sha or found.squash_commit_sha or found.sha)
