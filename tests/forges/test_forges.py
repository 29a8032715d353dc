"""One comment on a request, against servers that answer as the forges' published APIs say; all pass the same."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.clients import open_forge
from orchestrator.forges.commenting import Ending, marked_alone, publish, rewrite
from orchestrator.forges.forge import State, Status
from orchestrator.forges.place import Kind, Place
from orchestrator.processes import Stop
from tests.forges.publishing import COMMENTS, MARKER, TEXT, client_of, patient, publish_on, text_of
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, Trouble, serving
from tests.forges.small_forges import SmallGitea, SmallGitHub, SmallGitLab


def test_a_comment_is_written_once_and_then_changed(forge: Served) -> None:
    """The first run writes it, the next ones change it in place, and one with nothing new leaves it."""
    forge.add("a question")

    first = publish_on(forge)
    second = publish_on(forge, f"{TEXT}more")
    third = publish_on(forge, f"{TEXT}more")

    assert [each.ending for each in (first, second, third)] == [
        Ending.WRITTEN,
        Ending.CHANGED,
        Ending.KEPT,
    ]
    assert forge.texts == ["a question", f"{TEXT}more"]
    assert third.comment is not None
    assert str(forge.notes[1].id) in third.comment.address


def test_a_comment_as_long_as_we_make_them_is_taken(forge: Served) -> None:
    """On no forge do we take for its limit what it refuses."""
    longest = MARKER.ljust(client_of(forge).limit, "x")

    assert publish_on(forge, longest).ending is Ending.WRITTEN
    assert forge.texts == [longest]


@pytest.mark.parametrize("made", [SmallGitHub, SmallGitLab])
def test_a_comment_that_is_longer_is_refused(made: type[Served]) -> None:
    """The forges that publish a limit keep to it, in words of theirs; nothing was written then."""
    with serving(forge := made()), pytest.raises(ForgeError, match="refuses to change") as caught:
        publish_on(forge, MARKER.ljust(client_of(forge).limit + 1, "x"))

    assert "too long" in caught.value.detail
    assert forge.texts == []


def test_it_is_found_beyond_the_first_hundred(forge: Served) -> None:
    """Comments come in pages, and ours may be on the third."""
    for number in range(250):
        forge.add(f"remark {number}", "somebody")
    forge.add(f"{MARKER}\nbefore")

    assert publish_on(forge).ending is Ending.CHANGED
    assert forge.texts[-1] == TEXT


def test_a_comment_of_somebody_else_is_never_ours(forge: Served) -> None:
    """Whoever copies the marker into a comment of theirs keeps it."""
    forge.add(f"{MARKER}\nmine", "mallory")

    assert publish_on(forge).ending is Ending.WRITTEN
    assert forge.texts == [f"{MARKER}\nmine", TEXT]


def test_the_token_of_a_workflow_may_not_ask_who_it_is(forge: Served) -> None:
    """Then its comments are those of the bot of the forge's workflows, where it has one."""
    forge.may_ask_who, forge.login = not forge.bot, forge.bot or "planner"

    assert [publish_on(forge).ending, publish_on(forge).ending] == [Ending.WRITTEN, Ending.KEPT]
    assert len(forge.notes) == 1


@pytest.mark.parametrize(
    ("trouble", "login"),
    [
        (None, "planner-app[bot]"),
        (Trouble("POST", "/graphql", 403, message="not for you"), "github-actions[bot]"),
        (Trouble("POST", "/graphql", 404), "github-actions[bot]"),
    ],
)
def test_the_token_of_an_app_finds_its_own_comments(trouble: Trouble | None, login: str) -> None:
    """It may not ask who it is as people may; where it may not ask at all, it is taken for a workflow's."""
    held = SmallGitHub(may_ask_who=False, login=login, troubles=[trouble] if trouble else [])
    with serving(held):
        if trouble:
            trouble.times = 9
        held.add(f"{MARKER}\nof a workflow", "github-actions[bot]" if not trouble else "mallory")

        assert [publish_on(held).ending, publish_on(held).ending] == [Ending.WRITTEN, Ending.KEPT]

    assert [note.login for note in held.notes][1:] == [login]


def test_an_account_that_is_called_like_that_of_workflows_is_not_ours() -> None:
    """Gitea lets anybody be called as Forgejo calls its own, and the other way round."""
    held = SmallGitea(may_ask_who=False, login=SmallGitea.bot)
    with serving(held):
        held.add(f"{MARKER}\nmine", "forgejo-actions")

        assert [publish_on(held).ending, publish_on(held).ending] == [Ending.WRITTEN, Ending.KEPT]

    assert held.texts == [f"{MARKER}\nmine", TEXT]


def test_a_comment_of_nobody_is_not_ours(forge: Served) -> None:
    """The API may name no account: that of the comment is gone."""
    forge.add(f"{MARKER}\nof nobody", "")

    assert [publish_on(forge).ending, publish_on(forge).ending] == [Ending.WRITTEN, Ending.KEPT]
    assert forge.texts == [f"{MARKER}\nof nobody", TEXT]


def test_a_comment_that_was_deleted_meanwhile_is_written_again(forge: Served) -> None:
    """Between looking and changing somebody may have deleted it."""
    forge.add(f"{MARKER}\nbefore")

    def make(_: str) -> str:
        forge.notes.clear()
        return TEXT

    ended = publish(client_of(forge), text_of(make))

    assert ended.ending is Ending.WRITTEN
    assert forge.texts == [TEXT]


def test_a_run_for_an_older_commit_leaves_the_comment_alone(forge: Served) -> None:
    """The request has moved on: what the run for its new commit writes, or wrote, stays."""
    forge.add(f"{MARKER}\nof the new commit")
    forge.head = "b" * 40

    assert publish_on(forge).ending is Ending.OVERTAKEN
    assert forge.texts == [f"{MARKER}\nof the new commit"]


def test_a_run_for_an_earlier_base_leaves_the_comment_alone(forge: Served) -> None:
    """The request is for another branch by now: what merging into the one before would do is no answer any more."""
    forge.add(f"{MARKER}\nof the new base")
    forge.base = "release"

    assert publish_on(forge).ending is Ending.OVERTAKEN
    assert forge.texts == [f"{MARKER}\nof the new base"]


@pytest.mark.parametrize(("commit", "ending"), [("c" * 40, Ending.MERGED), ("", Ending.CLOSED)])
def test_a_request_that_was_merged_meanwhile_keeps_its_comment(
    forge: Served, commit: str, ending: Ending
) -> None:
    """A plan of what merging would do comes too late, and would take away what is said of the merge."""
    forge.add(f"{MARKER}\nmerged")
    forge.is_open, forge.merged_as = False, commit

    assert publish_on(forge).ending is ending
    assert forge.texts == [f"{MARKER}\nmerged"]


def test_two_runs_at_once_leave_one_comment(forge: Served) -> None:
    """Both find none, both write one, and the older of the two is what stays."""
    both = threading.Barrier(2)

    def run() -> None:
        def make(_: str) -> str:
            both.wait(timeout=20)
            return TEXT

        publish(client_of(forge), text_of(make))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert forge.texts == [TEXT]


def test_the_later_of_two_runs_that_found_no_comment_wins(forge: Served) -> None:
    """The earlier one, which tidies up, finds what the later one wrote, and leaves that text as the only one."""
    later = f"{MARKER}\nof the new base"

    def written_too() -> None:
        forge.add(later)

    def make(_: str) -> str:
        forge.troubles = [Trouble("GET", COMMENTS, 502, then=written_too)]
        return TEXT

    ended = publish(client_of(forge), text_of(make, is_newer=lambda text: "new base" in text))

    assert ended.ending is Ending.OVERTAKEN
    assert forge.texts == [later]


def test_what_an_earlier_run_left_of_two_comments_is_not_taken_for_ours(forge: Served) -> None:
    """It may have tidied up with its own text: whoever is the later one says its own again."""

    def tidied() -> None:
        forge.notes.clear()
        forge.add(f"{MARKER}\nof the old base")

    def make(before: str) -> str:
        if not before:
            forge.troubles = [Trouble("GET", COMMENTS, 502, then=tidied)]
        return TEXT

    publish(client_of(forge), text_of(make))

    assert forge.texts == [TEXT]


@pytest.mark.parametrize(("text", "ending"), [("before", Ending.CHANGED), (TEXT, Ending.KEPT)])
def test_a_second_comment_of_ours_goes(forge: Served, text: str, ending: Ending) -> None:
    """A run that was killed left it: nobody would ever change it, nor call it stale."""
    forge.add(f"{MARKER}\nbefore" if text == "before" else text)
    forge.add(f"{MARKER}\nleft", "somebody")
    forge.add(f"{MARKER}\nleft")

    assert publish_on(forge).ending is ending
    assert forge.texts == [TEXT, f"{MARKER}\nleft"]
    assert [note.login for note in forge.notes] == ["planner", "somebody"]


def test_of_two_comments_of_ours_that_of_a_later_run_stays(forge: Served) -> None:
    """It was killed before it tidied up; an earlier one that sees both leaves its text alone."""
    forge.add(f"{MARKER}\nof the old base")
    forge.add(f"{MARKER}\nof the new base")

    ended = publish(
        client_of(forge), text_of(lambda _: TEXT, is_newer=lambda text: "new base" in text)
    )

    assert ended.ending is Ending.OVERTAKEN
    assert forge.texts == [f"{MARKER}\nof the new base"]


def test_who_only_looks_leaves_one_comment(forge: Served) -> None:
    """Also where the forge keeps the second one: what is to be said of the first is more."""
    for text in ("first", "second"):
        forge.add(f"{MARKER}\n{text}")
    forge.troubles.append(Trouble("DELETE", _ONE, 403))

    found = [_alone(forge) for _ in range(2)]

    assert found == [f"{MARKER}\nfirst"] * 2
    assert forge.texts == [f"{MARKER}\nfirst"]


def test_who_only_looks_leaves_the_answer_for_the_request_as_it_is(forge: Served) -> None:
    """It may stand in the later comment, of a run that could not tell whose the other one is."""
    for text in ("of the last head", "of the head", "of another head"):
        forge.add(f"{MARKER}\n{text}")
    former = forge.texts
    forge.troubles = [Trouble(method, _ONE, 403) for method in ("PATCH", "PUT")]

    assert (_alone(forge), forge.texts) == (former[0], former)  # what the forge refuses is not lost
    forge.troubles = []
    assert _alone(forge) == former[1]
    assert forge.texts == [former[1]]


def test_who_only_looks_takes_no_answer_away_that_came_meanwhile(forge: Served) -> None:
    """A run may write it into the oldest one, in which the answer of another is about to be put."""
    for text in ("of the last head", "of the head"):
        forge.add(f"{MARKER}\n{text}")
    answer = f"{MARKER}\nof a new head"

    def answered() -> None:
        forge.notes[0].text = answer

    assert _alone(forge, answered) == answer
    assert forge.texts[0] == answer


def test_a_run_is_compared_with_the_best_of_two_comments(forge: Served) -> None:
    """What changed since is told of the one about the request as it is, and not of an older one."""
    for text in ("of the last head", "of the head"):
        forge.add(f"{MARKER}\n{text}")
    seen: list[str] = []

    def make(before: str) -> str:
        seen.append(before)
        return TEXT

    ended = publish(client_of(forge), text_of(make, worth=_worth))

    assert seen[0] == ended.before == f"{MARKER}\nof the head"
    assert ended.beside == (f"{MARKER}\nof the last head", ended.before)  # each has statuses
    assert forge.texts == [TEXT]


def test_a_second_comment_that_the_forge_keeps_is_told(forge: Served) -> None:
    """What was to be said is there all the same."""
    forge.add(f"{MARKER}\nbefore")
    forge.add(f"{MARKER}\nleft")
    forge.troubles.append(Trouble("DELETE", _ONE, 403, times=99))

    first, second = publish_on(forge), publish_on(forge)

    assert (first.ending, second.ending) == (Ending.CHANGED, Ending.KEPT)
    assert "refuses to touch" in str(first.kept)
    assert forge.texts == [TEXT, f"{MARKER}\nleft"]


_ONE = r"/(comments|notes)/\d+$"


def _worth(text: str) -> tuple[bool, int]:
    return text.endswith("of the head"), 0


def _alone(forge: Served, meanwhile: Callable[[], None] = lambda: None) -> str | None:
    """Return what the comment says that is left of several; ``meanwhile`` is done once they were read."""

    def worth(text: str) -> tuple[bool, int]:
        meanwhile()
        return _worth(text)

    left = marked_alone(client_of(forge), MARKER, worth=worth, stop=Stop())
    return left.text if left else None


def test_a_comment_that_was_taken_is_there_whatever_the_list_says(forge: Served) -> None:
    """The list may be behind for a moment: the forge's own answer says where the comment is."""

    def make(_: str) -> str:
        forge.troubles = [Trouble("GET", COMMENTS, 502, then=forge.notes.clear)]
        return TEXT

    ended = publish(client_of(forge), text_of(make))

    assert (ended.ending, len(forge.notes)) == (Ending.WRITTEN, 0)
    assert ended.comment is not None
    assert str(ended.comment.id) in ended.comment.address


def test_a_later_run_for_the_same_commit_wins(forge: Served) -> None:
    """Two runs for one commit may have planned for two bases: that of the earlier base leaves the comment alone."""
    forge.add(f"{MARKER}\nof the new base")

    ended = publish(
        client_of(forge), text_of(lambda _: TEXT, is_newer=lambda text: "new base" in text)
    )

    assert ended.ending is Ending.OVERTAKEN
    assert forge.texts == [f"{MARKER}\nof the new base"]


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(forge: Served) -> None:
    """Who only marks a comment as stale leaves one alone that was written anew since it was read."""
    forge.add(f"{MARKER}\nbefore")
    client = client_of(forge)
    (before,) = client.comments()
    forge.troubles.append(Trouble("GET", COMMENTS, 502))

    done = rewrite(client, before, f"{MARKER}\nstale", marker=MARKER, stop=Stop())
    late = rewrite(client, before, f"{MARKER}\ngone", marker=MARKER, stop=Stop())

    assert (done, late) == (True, False)
    assert forge.texts == [f"{MARKER}\nstale"]


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (Trouble("GET", "user", 401), "does not accept the token"),
        (Trouble("POST", COMMENTS, 403), "refuses to touch request 7 of acme/shop"),
        (Trouble("POST", COMMENTS, 404), "there is no request 7 of acme/shop"),
        (Trouble("POST", COMMENTS, 422), r"refuses to change request 7 of acme/shop \(422\)"),
    ],
)
def test_a_refusal_is_told_by_what_it_is(forge: Served, trouble: Trouble, message: str) -> None:
    """A refusal that no waiting changes is not tried again, and shows no token."""
    trouble = replace(trouble)
    forge.troubles.append(trouble)

    with pytest.raises(ForgeError, match=message) as caught:
        publish_on(forge)

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
        open_forge(place, patient(stop)).request()


def test_a_status_leads_to_the_comment(forge: Served) -> None:
    """A status carries its name, state, sentence and address to the commit."""
    status = Status(
        name="x", state=State.FAILURE, description="it failed", address="https://a.example"
    )

    client_of(forge).set_status("c" * 40, status)

    (told,) = forge.statuses
    assert told["sha"] == "c" * 40
    assert told["state"] in {"failure", "failed"}
    assert {"x", "it failed", "https://a.example"} <= {*told.values()}


def test_statuses_are_read_as_they_stand(forge: Served) -> None:
    """The last of each name, however many were set before, and none of another commit."""
    client = client_of(forge)
    for state in (State.FAILURE, State.SUCCESS, State.PENDING):
        client.set_status("c" * 40, Status(name="x", state=state, description=state))
    forge.statuses[:0] = forge.statuses * 50  # as many as there may be
    client.set_status("d" * 40, Status(name="x", state=State.SUCCESS, description="of another"))
    last = Status(name="y", state=State.FAILURE, description="no", address="https://a.example")
    client.set_status("c" * 40, last)

    found = client.statuses("c" * 40)

    (x, y) = sorted(found, key=lambda each: each.name)
    assert (x.name, x.state, x.description) == ("x", State.PENDING, "pending")
    assert y == last
    assert client.statuses("e" * 40) == ()


def test_a_status_that_is_there_already_is_no_trouble(forge: Served) -> None:
    """Two runs at once both say that they are planning."""
    status = Status(name="x", state=State.PENDING, description="planning")

    for _ in range(2):
        client_of(forge).set_status("c" * 40, status)

    assert {each["state"] for each in forge.statuses} == {"pending"}


def test_a_status_that_others_are_setting_is_waited_for() -> None:
    """GitLab says so when two runs set one at the same moment; a moment later it is free again."""
    held = SmallGitLab()
    held.troubles.append(Trouble("POST", "/statuses/", 409, times=2))

    with serving(held):
        client_of(held).set_status("c" * 40, Status(name="x", state=State.SUCCESS, description="y"))

    assert [each["state"] for each in held.statuses] == ["success"]


def test_a_request_is_read_with_where_it_comes_from(forge: Served) -> None:
    """Its base, its head, and whether it comes from a fork or is done with."""
    here = client_of(forge).request()
    forge.from_fork, forge.is_open = True, False
    there = client_of(forge).request()

    kept = "merge-requests" if forge.kind is Kind.GITLAB else "pull"
    assert (here.base, here.head, here.head_ref) == ("main", "a" * 40, f"refs/{kept}/7/head")
    assert (here.from_fork, here.is_open) == (False, True)
    assert (here.default_branch, here.other_base) == ("main", "")
    assert (there.from_fork, there.is_open) == (True, False)


def test_a_request_without_a_commit_is_no_request_to_plan() -> None:
    """GitLab may name none; its description says that there is one."""
    with serving(held := SmallGitLab(head="")):
        with pytest.raises(ForgeError, match="names no commit of request 7"):
            client_of(held).request()
        held.exchanges.clear()


@pytest.mark.parametrize(
    ("base", "default", "other"), [("release", "main", "release"), ("main", "", "main")]
)
def test_a_request_for_another_branch_than_the_default_is_known(
    forge: Served, base: str, default: str, other: str
) -> None:
    """Where nobody can tell which that is, each branch is another one."""
    forge.base, forge.default_branch = base, default

    assert client_of(forge).request().other_base == other


def test_a_request_that_was_pushed_to_no_branch_is_a_strangers() -> None:
    """On Gitea whoever may read can push to ``refs/for/main``; what comes of it lies in the repository itself."""
    with serving(held := SmallGitea(branch="")):
        assert client_of(held).request().from_fork


def test_a_request_that_is_done_with_tells_how_it_came_into_its_base(forge: Served) -> None:
    """Only of one that was merged there is a commit that says so."""
    forge.is_open = False
    closed = client_of(forge).request()
    forge.merged_as = "d" * 40
    merged = client_of(forge).request()

    assert (closed.is_open, closed.merged_as) == (False, "")
    assert (merged.is_open, merged.merged_as) == (False, "d" * 40)


def test_all_open_requests_are_found(forge: Served) -> None:
    """Also those beyond the first hundred."""
    forge.more_open = [*range(100, 210)]

    assert [*client_of(forge).open_requests()] == [NUMBER, *range(100, 210)]


def test_the_request_that_a_commit_came_by_is_found(forge: Served) -> None:
    """A commit that came by none, or by one that is not merged, has none."""
    before = client_of(forge).requests_of(forge.head)
    forge.is_open, forge.merged_as = False, "d" * 40

    assert [*before] == []
    assert [*client_of(forge).requests_of("d" * 40)] == [NUMBER]
    assert [*client_of(forge).requests_of("f" * 40)] == []
