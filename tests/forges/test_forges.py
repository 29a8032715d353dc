"""One comment on a request, against servers that answer as the forges' published APIs say; all pass the same."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator import clock
from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.clients import open_forge
from orchestrator.forges.commenting import Ending, Published, Text, publish, rewrite
from orchestrator.forges.forge import Forge, State, Status
from orchestrator.forges.patience import Patience, waiting_time
from orchestrator.forges.place import Kind, Place
from orchestrator.processes import Stop
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, Trouble

_MARKER = '<!-- orchestrator-comment "default" -->'
_TEXT = f"{_MARKER}\nMerging changes nothing.\n"
_COMMENTS = "comments"


def _patience(stop: Stop) -> Patience:
    return Patience(stop=stop, now=clock.now, backoff_factor=0.01, pause=0.01)


def _client(server: Served, *, stop: Stop | None = None) -> Forge:
    place = Place(
        kind=server.kind, api=server.api, repository=REPOSITORY, number=NUMBER, token=TOKEN
    )
    return open_forge(place, _patience(stop or Stop()))


def _publish(server: Served, text: str = _TEXT, head: str = "a" * 40) -> Published:
    return publish(_client(server), _text(lambda _: text, head))


def _text(make: Callable[[str], str], head: str = "a" * 40, **given: Any) -> Text:
    return Text(marker=_MARKER, head=head, make=make, **given)


def test_a_comment_is_written_once_and_then_changed(forge: Served) -> None:
    """The first run writes it, the next ones change it in place, and one with nothing new leaves it."""
    forge.add("a question")

    first = _publish(forge)
    second = _publish(forge, f"{_TEXT}more")
    third = _publish(forge, f"{_TEXT}more")

    assert [each.ending for each in (first, second, third)] == [
        Ending.WRITTEN,
        Ending.CHANGED,
        Ending.KEPT,
    ]
    assert forge.texts == ["a question", f"{_TEXT}more"]
    assert third.comment is not None
    assert str(forge.notes[1].id) in third.comment.address


def test_it_is_found_beyond_the_first_hundred(forge: Served) -> None:
    """Comments come in pages, and ours may be on the third."""
    for number in range(250):
        forge.add(f"remark {number}", "somebody")
    forge.add(f"{_MARKER}\nbefore")

    assert _publish(forge).ending is Ending.CHANGED
    assert forge.texts[-1] == _TEXT


def test_a_comment_of_somebody_else_is_never_ours(forge: Served) -> None:
    """Whoever copies the marker into a comment of theirs keeps it."""
    forge.add(f"{_MARKER}\nmine", "mallory")

    assert _publish(forge).ending is Ending.WRITTEN
    assert forge.texts == [f"{_MARKER}\nmine", _TEXT]


def test_the_token_of_a_workflow_may_not_ask_who_it_is(forge: Served) -> None:
    """Then its comments are those of the bot of the forge's workflows, where it has one."""
    forge.may_ask_who, forge.login = not forge.bot, forge.bot or "planner"

    assert [_publish(forge).ending, _publish(forge).ending] == [Ending.WRITTEN, Ending.KEPT]
    assert len(forge.notes) == 1


def test_a_comment_that_was_deleted_meanwhile_is_written_again(forge: Served) -> None:
    """Between looking and changing somebody may have deleted it."""
    forge.add(f"{_MARKER}\nbefore")

    def make(_: str) -> str:
        forge.notes.clear()
        return _TEXT

    ended = publish(_client(forge), _text(make))

    assert ended.ending is Ending.WRITTEN
    assert forge.texts == [_TEXT]


def test_a_run_for_an_older_commit_leaves_the_comment_alone(forge: Served) -> None:
    """The request has moved on: what the run for its new commit writes, or wrote, stays."""
    forge.add(f"{_MARKER}\nof the new commit")
    forge.head = "b" * 40

    assert _publish(forge).ending is Ending.OVERTAKEN
    assert forge.texts == [f"{_MARKER}\nof the new commit"]


def test_two_runs_at_once_leave_one_comment(forge: Served) -> None:
    """Both find none, both write one, and the older of the two is what stays."""
    both = threading.Barrier(2)

    def run() -> None:
        def make(_: str) -> str:
            both.wait(timeout=20)
            return _TEXT

        publish(_client(forge), _text(make))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert forge.texts == [_TEXT]


def test_an_answer_that_got_lost_makes_no_second_comment(forge: Served) -> None:
    """What was written before the server failed is found, not written again."""
    forge.troubles.append(Trouble("POST", _COMMENTS, 502, done=True))

    assert _publish(forge).ending is Ending.WRITTEN
    assert forge.texts == [_TEXT]
    assert sum(line.startswith("POST") for line in forge.seen) == 1


def test_what_was_not_written_is_written_again(forge: Served) -> None:
    """A server that failed before it did anything is asked once more."""
    forge.troubles.append(Trouble("POST", _COMMENTS, 502))

    assert _publish(forge).ending is Ending.WRITTEN
    assert forge.texts == [_TEXT]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Retry-After": "0"}),
        (429, {"Retry-After": "0"}),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
    ],
)
def test_a_limit_is_waited_for(forge: Served, status: int, headers: dict[str, str]) -> None:
    """Refused for now is not refused: the comment is written when the forge answers again."""
    forge.troubles.append(Trouble("POST", _COMMENTS, status, headers, times=2))

    assert _publish(forge).ending is Ending.WRITTEN
    assert forge.texts == [_TEXT]
    assert sum(line.startswith("POST") for line in forge.seen) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_that_is_told_in_words_alone_is_waited_for(forge: Served, method: str) -> None:
    """GitHub's secondary limits may come without any header; a refusal in other words is one for good."""
    said = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    forge.troubles.append(Trouble(method, _COMMENTS, 403, message=said, times=2))

    assert _publish(forge).ending is Ending.WRITTEN
    assert forge.texts == [_TEXT]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_in_words_that_goes_on_is_told(forge: Served, method: str) -> None:
    """After some tries it is an error, which says what it is about."""
    said = "You have triggered an abuse detection mechanism, by a secondary rate limit."
    forge.troubles.append(Trouble(method, _COMMENTS, 403, message=said, times=99))

    with pytest.raises(ForgeError, match="asked too often"):
        _publish(forge)

    assert forge.texts == []


def test_what_is_written_after_a_limit_is_looked_at_again(forge: Served) -> None:
    """While one run waits, another writes for a newer commit: the earlier one leaves that alone when it goes on."""
    forge.add(f"{_MARKER}\nbefore")
    change = "PUT" if forge.kind is Kind.GITLAB else "PATCH"
    path = r"notes/\d+$" if forge.kind is Kind.GITLAB else r"comments/\d+$"

    def push() -> None:
        forge.head, forge.notes[0].text = "b" * 40, f"{_MARKER}\nof the new commit"

    forge.troubles.append(Trouble(change, path, 429, {"Retry-After": "0"}, then=push))

    assert _publish(forge).ending is Ending.OVERTAKEN
    assert forge.texts == [f"{_MARKER}\nof the new commit"]


def test_a_later_run_for_the_same_commit_wins(forge: Served) -> None:
    """Two runs for one commit may have planned for two bases: that of the earlier base leaves the comment alone."""
    forge.add(f"{_MARKER}\nof the new base")

    ended = publish(
        _client(forge), _text(lambda _: _TEXT, is_newer=lambda text: "new base" in text)
    )

    assert ended.ending is Ending.OVERTAKEN
    assert forge.texts == [f"{_MARKER}\nof the new base"]


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(forge: Served) -> None:
    """Who only marks a comment as stale leaves one alone that was written anew since it was read."""
    forge.add(f"{_MARKER}\nbefore")
    client = _client(forge)
    (before,) = client.comments()
    forge.troubles.append(Trouble("GET", _COMMENTS, 502))

    done = rewrite(client, before, f"{_MARKER}\nstale", marker=_MARKER, stop=Stop())
    late = rewrite(client, before, f"{_MARKER}\ngone", marker=_MARKER, stop=Stop())

    assert (done, late) == (True, False)
    assert forge.texts == [f"{_MARKER}\nstale"]


def test_a_limit_that_lasts_is_not_waited_for(forge: Served) -> None:
    """An hour is longer than a pipeline has; it is told instead, with what the forge says."""
    reset = str(int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    said = "API rate limit exceeded for installation"
    forge.troubles.append(Trouble("GET", _COMMENTS, 403, headers, said, times=9))

    with pytest.raises(ForgeError, match="asked too often") as caught:
        _publish(forge)

    assert "rate limit exceeded" in caught.value.detail
    assert sum(bool(re.search(forge.comments_path, line)) for line in forge.seen) == 1


def test_reading_survives_a_server_that_fails(forge: Served) -> None:
    """What changes nothing is asked again."""
    forge.troubles.append(Trouble("GET", _COMMENTS, 503, times=2))

    assert _publish(forge).ending is Ending.WRITTEN


def test_a_server_that_goes_on_failing_is_told(forge: Served) -> None:
    """After some tries it is an error of its own kind."""
    forge.troubles.append(Trouble("GET", _COMMENTS, 500, times=99))

    with pytest.raises(ForgeUnanswered, match=r"\w+ failed at request 7 of acme/shop with 500"):
        _publish(forge)


def test_a_request_to_stop_ends_the_waiting(forge: Served) -> None:
    """Nobody waits a minute for a limit after an interrupt."""
    stop = Stop()
    stop.request()
    forge.troubles.append(Trouble("GET", _COMMENTS, 429, {"Retry-After": "60"}, times=9))

    with pytest.raises(ForgeError):
        _client(forge, stop=stop).comments()

    assert sum(bool(re.search(forge.comments_path, line)) for line in forge.seen) == 1


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (Trouble("GET", "user", 401), "does not accept the token"),
        (Trouble("POST", _COMMENTS, 403), "refuses to touch request 7 of acme/shop"),
        (Trouble("POST", _COMMENTS, 404), "there is no request 7 of acme/shop"),
        (Trouble("POST", _COMMENTS, 422), r"refuses to change request 7 of acme/shop \(422\)"),
    ],
)
def test_a_refusal_is_told_by_what_it_is(forge: Served, trouble: Trouble, message: str) -> None:
    """A refusal that no waiting changes is not tried again, and shows no token."""
    trouble = replace(trouble)
    forge.troubles.append(trouble)

    with pytest.raises(ForgeError, match=message) as caught:
        _publish(forge)

    assert trouble.times == 0
    assert TOKEN not in f"{caught.value.message}{caught.value.detail}{caught.value.hint}"


@pytest.mark.parametrize("kind", Kind)
def test_nobody_listens(kind: Kind) -> None:
    """A forge that is not there is said to be not there."""
    api = "http://127.0.0.1:1"
    place = Place(kind=kind, api=api, repository=REPOSITORY, number=NUMBER, token=TOKEN)
    stop = Stop()
    stop.request()

    with pytest.raises(ForgeUnanswered, match="does not answer"):
        open_forge(place, _patience(stop)).request()


def test_a_status_leads_to_the_comment(forge: Served) -> None:
    """A status carries its name, state, sentence and address to the commit."""
    status = Status(
        name="x", state=State.FAILURE, description="it failed", address="https://a.example"
    )

    _client(forge).set_status("c" * 40, status)

    (told,) = forge.statuses
    assert told["sha"] == "c" * 40
    assert told["state"] in {"failure", "failed"}
    assert {"x", "it failed", "https://a.example"} <= {*told.values()}


def test_a_status_that_is_there_already_is_no_trouble(forge: Served) -> None:
    """Two runs at once both say that they are planning."""
    status = Status(name="x", state=State.PENDING, description="planning")

    for _ in range(2):
        _client(forge).set_status("c" * 40, status)

    assert {each["state"] for each in forge.statuses} == {"pending"}


def test_a_request_is_read_with_where_it_comes_from(forge: Served) -> None:
    """Its base, its head, and whether it comes from a fork or is done with."""
    here = _client(forge).request()
    forge.from_fork, forge.is_open = True, False
    there = _client(forge).request()

    kept = "merge-requests" if forge.kind is Kind.GITLAB else "pull"
    assert (here.base, here.head, here.head_ref) == ("main", "a" * 40, f"refs/{kept}/7/head")
    assert (here.from_fork, here.is_open) == (False, True)
    assert (there.from_fork, there.is_open) == (True, False)


def test_a_request_that_is_done_with_tells_how_it_came_into_its_base(forge: Served) -> None:
    """Only of one that was merged there is a commit that says so."""
    forge.is_open = False
    closed = _client(forge).request()
    forge.merged_as = "d" * 40
    merged = _client(forge).request()

    assert (closed.is_open, closed.merged_as) == (False, "")
    assert (merged.is_open, merged.merged_as) == (False, "d" * 40)


def test_all_open_requests_are_found(forge: Served) -> None:
    """Also those beyond the first hundred."""
    forge.more_open = [*range(100, 210)]

    assert [*_client(forge).open_requests()] == [NUMBER, *range(100, 210)]


def test_the_request_that_a_commit_came_by_is_found(forge: Served) -> None:
    """A commit that came by none, or by one that is not merged, has none."""
    before = _client(forge).requests_of(forge.head)
    forge.is_open, forge.merged_as = False, "d" * 40

    assert [*before] == []
    assert [*_client(forge).requests_of("d" * 40)] == [NUMBER]
    assert [*_client(forge).requests_of("f" * 40)] == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "30"}, 30),
        ({"retry-after": "soon"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1060"}, 61),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "900"}, 1),
        ({"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1060"}, None),
        ({"Retry-After": "Thu, 01 Jan 1970 00:17:10 GMT"}, 30),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
)
def test_how_long_a_forge_asks_to_be_left_alone(
    headers: dict[str, str], seconds: float | None
) -> None:
    """It is in one of two headers, and a reset counts only when nothing remains."""
    assert waiting_time(headers, datetime.fromtimestamp(1_000, UTC)) == seconds
