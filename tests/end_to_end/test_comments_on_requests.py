"""`comment`: a plan of the merge on the pull request, with a forge on loopback."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.commands import Ended
from tests.end_to_end.requests import (
    add_origin,
    begin_held,
    change,
    comment,
    propose,
    standing,
)
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, Trouble, serving
from tests.forges.small_forges import SmallGitHub, SmallGitLab
from tests.git import git

pytestmark = pytest.mark.integration


@pytest.fixture
def forge() -> Iterator[Served]:
    """Give a GitHub with one pull request and no comments."""
    held = SmallGitHub()
    with serving(held):
        yield held


def _proposed(world: World, forge: Served, tmp_path: Path) -> str:
    """Propose a small stack, on a branch of its own; return the commit."""
    small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    change(world, "fancy")
    return propose(world, forge)


def test_a_request_has_one_comment_and_its_statuses(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """The first run writes it, the next commit's run changes it and says what is new; statuses lead there."""
    head = _proposed(world, forge, tmp_path)

    first = comment(world, forge)
    (written,) = forge.texts
    states = [(each["context"], each["state"], each["sha"]) for each in forge.statuses]
    change(world, "fancier")
    world.manifests("platform/more.yaml", config_map("more"))
    world.commit("Add more")
    propose(world, forge)
    second = comment(world, forge)
    (changed,) = forge.texts

    assert first.code == second.code == 0, first.said + second.said
    assert "### Merging: 4 to create\n" in written
    assert "### Merging: 5 to create\n" in changed
    assert f"`{world.name}/default` was `4 to create`, is `5 to create`" in changed
    assert states == [
        ("orchestrator", "pending", head),
        (f"orchestrator: {world.name}/default", "pending", head),
        (f"orchestrator: {world.name}/default", "success", head),
        ("orchestrator", "success", head),
    ]
    leading = [each["target_url"] for each in forge.statuses if each["sha"] == forge.head]
    assert leading[-1].endswith(f"#issuecomment-{forge.notes[0].id}")
    assert "Comment written: https://forge.example/" in first.stdout
    assert TOKEN not in first.said + second.said + written + changed
    assert world.left_behind() == []


def test_what_fails_is_in_comment_and_status(world: World, forge: Served, tmp_path: Path) -> None:
    """A stack that cannot be planned fails the status, and the comment says why."""
    small_stack(world)
    add_origin(world, tmp_path)
    change(world, "${{ vars.nothing }}")
    propose(world, forge)

    (tmp_path / "summary.md").write_text("before\n")

    ended = comment(world, forge, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))

    assert ended.code == 1
    assert "there is no variable" in forge.texts[0]
    assert (tmp_path / "summary.md").read_text() == f"before\n{forge.texts[0]}"
    assert [each["state"] for each in forge.statuses] == [
        "pending",
        "pending",
        "failure",
        "failure",
    ]


def test_requests_from_forks_are_planned_when_somebody_says_so(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Their code would run here."""
    small_stack(world)
    add_origin(world, tmp_path)
    change(world, "fancy")
    propose(world, forge)
    forge.from_fork = True

    refused = comment(world, forge)
    looked_at = git(world.root, "rev-parse", f"{forge.head}~1").strip()
    other = comment(world, forge, "--allow-forks", "--head", looked_at)
    mistyped = comment(world, forge, "--allow-forks", "--head", "fancy")
    untouched = (list(forge.notes), list(forge.statuses))
    allowed = comment(world, forge, "--allow-forks", "--head", forge.head)

    assert (refused.code, other.code, mistyped.code) == (1, 1, 64)
    assert "comes from a fork" in refused.stderr
    assert "--allow-forks" in refused.stderr
    assert f"by now, and {looked_at[:10]} is what is to be planned" in other.stderr
    assert "--head 'fancy' is no commit" in mistyped.stderr
    assert untouched == ([], [])
    assert allowed.code == 0, allowed.said
    assert len(forge.notes) == 1


def test_the_later_commit_has_the_comment_whoever_is_done_last(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """The run for the earlier one is still planning when that for the later one is done."""
    early = begin_held(world, forge, tmp_path)
    git(world.root, "checkout", "--quiet", "main", "--", "stacks")
    change(world, "late")
    head = propose(world, forge)
    late = comment(world, forge)
    (tmp_path / "go").touch()
    ended = early.end()

    assert late.code == ended.code == 0, late.said + ended.said
    assert "the comment is left to the later run" in ended.stdout
    (text,) = forge.texts
    assert f"`{head[:10]}` merged into" in text
    assert "late" in text
    last = [each for each in forge.statuses if each["context"] == "orchestrator"][-1]
    assert (last["sha"], last["state"]) == (head, "success")


def test_a_run_that_is_cancelled_leaves_its_statuses_to_others(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """They stay pending: a later run for the same commit may have said something already, which stands."""
    running = begin_held(world, forge, tmp_path)
    running.signal(signal.SIGINT)
    (tmp_path / "go").touch()
    ended = running.end()

    assert ended.code == 130, ended.said
    assert {each["state"] for each in forge.statuses} == {"pending"}
    assert forge.texts == []


def test_the_code_of_a_request_cannot_comment_in_our_name(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """No token of a forge is in the environment of what is planned, nor a file that changes the next steps."""
    small_stack(world)
    add_origin(world, tmp_path)
    seen, program = tmp_path / "seen", world.root / "terraform.sh"
    program.write_text(f'#!/bin/sh\nenv >> {seen}\nexec terraform "$@"\n')
    program.chmod(0o755)
    git(world.root, "checkout", "--quiet", "-b", "change")
    stack = world.root / "stacks" / world.name / "stack.yaml"
    named = "{binary: ./terraform.sh, environment: [CI_JOB_TOKEN, GITHUB_ENV]}"
    stack.write_text(f"{stack.read_text()}terraform: {named}\n")
    world.commit("Look for a token")
    propose(world, forge)

    others = {
        "GITLAB_TOKEN": "glpat-another-token-of-the-job",
        "CI_JOB_TOKEN": "a-third-token-of-the-job",
        "GITHUB_ENV": str(tmp_path / "env"),
    }
    ended = comment(world, forge, **others)

    assert "GITHUB_REPOSITORY=" in seen.read_text(), ended.said
    assert not any(each in seen.read_text() for each in (TOKEN, *others.values()))


def test_a_request_is_merged_into_the_base_of_now(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Not into the one that was checked out; that nothing is left to merge, or the two conflict by now, is told.

    A success of merging into another branch, which has it already, takes nothing of that back.
    """
    before = small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    change(world, "fancy")
    propose(world, forge)
    git(world.root, "checkout", "--quiet", "main")
    bases = []
    for file, text in (("more", "quiet"), ("texts", "loud")):
        world.manifests(f"platform/{file}.yaml", config_map("platform-2", {"text": text}))
        bases.append(world.commit(f"Say {text}"))
    git(world.root, "reset", "--quiet", "--hard", before)

    git(world.root, "push", "--quiet", "origin", f"{bases[0]}:refs/heads/main")
    merged = comment(world, forge)
    (text,) = forge.texts
    git(world.root, "push", "--quiet", "--force", "origin", "change:refs/heads/main")
    nothing = comment(world, forge)
    untouched = standing(forge)
    git(world.root, "push", "--quiet", "--force", "origin", f"{bases[1]}:refs/heads/main")
    stale = comment(world, forge, "--refresh")
    conflict = comment(world, forge)
    (conflicting,) = forge.texts
    git(world.root, "push", "--quiet", "origin", "change:refs/heads/release")
    forge.base = "release"
    elsewhere = comment(world, forge)

    assert (merged.code, nothing.code, conflict.code) == (0, 0, 1), merged.said + conflict.said
    assert untouched == {
        "orchestrator": "success: Merging changes nothing",
        f"orchestrator: {world.name}/default": "success: not touched any more",
    }
    assert f"merged into `{bases[0][:10]}`" in text
    assert "platform-2" in text
    assert "is stale: all of it (it conflicts with main by now)" in stale.stdout
    assert f"the two conflict in stacks/{world.name}/platform/texts.yaml" in conflicting
    assert elsewhere.code == 0, elsewhere.said
    assert standing(forge)["orchestrator"].startswith("pending: stale: what was planned since is ")
    assert standing(forge)["orchestrator (into release)"] == "success: Merging changes nothing"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("GITHUB_REPOSITORY", "--repository OWNER/NAME"),
        ("GITHUB_REF", "--request NUMBER"),
        ("GITHUB_TOKEN", "ORCHESTRATOR_FORGE_TOKEN"),
    ],
)
def test_what_is_missing_is_named(world: World, missing: str, said: str) -> None:
    """Outside of a workflow, what the environment does not say has to be said."""
    given = {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": f"refs/pull/{NUMBER}/merge",
        "GITHUB_TOKEN": TOKEN,
        "GH_TOKEN": "",
    }

    ended = world.run("comment", directory=None, **(given | {missing: ""}))

    assert ended.code == 64
    assert said in ended.stderr


def test_a_merge_request_has_its_comment_too(world: World, tmp_path: Path) -> None:
    """In a pipeline of GitLab, all is found in what that says."""
    small_stack(world)
    add_origin(world, tmp_path)
    change(world, "fancy")
    git(world.root, "push", "--quiet", "origin", f"HEAD:refs/merge-requests/{NUMBER}/head")
    held = SmallGitLab(head=git(world.root, "rev-parse", "HEAD"))

    with serving(held):
        ended = world.run(
            "comment",
            GITLAB_CI="true",
            CI_API_V4_URL=held.api,
            CI_PROJECT_PATH=REPOSITORY,
            CI_MERGE_REQUEST_IID=str(NUMBER),
            ORCHESTRATOR_FORGE_TOKEN=TOKEN,
        )

    assert ended.code == 0, ended.said
    assert "### Merging: 4 to create" in held.texts[0]
    assert [each["state"] for each in held.statuses] == [
        "pending",
        "pending",
        "success",
        "success",
    ]


def test_an_answer_is_kept_when_the_comment_is_refused(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """The conversation is locked: page, summary, JSON and statuses have the plan, and the run fails."""
    small_stack(world)
    add_origin(world, tmp_path)
    change(world, "fancy")
    propose(world, forge)
    forge.troubles = [Trouble("POST", "comments", 403, message="Unable to create comment: locked")]
    page, summary = tmp_path / "plan.html", tmp_path / "summary.md"

    ended = comment(
        world, forge, "--html", str(page), "--output", "json", GITHUB_STEP_SUMMARY=str(summary)
    )

    assert ended.code == 1, ended.said
    assert forge.texts == []
    assert "locked" in ended.stderr
    assert [each["stack"] for each in ended.json["stacks"]] == [world.name]
    assert "4 to create" in summary.read_text()
    assert "fancy" in page.read_text()
    assert standing(forge) == {
        f"orchestrator: {world.name}/default": "pending: 4 to create",
        "orchestrator": "failure: the comment could not be written, so plan again",
    }


def test_an_answer_is_kept_when_statuses_are_refused(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """From the first on: comment, page and JSON have the plan all the same, and the run fails."""
    _proposed(world, forge, tmp_path)
    forge.troubles = [Trouble("POST", "/statuses/", 422, message="Not for you", times=99)]
    page = tmp_path / "plan.html"

    ended = comment(world, forge, "--html", str(page), "--output", "json")

    assert ended.code == 1, ended.said
    assert "Not for you" in ended.stderr
    assert "### Merging: 4 to create" in forge.texts[0]
    assert [each["stack"] for each in ended.json["stacks"]] == [world.name]
    assert "fancy" in page.read_text()


def test_a_comment_is_never_longer_than_its_forge_allows(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Whoever asks for more gets as much as there is, and less when less is asked for; the rest is kept elsewhere."""
    small_stack(world)
    add_origin(world, tmp_path)
    git(world.root, "checkout", "--quiet", "-b", "change")
    long = {f"key-{number}": f"{number} {'long ' * 70}" for number in range(4)}
    texts = [config_map(f"text-{number}", long) for number in range(100)]
    world.manifests("platform/more.yaml", *texts)
    world.commit("Say much")
    propose(world, forge)

    page, summary = tmp_path / "plan.html", tmp_path / "summary.md"
    kept = ("--html", str(page), "--output", "json")
    ended = comment(world, forge, "--limit", "1000000", *kept, GITHUB_STEP_SUMMARY=str(summary))
    longest, cut = len(forge.texts[0]), "# left out: " in forge.texts[0]
    shorter = comment(world, forge, "--limit", "6000")

    assert ended.code == shorter.code == 0, ended.said + shorter.said
    assert 60_000 < longest <= 65_536
    assert 4_000 < len(forge.texts[0]) <= 6_000
    for text in (ended.stdout, page.read_text(), summary.read_text()):
        assert all(f"ConfigMap {world.name}/text-{number}" in text for number in range(100))
    assert (cut, "# left out: " in summary.read_text()) == (True, False)
    assert ended.stdout.count("long " * 70) == page.read_text().count("long " * 70) == 400


def test_a_pipeline_stops_at_what_a_merge_would_do(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """With 3 for what `--fail-on` names, once the answer is where it belongs; what failed before that is 1."""
    small_stack(world)
    world.manifests("platform/gone.yaml", config_map("gone"))
    world.commit("Add more")
    world.apply()
    add_origin(world, tmp_path)
    git(world.root, "push", "--quiet", "origin", "refs/orchestrator/*:refs/orchestrator/*")
    git(world.root, "checkout", "--quiet", "-b", "change")
    git(world.root, "rm", "--quiet", "--", f"stacks/{world.name}/platform/gone.yaml")
    change(world, "fancy")
    propose(world, forge)

    named = comment(world, forge, "--fail-on", "replace", "--fail-on", "destroy")
    others = comment(world, forge, "--fail-on", "data-loss", "--fail-on", "drift")
    shown = world.run("preview", "--base", "main", "--fail-on", "destroy", "--output", "json")
    stands = standing(forge)["orchestrator"]
    change(world, "${{ vars.nothing }}")
    propose(world, forge)
    failed = comment(world, forge, "--fail-on", "destroy")

    assert (named.code, others.code, shown.code, failed.code) == (3, 0, 3, 1), named.said
    for ended in (named, shown):
        assert "The plan has what --fail-on names: destroy." in ended.stderr
    assert "Comment written: " in named.stdout
    assert stands == "success: Merging: 1 to delete, 1 to update"
    assert [each["stack"] for each in shown.json["stacks"]] == [world.name]


def test_jobs_of_several_configurations_have_a_comment_each(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """Each finds its own again, and has statuses of its own; none says anything of the others."""
    _proposed(world, forge, tmp_path)
    for name in ("eu", "us"):
        comment(world, forge, "--configuration", name)
    before = [note.id for note in forge.notes]
    change(world, "fancier")
    head = propose(world, forge)

    ended = comment(world, forge, "--configuration", "us")
    refreshed = comment(world, forge, "--configuration", "us", "--refresh")
    nobody = comment(world, forge, "--configuration", "")

    assert ended.code == refreshed.code == 0, ended.said + refreshed.said
    assert [note.id for note in forge.notes] == before
    eu, us = forge.texts
    assert ("fancier" in eu, "fancier" in us) == (False, True)
    assert f"`{head[:10]}` merged into" in us
    assert {*standing(forge)} == {"orchestrator (us)", f"orchestrator (us): {world.name}/default"}
    assert nobody.code == 64
    assert "--configuration" in nobody.stderr


def _go_on_in_base(world: World) -> None:
    git(world.root, "checkout", "--quiet", "main")
    world.manifests("platform/later.yaml", config_map("later"))
    world.commit("Go on meanwhile")
    git(world.root, "push", "--quiet", "origin", "main")
    git(world.root, "checkout", "--quiet", "change")


def _by_katherine(world: World, command: str) -> Ended:
    return world.run(
        *command.split(), GIT_AUTHOR_NAME="Katherine", GIT_AUTHOR_EMAIL="katherine@example.org"
    )


def test_a_request_passes_once_its_plan_may_be_applied(
    world: World, forge: Served, tmp_path: Path
) -> None:
    """A loss is a failure and a missing approval pending, until somebody else approved just this plan."""
    mine = f"orchestrator: {world.name}/default"
    small_stack(world)
    stack = world.root / "stacks" / world.name / "stack.yaml"
    policies = "guards: {approvals: 1}\nrisks: {ConfigMap: data-loss}\n"
    stack.write_text(f"{stack.read_text()}{policies}")
    world.manifests("platform/gone.yaml", config_map("gone"))
    world.commit("Ask for approvals")
    world.apply("--acknowledge", "unapproved")
    add_origin(world, tmp_path)
    git(world.root, "push", "--quiet", "origin", "refs/orchestrator/*:refs/orchestrator/*")
    git(world.root, "checkout", "--quiet", "-b", "change")
    change(world, "fancy")
    propose(world, forge)
    comment(world, forge)
    waiting = standing(forge)
    git(world.root, "rm", "--quiet", "--", f"stacks/{world.name}/platform/gone.yaml")
    world.commit("Take it away")
    propose(world, forge)
    _go_on_in_base(world)
    comment(world, forge)
    refused = standing(forge)

    told = re.search(r"^orchestrator (approve .*)$", forge.texts[0], re.MULTILINE)
    assert told
    of_the_branch = _by_katherine(world, told[1])
    git(world.root, "merge", "--quiet", "origin/main")
    approved = _by_katherine(world, told[1])
    ended = comment(world, forge, "--output", "json")

    assert ended.code == approved.code == 0, approved.said + ended.said
    assert of_the_branch.code == 1
    assert "merge the base into your checkout first" in of_the_branch.stderr
    assert waiting[mine] == "pending: needs approval, 1 to update"
    assert waiting["orchestrator"].startswith("pending: Merging: 1 plan needs approval")
    assert refused[mine] == "failure: refused, 1 loses data, 1 to delete, 1 to create, 1 to update"
    assert standing(forge)[mine] == "success: 1 loses data, 1 to delete, 1 to create, 1 to update"
    assert standing(forge)["orchestrator"].startswith("success: ")
    assert "! approved all the same, just as it is, by Katherine\n" in forge.texts[0]
    (plan,) = ended.json["stacks"]
    assert (plan["ruling"], plan["approved_by"]) == ("passes", ["Katherine"])
