"""`comment` on a real forge: a Gitea on loopback, with a real repository and a real pull request."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.commands import Ended, Running, eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.real.server import Account, Gitea
from tests.git import git

pytestmark = pytest.mark.integration

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A pull request to the repository that a world is a clone of."""

    world: World
    gitea: Gitea
    owner: Account
    number: int

    @property
    def repository(self) -> str:
        return f"{self.owner.name}/shop"

    @property
    def variables(self) -> Mapping[str, str]:
        """Return what a workflow of Gitea's sets."""
        return {
            "CI": "true",
            "GITEA_ACTIONS": "true",
            "GITHUB_API_URL": self.gitea.api,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REF": f"refs/pull/{self.number}/head",
            "GITHUB_TOKEN": self.owner.token,
        }

    def comment(self, *arguments: str) -> Ended:
        """Run the verb to its end."""
        return self.start(*arguments).end()

    def start(self, *arguments: str) -> Running:
        """Start the verb."""
        return self.world.start("comment", *arguments, directory=None, **self.variables)

    def refresh(self) -> Ended:
        """Run what runs after a push to the base: for no request in particular."""
        given = {**self.variables, "GITHUB_REF": "refs/heads/main"}
        return self.world.run("comment", "--refresh", directory=None, **given)

    def ask(self, method: str, path: str, body: Json = None, *, code: int = 0) -> Json:
        """Ask the API about the repository."""
        return self.gitea.ask(
            self.owner, method, f"repos/{self.repository}/{path}", body, code=code
        )

    @property
    def comments(self) -> list[Json]:
        """Return the comments as people see them."""
        return [*self.ask("GET", f"issues/{self.number}/comments")]

    def statuses(self, commit: str) -> dict[str, str]:
        """Return the statuses of a commit by their names."""
        combined = self.ask("GET", f"commits/{commit}/status")
        return {each["context"]: each["status"] for each in combined["statuses"]}

    def push(self, text: str) -> str:
        """Change the request, and return its new commit."""
        self.world.manifests("platform/texts.yaml", config_map("platform", {"text": text}))
        commit = self.world.commit(f"Say {text}")
        git(self.world.root, "push", "--quiet", "origin", "change")
        return commit


def _account(gitea: Gitea) -> Account:
    return gitea.account(f"ada-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def request_(world: World, gitea: Gitea) -> _Request:
    """Give a private repository with a stack, and a request that changes it."""
    owner = _account(gitea)
    gitea.ask(owner, "POST", "user/repos", {"name": "shop", "private": True})
    small_stack(world)
    git(world.root, "remote", "add", "origin", gitea.remote(owner, f"{owner.name}/shop"))
    git(world.root, "push", "--quiet", "origin", "main")
    git(world.root, "checkout", "--quiet", "-b", "change")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Say fancy")
    git(world.root, "push", "--quiet", "origin", "change")
    wanted = {"head": "change", "base": "main", "title": "Say fancy"}
    made = gitea.ask(owner, "POST", f"repos/{owner.name}/shop/pulls", wanted)
    return _Request(world=world, gitea=gitea, owner=owner, number=made["number"])


def test_a_request_has_one_comment_from_its_beginning_to_its_end(request_: _Request) -> None:
    """Written, changed by two runs at once, written again when it was deleted; statuses tell the same."""
    head = git(request_.world.root, "rev-parse", "HEAD")
    name = f"orchestrator: {request_.world.name}/default"

    first = request_.comment()
    (written,) = request_.comments
    statuses = request_.statuses(head)
    newer = request_.push("fancier")
    both = [request_.start(), request_.start()]
    ended = [each.end() for each in both]
    (changed,) = request_.comments
    request_.ask("DELETE", f"issues/comments/{changed['id']}")
    request_.refresh()
    without = request_.statuses(newer)
    again = request_.comment()
    (rewritten,) = request_.comments

    assert [first.code, again.code, *(each.code for each in ended)] == [0, 0, 0, 0], (
        first.said + again.said + "".join(each.said for each in ended)
    )
    assert "### Merging: 4 to create\n" in written["body"]
    assert written["user"]["login"] == request_.owner.name
    assert f"Comment written: {written['html_url']}" in first.stdout
    assert statuses == {"orchestrator": "success", name: "success"}
    assert changed["id"] == written["id"]
    assert f"`{newer[:10]}` merged into" in changed["body"]
    assert rewritten["id"] != changed["id"]
    assert without == {"orchestrator": "pending", name: "pending"}
    assert request_.statuses(newer) == {"orchestrator": "success", name: "success"}
    assert request_.statuses(head) == {"orchestrator": "pending", name: "pending"}
    assert request_.owner.token not in first.said + written["body"] + changed["body"]


def _wait_until_mergeable(request_: _Request) -> None:
    """Wait until the forge, which takes its time, found that there are no conflicts."""
    eventually(lambda: request_.ask("GET", f"pulls/{request_.number}")["mergeable"], "a merge")


def test_what_fails_keeps_a_request_from_being_merged(request_: _Request) -> None:
    """A branch that demands our status is not merged into before the plans succeed."""
    rule = {
        "rule_name": "main",
        "enable_status_check": True,
        "status_check_contexts": ["orchestrator"],
    }
    request_.ask("POST", "branch_protections", rule)
    broken = request_.push("${{ vars.nothing }}")

    failed = request_.comment()
    states = request_.statuses(broken)
    _wait_until_mergeable(request_)
    refused = request_.ask("POST", f"pulls/{request_.number}/merge", {"Do": "merge"}, code=405)
    mended = request_.push("plain enough")
    succeeded = request_.comment()

    assert failed.code == 1
    assert states["orchestrator"] == "failure"
    assert "status" in refused["message"].lower()
    assert succeeded.code == 0, succeeded.said
    assert request_.statuses(mended)["orchestrator"] == "success"
    _wait_until_mergeable(request_)
    request_.ask("POST", f"pulls/{request_.number}/merge", {"Do": "merge"})


def test_what_became_of_a_request_is_told(request_: _Request) -> None:
    """Stale when the base moved on, and after the merge what was applied; a push to the base finds each request."""
    world, name = request_.world, f"{request_.world.name}/default"
    head = git(world.root, "rev-parse", "HEAD")
    planned = request_.comment()
    git(world.root, "checkout", "--quiet", "main")
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    git(world.root, "push", "--quiet", "origin", "main")

    stale = request_.refresh()
    (marked,), states = request_.comments, request_.statuses(head)
    again = request_.comment()
    _wait_until_mergeable(request_)
    request_.ask("POST", f"pulls/{request_.number}/merge", {"Do": "merge"})
    git(world.root, "pull", "--quiet", "origin", "main")
    world.apply()
    told = request_.refresh()
    (ended,) = request_.comments

    assert [each.code for each in (planned, stale, again, told)] == [0] * 4, stale.said + told.said
    assert (
        stale.stdout
        == f"request {request_.number} is stale: {name} (main moved on in what it is made of)\n"
    )
    assert f"**Out of date:** `{name}`" in marked["body"]
    assert states == {"orchestrator": "pending", f"orchestrator: {name}": "pending"}
    assert told.stdout == f"request {request_.number} is merged: {name} applied\n"
    assert "Out of date" not in ended["body"]
    assert ended["body"].rstrip().endswith("UTC by `Grace Hopper`, as shown here.")


def test_a_request_from_a_fork_is_not_planned(request_: _Request) -> None:
    """The forge says where it comes from, whatever the workflow's variables do."""
    world, gitea = request_.world, request_.gitea
    stranger = _account(gitea)
    request_.ask("PUT", f"collaborators/{stranger.name}", {"permission": "read"})
    gitea.ask(stranger, "POST", f"repos/{request_.repository}/forks", {})
    git(world.root, "push", "--quiet", gitea.remote(stranger, f"{stranger.name}/shop"), "change")
    wanted = {"head": f"{stranger.name}:change", "base": "main", "title": "Mine"}
    number = gitea.ask(stranger, "POST", f"repos/{request_.repository}/pulls", wanted)["number"]
    theirs = _Request(world=world, gitea=gitea, owner=request_.owner, number=number)

    refused = theirs.comment()
    allowed = theirs.comment("--allow-forks")

    assert refused.code == 1
    assert "comes from a fork" in refused.stderr
    assert allowed.code == 0, allowed.said
    assert "### Merging: 4 to create\n" in theirs.comments[0]["body"]
