"""Limits and failures of forges: waited for, told, and never a reason to write twice or over what is newer."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import ForgeError, ForgeUnanswered, Interrupted
from orchestrator.forges.commenting import Ending
from orchestrator.forges.forge import Account
from orchestrator.forges.patience import insist, waiting_time
from orchestrator.forges.place import Kind
from orchestrator.forges.troubles import Busy
from orchestrator.processes import Stop
from tests.forges.publishing import COMMENTS, MARKER, TEXT, client_of, publish_on
from tests.forges.served import Served, Trouble, serving
from tests.forges.small_forges import SmallGitHub


def test_an_answer_that_got_lost_makes_no_second_comment(forge: Served) -> None:
    """What was written before the server failed is found, not written again."""
    forge.troubles.append(Trouble("POST", COMMENTS, 502, done=True))

    assert publish_on(forge).ending is Ending.WRITTEN
    assert forge.texts == [TEXT]
    assert sum(line.startswith("POST") for line in forge.seen) == 1


def test_what_a_comment_said_before_is_known_when_an_answer_got_lost(forge: Served) -> None:
    """Who takes back what was said of it has to know that, also where our own text is found there."""
    forge.add(f"{MARKER}\nbefore")
    forge.troubles += [
        Trouble(method, r"/(comments|notes)/\d+$", 502, done=True) for method in ("PATCH", "PUT")
    ]

    published = publish_on(forge)

    assert published.before == f"{MARKER}\nbefore"
    assert forge.texts == [TEXT]


def test_what_was_not_written_is_written_again(forge: Served) -> None:
    """A server that failed before it did anything is asked once more."""
    forge.troubles.append(Trouble("POST", COMMENTS, 502))

    assert publish_on(forge).ending is Ending.WRITTEN
    assert forge.texts == [TEXT]


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
    forge.troubles.append(Trouble("POST", COMMENTS, status, headers, times=2))

    assert publish_on(forge).ending is Ending.WRITTEN
    assert forge.texts == [TEXT]
    assert sum(line.startswith("POST") for line in forge.seen) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_that_is_told_in_words_alone_is_waited_for(forge: Served, method: str) -> None:
    """GitHub's secondary limits may come without any header; a refusal in other words is one for good."""
    said = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    forge.troubles.append(Trouble(method, COMMENTS, 403, message=said, times=2))

    assert publish_on(forge).ending is Ending.WRITTEN
    assert forge.texts == [TEXT]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_in_words_that_goes_on_is_told(forge: Served, method: str) -> None:
    """After some tries it is an error, which says what it is about."""
    said = "You have triggered an abuse detection mechanism, by a secondary rate limit."
    forge.troubles.append(Trouble(method, COMMENTS, 403, message=said, times=99))

    with pytest.raises(ForgeError, match="asked too often"):
        publish_on(forge)

    assert forge.texts == []


def test_what_is_written_after_a_limit_is_looked_at_again(forge: Served) -> None:
    """While one run waits, another writes for a newer commit: the earlier one leaves that alone when it goes on."""
    forge.add(f"{MARKER}\nbefore")
    change = "PUT" if forge.kind is Kind.GITLAB else "PATCH"
    path = r"notes/\d+$" if forge.kind is Kind.GITLAB else r"comments/\d+$"

    def push() -> None:
        forge.head, forge.notes[0].text = "b" * 40, f"{MARKER}\nof the new commit"

    forge.troubles.append(Trouble(change, path, 429, {"Retry-After": "0"}, then=push))

    assert publish_on(forge).ending is Ending.OVERTAKEN
    assert forge.texts == [f"{MARKER}\nof the new commit"]


def test_a_limit_that_lasts_is_not_waited_for(forge: Served) -> None:
    """An hour is longer than a pipeline has; it is told instead, with what the forge says."""
    reset = str(int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    said = "API rate limit exceeded for installation"
    forge.troubles.append(Trouble("GET", COMMENTS, 403, headers, said, times=9))

    with pytest.raises(ForgeError, match="asked too often") as caught:
        publish_on(forge)

    assert "rate limit exceeded" in caught.value.detail
    assert sum(bool(re.search(forge.comments_path, line)) for line in forge.seen) == 1


def test_reading_survives_a_server_that_fails(forge: Served) -> None:
    """What changes nothing is asked again."""
    forge.troubles.append(Trouble("GET", COMMENTS, 503, times=2))

    assert publish_on(forge).ending is Ending.WRITTEN


def test_a_server_that_goes_on_failing_is_told(forge: Served) -> None:
    """After some tries it is an error of its own kind."""
    forge.troubles.append(Trouble("GET", COMMENTS, 500, times=99))

    with pytest.raises(ForgeUnanswered, match=r"\w+ failed at request 7 of acme/shop with 500"):
        publish_on(forge)


def test_a_request_to_stop_ends_the_waiting(forge: Served) -> None:
    """Nobody waits a minute for a limit after an interrupt."""
    stop = Stop()
    stop.request()
    forge.troubles.append(Trouble("GET", COMMENTS, 429, {"Retry-After": "60"}, times=9))

    with pytest.raises(ForgeError):
        client_of(forge, stop=stop).comments()

    assert sum(bool(re.search(forge.comments_path, line)) for line in forge.seen) == 1


def test_a_request_to_stop_is_no_failure_of_the_forge() -> None:
    """Whoever interrupts what waits before it writes is told that it was interrupted."""
    stop = Stop()
    stop.request()

    def refused() -> None:
        raise Busy(60)

    with pytest.raises(Interrupted, match="not all of it was written"):
        insist(refused, stop)


_LIMIT = "You have exceeded a secondary rate limit."


@pytest.mark.parametrize(
    ("status", "said"), [(403, _LIMIT), (429, "too often"), (502, "Bad gateway")]
)
def test_the_question_who_we_are_is_as_patient_as_what_is_read(status: int, said: str) -> None:
    """The token of an app asks by POST; that changes nothing, so it is asked again, and by all clients once."""
    held, account = SmallGitHub(may_ask_who=False, login="planner-app[bot]"), Account()
    held.troubles.append(Trouble("POST", "/graphql", status, message=said, times=2))
    with serving(held):
        held.add(TEXT, held.login)
        held.add(TEXT, held.bot)

        found = [client_of(held, account=account).comments() for _ in range(2)]

    assert [len(each) for each in found] == [1, 1]
    assert held.seen.count("POST /graphql") == 3
    assert held.seen.count("GET /user") == 1


@pytest.mark.parametrize(("status", "said"), [(403, _LIMIT), (502, "Bad gateway")])
@pytest.mark.parametrize("asked", [("GET", "/user$"), ("POST", "/graphql")])
def test_no_answer_to_who_we_are_is_none(asked: tuple[str, str], status: int, said: str) -> None:
    """Taken for the account of workflows, an app would not find its comment, and write a second one."""
    held = SmallGitHub(may_ask_who=False, login="planner-app[bot]")
    held.troubles.append(Trouble(*asked, status, message=said, times=99))
    with serving(held):
        held.add(TEXT, held.login)

        with pytest.raises(ForgeError, match=r"asked too often|failed at .* with 502"):
            publish_on(held)

    assert held.texts == [TEXT]


def _wrong(times: int, *types: str, said: str = "it failed", **headers: str) -> Trouble:
    """Return what GitHub answers to a query that it does not carry out: 200, with what is wrong."""
    told = [{**({"type": each} if each else {}), "message": said} for each in types]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Trouble("POST", "/graphql", 200, named, times=times, answer={"errors": told})


_RESET = str(datetime(2999, 1, 1, tzinfo=UTC).timestamp()).partition(".")[0]


@pytest.mark.parametrize(
    ("trouble", "ending"),
    [
        (_wrong(2, "RATE_LIMITED", said="API rate limit exceeded"), "own"),
        (_wrong(2, "", said=_LIMIT, Retry_After="0"), "own"),
        (_wrong(2, "", said="Something went wrong while executing your query."), "own"),
        (_wrong(99, "", said="Something went wrong."), "not tell whose token"),
        (_wrong(99, "RATE_LIMITED"), "asked too often"),
        (
            _wrong(99, "RATE_LIMITED", X_RateLimit_Remaining="0", X_RateLimit_Reset=_RESET),
            "asked too often",
        ),
        (_wrong(99, "FORBIDDEN", "SERVICE_UNAVAILABLE"), "not tell whose token"),
        (_wrong(99, "FORBIDDEN"), "workflows"),
        (_wrong(99, "INSUFFICIENT_SCOPES"), "workflows"),
        (_wrong(99, "NOT_FOUND"), "workflows"),
    ],
)
def test_what_is_wrong_with_a_query_comes_with_200(trouble: Trouble, ending: str) -> None:
    """Only that one may not ask is an answer: an app that took a limit for it would be somebody else from then on."""
    held = SmallGitHub(may_ask_who=False, login="planner-app[bot]", troubles=[replace(trouble)])
    with serving(held):
        held.add(TEXT, held.login)
        held.add(f"{TEXT}\nof a workflow", held.bot)
        if ending in {"own", "workflows"}:
            (found,) = client_of(held).comments()
            assert found.text == (TEXT if ending == "own" else f"{TEXT}\nof a workflow")
        else:
            with pytest.raises(ForgeError, match=ending):
                client_of(held).comments()


def test_who_we_are_is_asked_once(forge: Served) -> None:
    """A refresh looks at many requests, and a workflow's token may ask a thousand times an hour."""
    account = Account()
    forge.add(TEXT)

    found = [client_of(forge, account=account).comments() for _ in range(3)]

    assert [len(each) for each in found] == [1, 1, 1]
    assert forge.seen.count("GET /user") == 1


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
