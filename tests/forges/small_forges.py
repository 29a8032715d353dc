"""A small GitHub, GitLab and Gitea, which answer as their published APIs say."""

import re
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import unquote

from orchestrator.forges.place import Kind
from tests.forges.described import example
from tests.forges.served import NUMBER, REPOSITORY, Answer, Json, Note, Query, Served


class _LikeGitHub(Served):
    """What GitHub and Gitea have in common."""

    __slots__ = ()
    size: ClassVar[str] = "per_page"
    statuses_of: ClassVar[str] = "/commits/([0-9a-f]+)/statuses"

    @property
    def comments_path(self) -> str:
        """Return the pattern of the path of all comments."""
        return rf"/issues/{NUMBER}/comments$"

    def token_of(self, headers: Callable[[str, str], str]) -> str:
        """Return the token that a request carries."""
        return headers("Authorization", "").rpartition(" ")[2]

    def answer(self, method: str, path: str, query: Query, body: Json) -> Answer:
        """Return what the API answers, after it was carried out."""
        prefix = f"/repos/{REPOSITORY}"
        if (method, path) == ("GET", "/user"):
            return (200, self.account(self.login)) if self.may_ask_who else self.forbidden
        if method == "POST" and path.startswith(f"{prefix}/statuses/"):
            self.statuses.append({**body, "sha": path.rpartition("/")[2]})
            return 201, self.status(body, len(self.statuses))
        if found := re.fullmatch(self.statuses_of, path.removeprefix(prefix)):
            said = self.said_of(found.group(1), query, self.size)
            kept = ("context", "state", "description", "target_url")
            return 200, [self.status({key: one[key] for key in kept}, id_) for id_, one in said]
        if path.startswith(f"{prefix}/issues/"):
            return self._about_comments(method, path.removeprefix(f"{prefix}/issues/"), query, body)
        return self._about_requests(path.removeprefix(f"{prefix}/"), query)

    def _about_comments(self, method: str, rest: str, query: Query, body: Json) -> Answer:
        if rest == f"{NUMBER}/comments":
            if method == "POST":
                return 201, self.shown(self.add(body["body"], self.login))
            return 200, [self.shown(note) for note in self.listed(query)]
        found = re.fullmatch(r"comments/(\d+)", rest)
        note = self.changed(method, int(found.group(1)), body) if found else None
        return (204 if method == "DELETE" else 200, self.shown(note)) if note else self.not_found

    def _about_requests(self, rest: str, query: Query) -> Answer:
        if rest == f"pulls/{NUMBER}":
            return 200, self.pull()
        if rest == "pulls":
            return 200, [self.pull_in_a_list(each) for each in self.open_numbers(query, self.size)]
        if found := re.fullmatch(r"commits/([0-9a-f]+)/pulls?", rest):
            return self.came_by(found.group(1))
        return self.not_found

    def pull_in_a_list(self, number: int) -> Json:
        """Return a pull request as it is shown among others."""
        return {**self.pull(), "number": number}

    def came_by(self, commit: str) -> Answer:
        """Return the requests that a commit came by."""
        ours = commit in {self.head, self.merged_as}
        return 200, [self.pull_in_a_list(NUMBER)] if ours else []

    def listed(self, query: Query) -> list[Note]:
        """Return the comments of one page."""
        return self.page(query)[0]

    def account(self, login: str) -> Json:
        """Return an account as the API shows it to itself."""
        return {"login": login, "id": 1}

    def status(self, said: Json, number: int) -> Json:
        """Return a status as the API shows it."""
        shown = {key: said[key] for key in said if key != "state"}
        return {**shown, "status": said["state"], "id": number}

    def pull(self) -> Json:
        """Return the pull request."""
        return {
            "number": NUMBER,
            "state": "open" if self.is_open else "closed",
            "url": f"{self.api}/repos/{REPOSITORY}/pulls/{NUMBER}",
            "merged": bool(self.merged_as),
            "merged_at": "2026-03-14T09:26:53Z" if self.merged_as else None,
            "merge_commit_sha": self.merged_as or "e" * 40,  # of a merge that was tried
            "head": {"ref": "change", "sha": self.head, **self.repository(fork=self.from_fork)},
            "base": {"ref": self.base, "sha": "0" * 40, **self.repository(fork=False)},
        }

    def repository(self, *, fork: bool) -> Json:
        """Return how one side of the pull request tells its repository."""
        told = {"full_name": REPOSITORY, "default_branch": self.default_branch}
        return {"repo": {"id": 2 if fork else 1, **told}}

    def shown(self, note: Note) -> Json:
        """Return a comment as the API shows it."""
        return {
            "id": note.id,
            "body": note.text,
            "user": {"login": note.login, "id": 1},
            "html_url": f"https://forge.example/{REPOSITORY}/pulls/{NUMBER}#issuecomment-{note.id}",
        }


class SmallGitHub(_LikeGitHub):
    """GitHub; see its REST API, version 2022-11-28."""

    __slots__ = ()
    kind = Kind.GITHUB
    bot = "github-actions[bot]"
    longest = 65_536
    too_long = 422

    def answer(self, method: str, path: str, query: Query, body: Json) -> Answer:
        """Return what the API answers, also the one for queries."""
        if (method, path) != ("POST", "/graphql"):
            return _LikeGitHub.answer(self, method, path, query, body)
        return 200, {"data": {"viewer": {"login": self.login}}}

    def account(self, login: str) -> Json:
        """Return an account as the API shows it to itself."""
        return {**example(self.kind, "private-user"), "login": login}

    def status(self, said: Json, number: int) -> Json:
        """Return a status as the API shows it."""
        return {**example(self.kind, "status"), **said, "id": number}

    def refusal(self, said: str) -> Json:
        """Return how the API says that it does not do something."""
        return {"message": said, "documentation_url": "https://docs.example/rest"}

    def pull(self) -> Json:
        """Return the pull request: the published one, with what ours differs in."""
        published, ours = example(self.kind, "pull-request"), _LikeGitHub.pull(self)
        for side in ("head", "base"):
            repository = {**published[side]["repo"], **ours[side]["repo"]}
            ours[side] = {**published[side], **ours[side], "repo": repository}
        return {**published, **ours, "requested_teams": []}  # the published ones lack a field

    def pull_in_a_list(self, number: int) -> Json:
        """Return a pull request as it is shown among others: with fewer fields."""
        published, ours = example(self.kind, "pull-request-simple-items")[0], self.pull()
        return {**published, **{key: ours[key] for key in published}, "number": number}

    def shown(self, note: Note) -> Json:
        """Return a comment as the API shows it."""
        published, ours = example(self.kind, "issue-comment"), _LikeGitHub.shown(self, note)
        ours["user"] = {**published["user"], **ours["user"]} if note.login else None
        return {
            **published,
            **ours,
            "url": f"{self.api}/repos/{REPOSITORY}/issues/comments/{note.id}",
        }


class SmallGitea(_LikeGitHub):
    """Gitea; see its swagger.v1.json."""

    __slots__ = ()
    kind = Kind.GITEA
    longest = 3_000_000  # and more; nobody says how much
    size = "limit"
    statuses_of = "/statuses/([0-9a-f]+)"
    root = "/api/v1"
    bot = "gitea-actions"

    def listed(self, query: Query) -> list[Note]:  # noqa: ARG002  it takes none
        """Return all comments: this list has no pages."""
        return self.notes

    def pull(self) -> Json:
        """Return the pull request; one that was pushed to no branch has a reference, and no label."""
        pull = _LikeGitHub.pull(self)
        reference = self.branch or f"refs/pull/{NUMBER}/head"
        return {**pull, "head": {**pull["head"], "label": self.branch, "ref": reference}}

    def shown(self, note: Note) -> Json:
        """Return a comment as the API shows it; the account of workflows is known by its number."""
        number = {self.login: 1, self.bot: -2}.get(note.login, 2)
        user = {"login": note.login, "id": number}
        return {**_LikeGitHub.shown(self, note), "user": user if note.login else None}

    def came_by(self, commit: str) -> Answer:
        """Return the one request that was merged as a commit."""
        return (200, self.pull()) if commit == self.merged_as else self.not_found

    def links(self, path: str, query: Query) -> dict[str, str]:  # noqa: ARG002  the same
        """Return nothing, since there is no other page."""
        return {}

    def repository(self, *, fork: bool) -> Json:
        """Return how one side of the pull request tells its repository; that of a fork may be gone."""
        ours = {"id": 1, "default_branch": self.default_branch}
        return {"repo_id": 2 if fork else 1, "repo": None if fork else ours}


class SmallGitLab(Served):
    """GitLab; see its REST API, version 4."""

    __slots__ = ()
    kind = Kind.GITLAB
    root = "/api/v4"

    @property
    def comments_path(self) -> str:
        """Return the pattern of the path of all comments."""
        return rf"/merge_requests/{NUMBER}/notes$"

    def token_of(self, headers: Callable[[str, str], str]) -> str:
        """Return the token that a request carries."""
        return headers("PRIVATE-TOKEN", "")

    def answer(self, method: str, path: str, query: Query, body: Json) -> Answer:
        """Return what the API answers, after it was carried out."""
        project, _, rest = unquote(path).removeprefix("/projects/").partition(f"{REPOSITORY}/")
        if (method, path) == ("GET", "/user"):
            return 200, {"id": 1, "username": self.login}
        if (method, project, rest) == ("GET", REPOSITORY, ""):
            return 200, {"id": 1, "default_branch": self.default_branch or None}
        if project:
            return self.not_found
        if method == "POST" and rest.startswith("statuses/"):
            return self._status(rest.rpartition("/")[2], body)
        if found := re.fullmatch("repository/commits/([0-9a-f]+)/statuses", rest):
            said = self.said_of(found.group(1), query, "per_page")
            return 200, [_shown_status(one, number) for number, one in said]
        if rest.startswith(f"merge_requests/{NUMBER}/notes"):
            return self._about_notes(method, rest.partition("/notes")[2], query, body)
        return self._about_requests(rest, query)

    def _about_notes(self, method: str, rest: str, query: Query, body: Json) -> Answer:
        if rest:
            note = self.changed(method, int(rest.removeprefix("/")), body)
            code = 204 if method == "DELETE" else 200
            return (code, self._shown(note)) if note else self.not_found
        if method == "POST":
            return 201, self._shown(self.add(body["body"], self.login))
        return 200, [self._shown(note) for note in self.page(query)[0]]

    def _about_requests(self, rest: str, query: Query) -> Answer:
        if rest == f"merge_requests/{NUMBER}":
            return 200, self._merge_request()
        if rest == "merge_requests":
            numbers = self.open_numbers(query, "per_page")
            return 200, [{**self._merge_request(), "iid": each} for each in numbers]
        if found := re.fullmatch("repository/commits/([0-9a-f]+)/merge_requests", rest):
            commits = {self.head, self.merged_as}
            return 200, [self._merge_request()] if found.group(1) in commits else []
        return self.not_found

    def _status(self, commit: str, body: Json) -> Answer:
        last = next((each for each in reversed(self.statuses) if each["name"] == body["name"]), {})
        if last.get("state") == body["state"] == "pending":
            said = "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot)"
            return 400, {"message": said}
        self.statuses.append({**body, "sha": commit})
        return 201, _shown_status(self.statuses[-1], len(self.statuses))

    def _merge_request(self) -> Json:
        return {
            "iid": NUMBER,
            "state": "opened" if self.is_open else "merged" if self.merged_as else "closed",
            "merge_commit_sha": self.merged_as or None,
            "squash_commit_sha": None,
            "target_branch": self.base,
            "sha": self.head,
            "source_project_id": 2 if self.from_fork else 1,
            "target_project_id": 1,
        }

    def _shown(self, note: Note) -> Json:
        author = {"id": 1, "username": note.login}
        return {"id": note.id, "body": note.text, "author": author, "system": False}


def _shown_status(said: Json, number: int) -> Json:
    return {
        **{key: said[key] for key in said if key != "state"},
        "status": said["state"],
        "id": number,
    }


FORGES = (SmallGitHub, SmallGitLab, SmallGitea)
