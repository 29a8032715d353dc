"""Our client of Gitea and a real one: what it says is what it describes, and what no small forge can show."""

import json
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from orchestrator import clock
from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.clients import open_forge
from orchestrator.forges.commenting import Ending, Text, publish
from orchestrator.forges.forge import Forge, State, Status
from orchestrator.forges.patience import Patience
from orchestrator.forges.place import Kind, Place
from orchestrator.processes import Stop
from tests.end_to_end.commands import eventually
from tests.forges.described import Exchange, problems
from tests.forges.real.server import Account, Gitea
from tests.git import commit_file, git
from tools.descriptions import excerpt

pytestmark = pytest.mark.integration

Json = Any
_MARKER = '<!-- orchestrator-comment "default" -->'


@pytest.fixture
def owner(gitea: Gitea) -> Account:
    """Give somebody with a repository that holds one file, and a request to change it."""
    owner = gitea.account(f"ada-{uuid.uuid4().hex[:8]}")
    gitea.ask(owner, "POST", "user/repos", {"name": "shop", "auto_init": True})
    change = {"content": "aGVsbG8=", "new_branch": "change", "message": "Say hello"}
    gitea.ask(owner, "POST", f"repos/{owner.name}/shop/contents/hello.txt", change)
    wanted = {"head": "change", "base": "main", "title": "Say hello"}
    gitea.ask(owner, "POST", f"repos/{owner.name}/shop/pulls", wanted)
    return owner


def _client(gitea: Gitea, owner: Account, number: int = 1) -> Forge:
    repository = f"{owner.name}/shop"
    place = Place(
        kind=Kind.GITEA, api=gitea.api, repository=repository, number=number, token=owner.token
    )
    return open_forge(place, Patience(stop=Stop(), now=clock.now))


def _publish(gitea: Gitea, owner: Account, text: str) -> Ending:
    client = _client(gitea, owner)
    head = client.request().head
    made = Text(marker=_MARKER, head=head, base="main", make=lambda _: f"{_MARKER}\n{text}")
    return publish(client, made).ending


def test_its_description_is_the_one_that_is_kept(gitea: Gitea) -> None:
    """What the server says of its own API is what requests and answers are held against here."""
    with urllib.request.urlopen(f"{gitea.address}/swagger.v1.json", timeout=30) as answer:  # noqa: S310  our own
        served = excerpt("gitea", json.loads(answer.read()))

    kept = Path(__file__).parent.parent / "descriptions" / "gitea.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == served


def test_it_answers_as_it_describes(gitea: Gitea, owner: Account) -> None:
    """A real answer to each of our requests has the fields that are described, and no other."""
    wrong = [said for each in _exchanges(gitea, owner) for said in problems(Kind.GITEA, each)]

    assert not wrong, "\n".join(wrong)


def _exchanges(gitea: Gitea, owner: Account) -> Iterator[Exchange]:
    within = f"repos/{owner.name}/shop"
    head = _client(gitea, owner).request().head
    note = gitea.ask(owner, "POST", f"{within}/issues/1/comments", {"body": "a"})["id"]
    asked: tuple[tuple[str, str, Json, int], ...] = (
        ("GET", "user", None, 200),
        ("GET", f"{within}/pulls/1", None, 200),
        ("GET", f"{within}/pulls?state=open&limit=50&page=1", None, 200),
        ("GET", f"{within}/commits/{head}/pull", None, 404),
        ("GET", f"{within}/issues/1/comments", None, 200),
        ("POST", f"{within}/issues/1/comments", {"body": "b"}, 201),
        ("PATCH", f"{within}/issues/comments/{note}", {"body": "c"}, 200),
        ("DELETE", f"{within}/issues/comments/{note}", None, 204),
        ("DELETE", f"{within}/issues/comments/{note}", None, 404),
        ("POST", f"{within}/statuses/{head}", {"state": "pending", "context": "x"}, 201),
    )
    for method, path, body, status in asked:
        answer = gitea.ask(owner, method, path, body, code=status)
        where, _, query = path.partition("?")
        yield Exchange(
            method=method,
            path=f"/{where}",
            query=parse_qs(query),
            body=body,
            status=status,
            answer=answer,
        )


def test_a_comment_is_found_among_many_and_may_be_long(gitea: Gitea, owner: Account) -> None:
    """There are no pages of comments, and none is as short as on other forges."""
    other = gitea.account(f"grace-{uuid.uuid4().hex[:8]}")
    first = _publish(gitea, owner, "first")
    for number in range(60):
        text = {"body": f"{_MARKER}\nremark {number}"}
        gitea.ask(other, "POST", f"repos/{owner.name}/shop/issues/1/comments", text)

    second = _publish(gitea, owner, "é" * 900_000)

    (found,) = _client(gitea, owner).comments()
    assert (first, second) == (Ending.WRITTEN, Ending.CHANGED)
    assert len(found.text) > 900_000
    assert found.address.endswith(f"/{owner.name}/shop/pulls/1#issuecomment-{found.id}")


def test_requests_are_found_that_are_open_or_that_a_commit_came_by(
    gitea: Gitea, owner: Account
) -> None:
    """All of them by number; a commit on the base leads to the request that was merged with it."""
    within = f"repos/{owner.name}/shop"
    for number in range(2):
        change = {"content": "aGVsbG8=", "new_branch": f"b{number}", "message": "Say hello"}
        gitea.ask(owner, "POST", f"{within}/contents/b{number}.txt", change)
        wanted = {"head": f"b{number}", "base": "main", "title": "Say hello"}
        gitea.ask(owner, "POST", f"{within}/pulls", wanted)
    client = _client(gitea, owner)

    before = client.open_requests()
    eventually(lambda: gitea.ask(owner, "GET", f"{within}/pulls/1")["mergeable"], "a merge")
    gitea.ask(owner, "POST", f"{within}/pulls/1/merge", {"Do": "merge"})
    merged = gitea.ask(owner, "GET", f"{within}/pulls/1")

    assert list(before) == [1, 2, 3]
    assert list(client.open_requests()) == [2, 3]
    commit = merged["merge_commit_sha"]
    assert list(client.requests_of(commit)) == [1]
    path = f"/repos/{owner.name}/shop/commits/{commit}/pull"
    answer = gitea.ask(owner, "GET", path.removeprefix("/"))
    told = Exchange(method="GET", path=path, query={}, body=None, status=200, answer=answer)
    assert problems(Kind.GITEA, told) == []
    assert client.request().is_open is False


def test_a_status_is_as_long_as_a_forge_takes_it(gitea: Gitea, owner: Account) -> None:
    """A description of the length that we cut to is kept whole; of two with one name the later counts."""
    client = _client(gitea, owner)
    head = client.request().head
    before = client.statuses(head)
    for number in range(60):  # more than a page
        one = Status(name=f"plan {number}", state=State.SUCCESS, description="")
        client.set_status(head, one)
    for state in (State.PENDING, State.FAILURE):
        said = "x" * client.longest_description
        client.set_status(head, Status(name="plans", state=state, description=said))

    last = {each.name: each for each in client.statuses(head)}
    assert before == ()
    assert len(last) == 60 + 1
    assert last["plans"].state is State.FAILURE
    assert len(last["plans"].description) == client.longest_description


def test_who_may_only_read_makes_a_strangers_request(
    gitea: Gitea, owner: Account, tmp_path: Path
) -> None:
    """One that was pushed to no branch is as one from a fork, though it lies in the repository itself."""
    stranger = gitea.account(f"mallory-{uuid.uuid4().hex[:8]}")
    address = gitea.remote(stranger, f"{owner.name}/shop")
    git(tmp_path, "clone", "--quiet", address, "shop")
    commit_file(tmp_path / "shop", "more.txt", "more\n", subject="Say more")
    git(tmp_path / "shop", "push", "--quiet", "origin", "HEAD:refs/for/main/topic")

    assert _client(gitea, owner).request().other_base == ""
    assert _client(gitea, owner).request().from_fork is False
    assert _client(gitea, owner, 2).request().from_fork is True


def test_nothing_is_written_by_way_of_a_former_name(gitea: Gitea, owner: Account) -> None:
    """A renamed repository is found by its former name, but what is sent there loses what it says on its way."""
    _publish(gitea, owner, "before")
    gitea.ask(owner, "PATCH", f"repos/{owner.name}/shop", {"name": "store"})
    client = _client(gitea, owner)
    head = client.request().head

    with pytest.raises(ForgeUnanswered, match="leads to another address") as changed:
        _publish(gitea, owner, "after")
    with pytest.raises(ForgeUnanswered, match="leads to another address"):
        client.set_status(head, Status(name="x", state=State.SUCCESS, description="y"))

    assert "--repository" in changed.value.hint
    (note,) = client.comments()
    assert note.text == f"{_MARKER}\nbefore"
    assert client.statuses(head) == ()


def test_the_address_of_its_pages_is_told_from_that_of_its_api(
    gitea: Gitea, owner: Account
) -> None:
    """There is a 404 for both, and only the API's is about the request."""
    repository = f"{owner.name}/shop"
    place = Place(
        kind=Kind.GITEA, api=gitea.address, repository=repository, number=1, token=owner.token
    )

    with pytest.raises(ForgeUnanswered, match="is not the API of Gitea"):
        open_forge(place, Patience(stop=Stop(), now=clock.now)).request()
    with pytest.raises(ForgeError, match="there is no request 99"):
        _client(gitea, owner, 99).request()
