"""`comment --refresh`: plans in comments that do not hold any more, and what was applied of what was merged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.reports.preview.standing import with_stale
from tests.end_to_end.commands import eventually
from tests.end_to_end.requests import (
    add_origin,
    begin_held,
    change,
    comment,
    propose,
    standing,
)
from tests.end_to_end.stacks import config_map, documents
from tests.end_to_end.world import World, declare_held, small_stack
from tests.forges.served import NUMBER, Served, Trouble, serving
from tests.forges.small_forges import SmallGitHub
from tests.git import git

pytestmark = pytest.mark.integration


@pytest.fixture
def forge() -> Iterator[Served]:
    """Give a GitHub with one pull request and no comments."""
    held = SmallGitHub()
    with serving(held):
        yield held


def _proposed(world: World, forge: Served, folder: Path) -> None:
    """Apply a small stack, and propose a change of it that has its comment."""
    small_stack(world)
    world.apply()
    add_origin(world, folder)
    git(world.root, "push", "--quiet", "origin", "refs/orchestrator/*:refs/orchestrator/*")
    git(world.root, "checkout", "--quiet", "-b", "change")
    change(world, "fancy")
    propose(world, forge)
    ended = comment(world, forge)
    assert ended.code == 0, ended.said
    git(world.root, "checkout", "--quiet", "main")


def test_a_plan_is_stale_when_its_base_or_its_ledger_moved_on(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Comment and statuses say so, and why; what is no part of the stack outdates nothing, and planning again helps."""
    _proposed(world, forge, tmp_path)
    mine, before = f"orchestrator: {world.name}/default", forge.texts[0]
    success = standing(forge)[mine]

    (world.root / "README").write_text("more")
    world.commit("Write more")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.add(before, forge.login)  # left by a run that was killed
    same = comment(world, forge, "--refresh")
    assert forge.texts == [before]
    kept, asked = forge.texts[0], len(forge.statuses)

    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    git(world.root, "push", "--quiet", "origin", "main")
    moved = comment(world, forge, "--refresh")
    by_base = standing(forge)
    again = comment(world, forge)
    anew = forge.texts[0], standing(forge)[mine]

    world.apply()
    applied = comment(world, forge, "--refresh", "--output", "json", GITHUB_REF="refs/heads/main")

    assert same.code == moved.code == again.code == applied.code == 0, same.said + moved.said
    assert same.stdout == f"request {NUMBER} is as its comment says\n"
    assert (kept, asked) == (before, 3 + 1)
    assert f"request {NUMBER} is stale: {world.name}/default (main moved on" in moved.stdout
    assert by_base[mine] == "pending: stale: main moved on in what it is made of"
    assert by_base["orchestrator"] == f"pending: stale: {world.name}/default"
    (told,) = applied.json["requests"]
    assert (told["number"], told["found"]) == (NUMBER, "stale")
    assert f"apply {world.name}/default at " in told["stale"][f"{world.name}/default"]
    assert f"**Out of date:** `{world.name}/default`, since `apply {world.name}" in forge.texts[0]
    assert "Out of date" not in anew[0]
    assert (success, anew[1]) == ("success: 1 to update", "success: 1 to create, 1 to update")
    assert standing(forge)[mine].startswith("pending: stale: apply ")


def test_what_is_linked_belongs_to_the_stack(world: World, forge: Served, tmp_path: Path) -> None:
    """A request that changes what a link leads to is planned, and stale when its base changes such a file."""
    small_stack(world)
    for name in ("one", "two"):
        _linked(world, name, "old")
    world.commit("Link manifests")
    world.apply()
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    _linked(world, "one", "new")
    world.commit("Change what is linked")
    propose(world, forge)
    planned = comment(world, forge)
    told, mine = forge.texts[0], standing(forge)[f"orchestrator: {world.name}/default"]

    git(world.root, "checkout", "--quiet", "main")
    _linked(world, "two", "newer")
    world.commit("Change what else is linked")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.notes[0].text += "of a run with more room\n" * 300
    moved = comment(world, forge, "--refresh", "--limit", "4000")

    assert planned.code == moved.code == 0, planned.said + moved.said
    assert mine == "success: 1 to update"
    assert "manifests.platform: shared/one.yaml changed" in told
    assert f"request {NUMBER} is stale: {world.name}/default (main moved on" in moved.stdout
    assert "**Out of date:** plan again" in forge.texts[0]


def _linked(world: World, name: str, text: str) -> None:
    """Write a manifest of the small stack's set that lies elsewhere, with a link to it."""
    shared = world.root / "shared" / f"{name}.yaml"
    shared.parent.mkdir(exist_ok=True)
    shared.write_text(documents(config_map(name, {"text": text})))
    link = world.root / "stacks" / world.name / "platform" / f"{name}.yaml"
    if not link.is_symlink():
        link.symlink_to(f"../../../shared/{name}.yaml")


def test_a_plan_is_stale_while_somebody_applies(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """The lock is a sign that what was planned is being overtaken, also by a first apply."""
    holding = tmp_path / "holding"
    holding.mkdir()
    declare_held(world, holding)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    world.manifests("shop.yaml", config_map("shop", {"id": "another"}))
    world.commit("Say another")
    propose(world, forge)
    comment(world, forge)
    git(world.root, "checkout", "--quiet", "main")
    name = f"{world.name}/default"

    running = world.start("apply", world.name, "--yes")
    eventually((holding / "started").exists, "the apply holds")
    during = comment(world, forge, "--refresh")
    (holding / "go").touch()
    running.end()
    after = comment(world, forge, "--refresh")

    assert (
        f"{name} (somebody changes it right now (orchestrator apply {world.name}" in during.stdout
    )
    assert f"{name} (apply {name} at " in after.stdout


def test_a_merged_request_tells_what_was_applied_of_it(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Its last line says so once the ledger knows; a run for a branch finds the requests that its commits came by."""
    _proposed(world, forge, tmp_path)
    git(world.root, "merge", "--quiet", "--no-ff", "change", "--message", "Merge the change")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.is_open, forge.merged_as = False, git(world.root, "rev-parse", "HEAD")

    first = comment(world, forge)
    waiting = forge.texts[0]
    git(world.root, "push", "--quiet", "origin", f":refs/pull/{NUMBER}/head")
    world.apply()
    second = comment(world, forge, "--refresh", GITHUB_REF="refs/heads/main")
    third = comment(world, forge, "--refresh", GITHUB_REF="refs/heads/main")

    assert first.code == second.code == third.code == 0, first.said + second.said
    merged = f"Merged as `{forge.merged_as[:10]}`. `{world.name}/default`"
    assert waiting.endswith(f"\n{merged} is not applied yet.\n")
    (told,) = forge.texts
    assert f"\n{merged} was applied " in told
    assert told.endswith(" UTC by `Grace Hopper`, as shown here.\n")
    assert "grace@example.org" not in told
    assert (
        second.stdout
        == third.stdout
        == f"request {NUMBER} is merged: {world.name}/default applied\n"
    )


def test_a_request_without_a_comment_is_left_alone(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Nothing is written where nothing was planned, and one that fails keeps no other from its turn."""
    small_stack(world)
    add_origin(world, tmp_path)
    propose(world, forge)
    forge.more_open = [NUMBER + 1]

    ended = comment(world, forge, "--refresh", GITHUB_REF="refs/heads/main")

    assert ended.code == 1
    assert f"request {NUMBER} has no comment of ours" in ended.stdout
    assert f"there is no request {NUMBER + 1}" in ended.stderr
    assert (forge.texts, forge.statuses) == ([], [])
    forge.troubles = [Trouble("GET", r"/commits/\w+/pulls$", 403, message="not for you")]
    told = comment(world, forge, "--refresh", "--output", "json", GITHUB_REF="refs/heads/main")
    assert (told.code, [each["number"] for each in told.json["requests"]]) == (1, [NUMBER])
    assert "requests that were merged: error: GitHub refuses to touch" in told.stderr


def test_a_bug_that_one_request_shows_keeps_no_other_from_its_turn(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """An answer that nobody foresaw is told as what it is; the statuses of the others would stay as they were."""
    small_stack(world)
    add_origin(world, tmp_path)
    propose(world, forge)
    forge.may_ask_who, forge.more_open = False, [NUMBER + 1]
    forge.troubles = [Trouble("POST", "/graphql", 200, message="no data")]

    ended = comment(world, forge, "--refresh", GITHUB_REF="refs/heads/main")

    assert ended.code == 1
    assert f"request {NUMBER}: error: internal error: KeyError: 'data'" in ended.stderr
    assert f"there is no request {NUMBER + 1}" in ended.stderr


def test_a_stale_status_is_said_by_the_next_run_when_it_was_refused(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Nobody may take the old success for an answer for good; whoever reads the comment knows at once."""
    _proposed(world, forge, tmp_path)
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    git(world.root, "push", "--quiet", "origin", "main")
    forge.troubles = [Trouble("POST", "/statuses/", 422)]

    failed = comment(world, forge, "--refresh")
    told = forge.texts[0]
    again = comment(world, forge, "--refresh")
    standing_again, forge.is_open = standing(forge), False
    forge.troubles = [Trouble("POST", "/statuses/", 422, times=9)]
    closed = comment(world, forge, "--refresh")

    assert (failed.code, again.code) == (1, 0), failed.said + again.said
    assert "**Out of date:**" in told
    assert standing_again[f"orchestrator: {world.name}/default"].startswith("pending: stale")
    assert standing_again["orchestrator"].startswith("pending: stale")
    assert (closed.code, forge.texts[0].endswith("Closed, and not merged.\n")) == (1, True)


def test_what_is_applied_while_a_request_is_planned_outdates_the_plan(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Whoever applied looked for a comment before there was one: the run that planned says itself that it is late."""
    planning = begin_held(world, forge, tmp_path)
    git(world.root, "checkout", "--quiet", "main")
    world.apply()
    nothing = comment(world, forge, "--refresh")
    (tmp_path / "go").touch()
    ended = planning.end()

    name = f"{world.name}/default"
    assert ended.code == nothing.code == 0, ended.said + nothing.said
    assert "has no comment of ours" in nothing.stdout
    assert f"request {NUMBER} is stale: {name} (apply {name} at " in ended.stdout
    assert f"**Out of date:** `{name}`, since `apply {name} at " in forge.texts[0]
    assert standing(forge)[f"orchestrator: {name}"].startswith(f"pending: stale: apply {name}")
    assert standing(forge)["orchestrator"] == f"pending: stale: {name}"


def _between_comment_and_statuses(forge: Served, then: Callable[[], None]) -> None:
    """Have something happen once the next run has looked at its comment, before it sets the first status after that."""
    late = Trouble("POST", "/statuses/", 502, then=then)
    forge.troubles = [Trouble("GET", "comments", 502, then=lambda: forge.troubles.append(late))]


def test_what_was_called_stale_before_its_statuses_were_set_stays_stale(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """A refresh was faster: comment and statuses said so, until the run that had planned said success."""
    _proposed(world, forge, tmp_path)
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Add a text")
    name = f"{world.name}/default"
    why = "main moved on in what it is made of"

    def refreshed() -> None:
        git(world.root, "push", "--quiet", "origin", "main")
        forge.notes[0].text = with_stale(forge.texts[0], {name: why}, limit=65_536)

    _between_comment_and_statuses(forge, refreshed)
    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert f"request {NUMBER} is stale: {name} ({why})" in ended.stdout
    assert standing(forge)[f"orchestrator: {name}"] == f"pending: stale: {why}"
    assert standing(forge)["orchestrator"] == f"pending: stale: {name}"


def test_one_look_that_fails_is_no_failure_of_what_was_planned(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """The remote is away for a moment when the run asks whether it is late: it asks once more."""
    _proposed(world, forge, tmp_path)
    remote, away = tmp_path / "origin.git", tmp_path / "away.git"

    def leave() -> None:
        remote.rename(away)
        forge.troubles.append(Trouble("GET", f"/pulls/{NUMBER}$", 502, then=come_back))

    def come_back() -> None:
        away.rename(remote)

    _between_comment_and_statuses(forge, leave)
    ended = comment(world, forge)

    assert ended.code == 0, ended.said
    assert remote.exists()
    assert standing(forge)["orchestrator"].startswith("success: ")
