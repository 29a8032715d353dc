"""A status of a request is a success only while its comment holds: the one about its commit, and about its base."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.commands import Ended, eventually
from tests.end_to_end.requests import add_origin, comment, propose, standing
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.served import NUMBER, REPOSITORY, Served, Trouble, serving
from tests.forges.small_forges import SmallGitHub
from tests.git import git

pytestmark = pytest.mark.integration


@pytest.fixture
def forge(world: World, tmp_path: Path) -> Iterator[Served]:
    """Give a GitHub with a request that adds a text to a small stack, and no comments yet."""
    small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    world.commit("Say fancy")
    with serving(held := SmallGitHub()):
        propose(world, held)
        git(world.root, "checkout", "--quiet", "main")
        yield held


def _states(forge: Served) -> dict[str, str]:
    """Return how the statuses of the request's commit stand."""
    return {name: said.partition(":")[0] for name, said in standing(forge).items()}


def _leading(forge: Served, commit: str = "") -> dict[str, str]:
    """Return where the statuses of a commit lead, that of the request unless told."""
    found = (each for each in forge.statuses if each["sha"] == (commit or forge.head))
    return {each["context"]: each["target_url"] for each in found}


def test_what_was_closed_passes_no_more_until_somebody_looks(world: World, forge: Served) -> None:
    """What the base does meanwhile is seen by nobody; a request that is opened again passes if its plan still holds."""
    mine = f"orchestrator: {world.name}/default"
    comment(world, forge)
    planned = standing(forge)
    forge.is_open = False
    closed = comment(world, forge)
    while_closed, last = standing(forge), forge.texts[0]
    forge.is_open = True
    again = comment(world, forge, "--refresh")
    opened, text = standing(forge), forge.texts[0]
    forge.is_open = False
    this_one = comment(world, forge, "--refresh")
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.is_open = True
    moved = comment(world, forge, "--refresh")

    assert closed.code == again.code == moved.code == 0, closed.said + again.said + moved.said
    assert while_closed == dict.fromkeys(planned, "pending: stale: the request is closed")
    assert last.endswith("Closed, and not merged.\n")
    assert opened[mine] == planned[mine] == "success: 4 to create"
    assert opened["orchestrator"] == f"success: {world.name}/default: 4 to create"
    assert "Closed" not in text
    assert this_one.stdout.startswith(f"request {NUMBER} is closed")
    assert standing(forge)[mine] == "pending: stale: main moved on in what it is made of"


def test_a_request_that_was_closed_while_it_was_planned_does_not_pass(
    world: World, forge: Served
) -> None:
    """Nobody wrote a comment of it that could be called stale later."""

    def closed() -> None:
        forge.is_open = False

    forge.troubles = [Trouble("GET", "comments", 502, then=closed)]
    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert "merged or closed meanwhile" in ended.stdout
    assert {*standing(forge).values()} == {"pending: planning"}


def test_what_was_closed_while_its_statuses_were_set_does_not_pass(
    world: World, forge: Served
) -> None:
    """Whoever saw it closed was done before the success was said: the run that says it looks again."""

    def closed() -> None:
        forge.is_open = False

    def commented() -> None:
        forge.troubles.append(Trouble("POST", "/statuses/", 502, then=closed))

    forge.troubles = [Trouble("POST", "comments", 502, then=commented)]
    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert {*standing(forge).values()} == {"pending: stale: the request is closed"}
    assert forge.texts[0].endswith("Closed, and not merged.\n")


def test_what_was_planned_for_another_base_passes_for_none(world: World, forge: Served) -> None:
    """Away and back: what was said of a base counts no more once the comment is about another one."""
    mine, name = "orchestrator", f"{world.name}/default"
    there = "orchestrator (into release)"
    comment(world, forge)
    git(world.root, "push", "--quiet", "origin", "main:refs/heads/release")
    forge.base = "release"

    away = comment(world, forge, "--refresh")
    neither, leading = _states(forge), _leading(forge)
    planned = comment(world, forge)
    to_release = _states(forge)
    forge.base = "main"
    back = comment(world, forge, "--refresh")

    assert away.code == planned.code == back.code == 0, away.said + planned.said + back.said
    said = f"request {NUMBER} is stale: all of it (the request is to be merged into"
    assert away.stdout == f"{said} release by now)\n"
    pending = {mine: "pending", f"{mine}: {name}": "pending"}
    assert neither == {**pending, there: "pending"}
    assert [leading[each] for each in pending] == ["", ""], "whose comment holds may take them"
    assert to_release == {**pending, there: "success", f"{there}: {name}": "success"}
    assert back.stdout == f"{said} main by now)\n"
    assert _states(forge) == {**pending, there: "pending", f"{there}: {name}": "pending"}


def test_a_commit_that_comes_back_has_no_success_of_before(world: World, forge: Served) -> None:
    """Pushed away, planned, and pushed back: the comment is about the other commit, also where a run was cancelled."""
    first = forge.head
    comment(world, forge)
    before = list(forge.statuses)
    git(world.root, "checkout", "--quiet", "change")
    world.manifests("platform/more.yaml", config_map("more"))
    world.commit("Add more")
    second = propose(world, forge)
    comment(world, forge)
    of_first = {each["context"]: each["state"] for each in forge.statuses if each["sha"] == first}
    leading = _leading(forge, first)
    forge.statuses[:] = [*before, *(each for each in forge.statuses if each["sha"] == second)]
    forge.head = first
    git(world.root, "push", "--quiet", "--force", "origin", f"{first}:refs/pull/{NUMBER}/head")

    ended = comment(world, forge, "--refresh")

    assert ended.code == 0, ended.said
    assert {*of_first.values()} == {"pending"}
    assert {*leading.values()} == {""}, "whose comment holds may take them"
    last = {(each["sha"], each["context"]): each["state"] for each in forge.statuses}
    assert {*last.values()} == {"pending"}
    assert len(last) == 4


def test_what_two_comments_gave_is_taken_back_of_both(world: World, forge: Served) -> None:
    """Two runs at once may have written one each, about a commit each; the next one leaves a single comment."""
    git(world.root, "checkout", "--quiet", "change")
    commits, notes = [forge.head], []
    for number in range(2):
        comment(world, forge)
        notes.append(forge.notes.pop())
        world.manifests("platform/more.yaml", config_map(f"more-{number}"))
        world.commit("Add more")
        commits.append(propose(world, forge))
    forge.notes[:] = notes

    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert len(forge.texts) == 1
    last = {(each["sha"], each["context"]): each["state"] for each in forge.statuses}
    pending = {commit for (commit, _), state in last.items() if state == "pending"}
    passed = {commit for (commit, _), state in last.items() if state == "success"}
    assert (pending, passed) == ({*commits[:2]}, {commits[2]})


def test_without_its_comment_nothing_passes(world: World, forge: Served) -> None:
    """Somebody deleted it, so that nobody would find out that it is stale; planning again helps."""
    comment(world, forge)
    planned = _states(forge)
    forge.notes.clear()

    gone = comment(world, forge, "--refresh")
    without, said = standing(forge), len(forge.statuses)
    same = comment(world, forge, "--refresh")
    kept = len(forge.statuses)
    again = comment(world, forge)

    assert gone.code == same.code == again.code == 0, gone.said + again.said
    assert without == dict.fromkeys(
        planned, "pending: stale: there is no comment of it, so plan again"
    )
    assert said == kept
    assert _states(forge) == planned
    assert {*planned.values()} == {"success"}


def test_where_nobody_can_look_nothing_passes(world: World, forge: Served) -> None:
    """The settings of the base are broken; once they are not, what holds passes again."""
    comment(world, forge)
    planned = _states(forge)
    settings = world.root / "orchestrator.yaml"
    settings.write_text("nonsense: [1\n")
    world.commit("Break the settings")
    git(world.root, "push", "--quiet", "origin", "main")

    broken = comment(world, forge, "--refresh")
    unknown = standing(forge)
    settings.unlink()
    world.commit("Mend them")
    git(world.root, "push", "--quiet", "origin", "main")
    mended = comment(world, forge, "--refresh")

    assert (broken.code, mended.code) == (1, 0), broken.said + mended.said
    why = "pending: stale: nobody can tell whether it holds: "
    assert all(said.startswith(why) for said in unknown.values()), unknown
    assert _states(forge) == planned
    assert {*planned.values()} == {"success"}


def test_who_repairs_the_settings_of_the_base_passes_once_somebody_approved_it(
    world: World, forge: Served
) -> None:
    """Its own are all that there is: nothing else would get a repository out of it, and nobody passes by himself."""
    settings = world.root / "orchestrator.yaml"
    settings.write_text("nonsense: 1\n")
    world.commit("Break the settings")
    git(world.root, "push", "--quiet", "origin", "main")
    failed = comment(world, forge)
    (world.root / "README").write_text("more")
    world.commit("Break nothing else")
    git(world.root, "push", "--quiet", "origin", "main")
    same = comment(world, forge, "--refresh")
    unplanned = standing(forge)["orchestrator"]
    git(world.root, "checkout", "--quiet", "-B", "change", "main")
    settings.write_text("guards: {destroys: 3}\n")
    world.commit("Mend them")
    propose(world, forge)
    planned = comment(world, forge)
    waiting, text = standing(forge), forge.texts[0]
    told = re.search(r"^orchestrator (approve .*)$", text, re.MULTILINE)
    assert told, text
    world.run(*told[1].split())
    comment(world, forge)
    by_themselves = standing(forge)
    approved = world.run(
        *told[1].split(), GIT_AUTHOR_NAME="Katherine", GIT_AUTHOR_EMAIL="katherine@example.org"
    )
    again = comment(world, forge)
    passes = _states(forge)
    refreshed = comment(world, forge, "--refresh")

    why = "failure: Merging could not be planned: orchestrator.yaml:1:1: unknown key"
    assert (failed.code, same.code) == (1, 0), failed.said + same.said
    assert unplanned.startswith(why)
    assert [each.code for each in (planned, approved, again, refreshed)] == [0] * 4, again.said
    assert all("needs approval" in each for each in waiting.values()), waiting
    assert by_themselves == waiting
    assert "### Merging: 1 plan needs approval, 4 to create, 1 plan not judged by the base" in text
    assert "since its orchestrator.yaml cannot be read: unknown key" in text
    assert "orchestrator.yaml of the base cannot be read" in text
    assert {*passes.values()} == {"success"}
    assert refreshed.stdout == f"request {NUMBER} is as its comment says\n"
    assert _states(forge) == passes


def test_what_fails_as_a_whole_takes_the_place_of_what_was_answered_before(
    world: World, forge: Served
) -> None:
    """There is no commit in common: comment, page, JSON and status have the cause, and a refresh leaves them."""
    comment(world, forge)
    git(world.root, "checkout", "--quiet", "--orphan", "anew")
    world.commit("Begin anew")
    propose(world, forge)
    git(world.root, "checkout", "--quiet", "main")
    page = world.root / "page.html"

    ended = comment(world, forge, "--html", str(page), "--output", "json")
    said, text = standing(forge), forge.texts
    refreshed = [comment(world, forge, "--refresh")]
    (world.root / "README").write_text("more")
    world.commit("Write more")
    git(world.root, "push", "--quiet", "origin", "main")
    refreshed.append(comment(world, forge, "--refresh"))

    assert [each.code for each in (ended, *refreshed)] == [1, 0, 0], refreshed[-1].said
    cause = ended.json["error"]["message"]
    assert "common" in cause
    assert cause in ended.stderr
    assert cause in page.read_text()
    assert len(text) == 1
    assert "### Merging could not be planned" in text[0]
    assert cause in text[0]
    assert said == {"orchestrator": f"failure: Merging could not be planned: {cause}"}
    assert (standing(forge), forge.texts) == (said, text)


def test_a_conflict_that_its_comment_tells_is_not_stale(world: World, forge: Served) -> None:
    """It stays a failure, also when the base moves on beside it: planning again would say just that."""
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "other"}))
    world.commit("Say other")
    git(world.root, "push", "--quiet", "origin", "main")
    planned = comment(world, forge)
    said, texts = standing(forge), forge.texts
    refreshed = [comment(world, forge, "--refresh")]
    (world.root / "README").write_text("more")
    world.commit("Write more")
    git(world.root, "push", "--quiet", "origin", "main")
    refreshed.append(comment(world, forge, "--refresh"))

    assert planned.code == 1
    assert said["orchestrator"].startswith(
        "failure: Merging could not be planned: the two conflict"
    )
    same = f"request {NUMBER} is as its comment says\n"
    assert [each.stdout for each in refreshed] == [same, same]
    assert (standing(forge), forge.texts) == (said, texts)


def test_a_first_comment_that_comes_while_somebody_looks_keeps_its_success(
    world: World, forge: Served
) -> None:
    """The refresh saw none, and then a success; the run that had planned was done in between."""
    comment(world, forge)
    (note,), planned = forge.notes, _states(forge)
    forge.notes.clear()

    def written() -> None:
        forge.notes.append(note)

    forge.troubles = [Trouble("GET", "/statuses$", 502, then=written)]
    ended = comment(world, forge, "--refresh")

    assert ended.stdout == f"request {NUMBER} is as its comment says\n"
    assert _states(forge) == planned
    assert {*planned.values()} == {"success"}


def test_a_run_that_was_overtaken_takes_no_answer_away(world: World, forge: Served) -> None:
    """It said that it plans when the later one, for the base of now, was done: what that said is said once more."""
    before = git(world.root, "rev-parse", "HEAD")
    (world.root / "README").write_text("more")
    world.commit("Write more")
    git(world.root, "push", "--quiet", "origin", "main")
    comment(world, forge)
    later, planned = forge.texts[0], _states(forge)
    forge.notes.clear()
    git(world.root, "push", "--quiet", "--force", "origin", f"{before}:refs/heads/main")

    def overtake() -> None:
        git(world.root, "push", "--quiet", "origin", "main")
        forge.add(later)

    forge.troubles = [Trouble("GET", "comments", 502, then=overtake)]
    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert "The comment is left to a later run for the same commit: https://" in ended.stdout
    assert [each["state"] for each in forge.statuses[4:6]] == ["pending", "pending"]
    assert _states(forge) == planned
    assert {*planned.values()} == {"success"}


def test_a_base_that_is_gone_closes_the_comment_all_the_same(world: World, forge: Served) -> None:
    """A forge closes requests into a branch that somebody deletes."""
    git(world.root, "push", "--quiet", "origin", "main:refs/heads/release")
    forge.base = "release"
    comment(world, forge)
    git(world.root, "push", "--quiet", "origin", ":refs/heads/release")
    forge.is_open = False

    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert {*_states(forge).values()} == {"pending"}
    assert forge.texts[0].endswith("Closed, and not merged.\n")


def test_the_head_of_another_request_passes_for_no_fork(world: World, forge: Served) -> None:
    """What was merged and reverted may be proposed by a stranger, and nobody plans that; the base's own stays."""
    comment(world, forge)
    forge.notes.clear()
    forge.from_fork = True
    for each in forge.statuses:  # of a request that is done with
        each["target_url"] = each["target_url"].replace(f"/{NUMBER}#", "/5#")
    before = _states(forge)
    git(world.root, "push", "--quiet", "origin", "change:main")
    merged = comment(world, forge, "--refresh")
    kept = _states(forge)
    git(world.root, "push", "--quiet", "--force", "origin", "main:main")
    ended = comment(world, forge, "--refresh")

    assert merged.code == ended.code == 0, merged.said + ended.said
    assert kept == before
    assert {*before.values()} == {"success"}
    assert {*_states(forge).values()} == {"pending"}


def test_of_two_that_look_at_once_the_later_look_counts(world: World, forge: Served) -> None:
    """The first saw the base before it moved, and says so once the second has called all of it stale."""
    comment(world, forge)
    going_on, rewriting = threading.Event(), threading.Event()
    others: list[Ended] = []

    def rewritten() -> None:
        rewriting.set()
        with forge.held_up():
            going_on.wait(60)

    def moved() -> None:
        world.manifests("platform/later.yaml", config_map("later"))
        world.commit("Add a text")
        git(world.root, "push", "--quiet", "origin", "main")
        forge.troubles.append(Trouble("PATCH", "comments/", 502, then=rewritten))
        with forge.held_up():
            second.start()
            rewriting.wait(60)

    second = threading.Thread(target=lambda: others.append(comment(world, forge, "--refresh")))
    forge.troubles = [Trouble("GET", "/statuses$", 502, then=moved)]
    first = comment(world, forge, "--refresh")
    going_on.set()
    second.join()

    assert first.code == others[0].code == 0, first.said + others[0].said
    assert "**Out of date:**" in forge.texts[0]
    assert {*_states(forge).values()} == {"pending"}


def test_of_two_runs_for_the_same_the_one_that_began_later_counts(
    world: World, forge: Served
) -> None:
    """It saw what is there by now, though the first is done after it."""
    world.apply()
    git(world.root, "push", "--quiet", "origin", "refs/orchestrator/*:refs/orchestrator/*")
    others: list[Ended] = []

    def planned() -> None:
        world.delete("ConfigMap", "colours")
        with forge.held_up():
            others.append(comment(world, forge))

    forge.troubles = [Trouble("GET", "comments", 502, then=planned)]
    first = comment(world, forge)

    assert first.code == others[0].code == 0, first.said + others[0].said
    assert (
        standing(forge)[f"orchestrator: {world.name}/default"]
        == "success: 1 to create, 1 to update"
    )
    assert "1 to create, 1 to update" in forge.texts[0]


def test_a_forge_that_is_ahead_of_its_git_is_waited_for(world: World, forge: Served) -> None:
    """What was pushed is planned, and never what it took the place of; the first may be there a moment later."""
    comment(world, forge)
    git(world.root, "checkout", "--quiet", "change")
    world.manifests("platform/more.yaml", config_map("more"))
    world.commit("Add more")
    git(world.root, "checkout", "--quiet", "main")
    forge.head = git(world.root, "rev-parse", "change")

    def push() -> None:
        asked = f"GET /repos/{REPOSITORY}/pulls/{NUMBER}"
        eventually(lambda: forge.seen.count(asked) > before + 1, "the run to ask again")
        git(world.root, "push", "--quiet", "origin", f"+change:refs/pull/{NUMBER}/head")

    before = forge.seen.count(f"GET /repos/{REPOSITORY}/pulls/{NUMBER}")
    pushing = threading.Thread(target=push)
    pushing.start()
    ended = comment(world, forge)
    pushing.join()

    assert ended.code == 0, ended.said
    assert f"`{forge.head[:10]}` merged into" in forge.texts[0]
    assert {each["state"] for each in forge.statuses if each["sha"] == forge.head} == {
        "pending",
        "success",
    }


def test_who_saw_it_open_lets_no_closed_one_pass(world: World, forge: Served) -> None:
    """A refresh that was slower says that all holds, once that of the closing has taken it back."""
    comment(world, forge)
    looking, closed = threading.Event(), threading.Event()
    others: list[Ended] = []

    def held() -> None:
        looking.set()
        with forge.held_up():
            closed.wait(60)

    def passed() -> None:
        closed.set()
        with forge.held_up():
            slower.join()

    slower = threading.Thread(target=lambda: others.append(comment(world, forge, "--refresh")))
    forge.troubles = [Trouble("GET", "comments", 502, then=held)]
    slower.start()
    looking.wait(60)
    forge.is_open = False
    forge.troubles.append(Trouble("PATCH", "comments/", 502, then=passed))
    ended = comment(world, forge)

    assert ended.code == others[0].code == 0, ended.said + others[0].said
    assert {*_states(forge).values()} == {"pending"}
    assert forge.texts[0].endswith("Closed, and not merged.\n")


def test_who_said_that_all_holds_looks_once_more(world: World, forge: Served) -> None:
    """Another one saw the base move and was done, between the comment of the first and its last word."""
    comment(world, forge)
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    git(world.root, "push", "--quiet", "origin", "main")
    comment(world, forge, "--refresh")
    git(world.root, "push", "--quiet", "--force", "origin", "main~1:main")

    def moved() -> None:
        git(world.root, "push", "--quiet", "origin", "main")
        with forge.held_up():
            comment(world, forge, "--refresh")

    def rewritten() -> None:
        forge.troubles.append(Trouble("GET", "/statuses$", 502, then=moved))

    forge.troubles = [Trouble("PATCH", "comments/", 502, then=rewritten)]
    ended = comment(world, forge, "--refresh")

    assert ended.code == 0, ended.said
    assert "**Out of date:**" in forge.texts[0]
    assert {*_states(forge).values()} == {"pending"}


def test_a_request_is_closed_in_its_comment_though_nobody_can_tell_what_was_applied(
    world: World, forge: Served
) -> None:
    """Nobody looks at it again by itself."""
    comment(world, forge)
    (world.root / "orchestrator.yaml").write_text("nonsense: [1\n")
    world.commit("Break the settings")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.is_open = False

    ended = comment(world, forge)

    assert ended.code == 1
    assert "orchestrator.yaml" in ended.stderr
    assert forge.texts[0].endswith("Closed, and not merged.\n")
