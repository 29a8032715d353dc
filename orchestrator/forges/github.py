"""GitHub, and GitHub Enterprise, through PyGithub."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from orchestrator.forges.forge import Account, ChangeRequest, Comment, State, Status, latest
from orchestrator.forges.place import Place
from orchestrator.forges.troubles import (
    Refusal,
    is_no,
    leads_elsewhere,
    no_api,
    refused,
    unanswered,
)
from orchestrator.forges.viewer import said_in, viewer

if TYPE_CHECKING:
    from github import Github
    from github.CommitStatus import CommitStatus
    from github.Issue import Issue
    from github.IssueComment import IssueComment
    from github.NamedUser import NamedUser
    from github.Organization import Organization
    from github.PullRequest import PullRequest
    from github.Repository import Repository

    from orchestrator.forges.patience import Patience

_PATIENCE_SECONDS: Final = 30
_OF_ACTIONS: Final = "github-actions[bot]"


class GitHub:
    """One pull request."""

    limit = 65_536
    longest_description = 140

    def __init__(self, place: Place, patience: "Patience", account: Account) -> None:
        """Take where the request is, how long to wait for answers, and who asks; nothing is asked yet."""
        self._place, self._patience, self._account = place, patience, account
        self._client = _client(place, patience)

    def request(self) -> ChangeRequest:
        """Return the request as it is now."""
        with self._translated():
            pull = self._pull()
            source = pull.head.raw_data["repo"] or {}  # there is none when the fork is gone
            return ChangeRequest(
                number=pull.number,
                base=pull.base.ref,
                head=pull.head.sha,
                head_ref=f"refs/pull/{pull.number}/head",
                from_fork=source.get("id") != pull.base.repo.id,
                is_open=pull.state == "open",
                merged_as=(pull.merge_commit_sha or "") if pull.merged else "",
                default_branch=pull.base.raw_data["repo"]["default_branch"],
            )

    def open_requests(self) -> Sequence[int]:
        """Return the numbers of all open requests of the repository, sorted."""
        with self._translated():
            return sorted(pull.number for pull in self._repository().get_pulls(state="open"))

    def requests_of(self, commit: str) -> Sequence[int]:
        """Return the numbers of the requests that a commit came by, sorted."""
        with self._translated():
            pulls = self._repository().get_commit(commit).get_pulls()
            return sorted(pull.number for pull in pulls if pull.merged_at)

    def comments(self) -> Sequence[Comment]:
        """Return all comments on it that this account wrote, the oldest first."""
        with self._translated():
            own = self._account.asked(self._login)
            found = (each for each in self._issue().get_comments() if _author(each) == own)
            return tuple(sorted(map(_comment, found), key=lambda each: each.id))

    def write(self, text: str) -> Comment:
        """Write a comment; raises ForgeUnanswered when nobody can tell whether it is there."""
        with self._translated():
            return _comment(self._issue().create_comment(text))

    def edit(self, comment: Comment, text: str) -> bool:
        """Change a comment; return False when somebody deleted it meanwhile."""
        return self._unless_gone(comment, text)

    def delete(self, comment: Comment) -> None:
        """Delete a comment, which may be gone already."""
        self._unless_gone(comment, None)

    def statuses(self, commit: str) -> Sequence[Status]:
        """Return the statuses of a commit as they stand, the last of each name."""
        from github.CommitStatus import CommitStatus
        from github.PaginatedList import PaginatedList

        with self._translated():
            found = PaginatedList(
                CommitStatus,
                self._client.requester,
                f"/repos/{self._place.repository}/commits/{commit}/statuses",
                None,
            )
            return latest((each.id, _status(each)) for each in found)

    def set_status(self, commit: str, status: Status) -> None:
        """Set one status of a commit."""
        with self._translated():
            self._repository().get_commit(commit).create_status(
                state=status.state.value,
                target_url=status.address,
                description=status.description,
                context=status.name,
            )

    def _unless_gone(self, comment: Comment, text: str | None) -> bool:
        from github import UnknownObjectException

        with self._translated():
            try:
                found = self._issue().get_comment(comment.id)
                if text is None:
                    found.delete()
                else:
                    found.edit(text)
            except UnknownObjectException:
                return False
        return True

    def _pull(self) -> "PullRequest":
        """Return the request; raises ForgeError for what is none, which the client would take for an empty one."""
        from github.PullRequest import PullRequest

        path = f"/repos/{self._place.repository}/pulls/{self._place.number}"
        headers, found = self._client.requester.requestJsonAndCheck("GET", path)
        if not isinstance(found, dict) or "head" not in found:
            raise no_api(self._place)
        # Who asks is sent on from a former name; who writes is answered 307, which the client takes for done.
        if found["base"]["repo"]["full_name"].lower() != self._place.repository.lower():
            raise leads_elsewhere(self._place)
        return PullRequest(self._client.requester, headers, found)

    def _repository(self) -> "Repository":
        return self._client.get_repo(self._place.repository)

    def _issue(self) -> "Issue":
        return self._repository().get_issue(self._place.number)

    def _login(self) -> str:
        """Return whose comments are ours; the token of a workflow, or of an app, may ask in one way alone."""
        try:
            return self._client.get_user().login
        except Refusal as refusal:
            if not is_no(refusal.status, refusal.said):
                raise
        asking = _client(self._place, self._patience.asking()).requester
        return viewer(asking, self._patience) or _OF_ACTIONS

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from github import GithubException
        from requests import RequestException

        try:
            yield
        except Refusal as error:
            raise refused(self._place, error.status, error.said) from error
        except GithubException as error:
            raise refused(self._place, error.status, said_in(error.data)) from error
        except RequestException as error:
            raise unanswered(self._place, error) from error
        except RuntimeError as error:
            # The client raises this itself, and no kind of it, for another host or scheme alone.
            if type(error) is not RuntimeError:
                raise
            raise leads_elsewhere(self._place) from error


def _client(place: Place, patience: "Patience") -> "Github":
    from github import Auth, Github

    return Github(
        auth=Auth.Token(place.token),
        base_url=place.api,
        retry=patience,
        timeout=_PATIENCE_SECONDS,
        per_page=100,
        seconds_between_requests=0,
        seconds_between_writes=0,
        lazy=True,
    )


def _status(found: "CommitStatus") -> Status:
    said, state = found.description or "", State.called(found.state)
    return Status(name=found.context, state=state, description=said, address=found.target_url or "")


def _author(found: "IssueComment") -> str:
    """Return who wrote a comment, empty where the API names nobody: what has no account any more is shown so."""
    author: NamedUser | Organization | None = found.user
    return author.login if author is not None else ""


def _comment(found: "IssueComment") -> Comment:
    return Comment(id=found.id, text=found.body, address=found.html_url)
