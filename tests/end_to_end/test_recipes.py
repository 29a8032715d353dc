"""The recipes for pipelines: what they ask for, and their own scripts, run as each forge runs them."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings
from tests.docs.pages import blocks
from tests.end_to_end import pipelines
from tests.end_to_end.commands import Ended
from tests.end_to_end.pipelines import ROOT, expressions
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, small_stack
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, Served, serving
from tests.forges.small_forges import SmallGitea, SmallGitHub, SmallGitLab
from tests.git import git
from tests.infrastructure.mirror import ADDRESS, Mirror, requiring

Json = Any
_WORKFLOWS = ("recipes/github.yaml", "recipes/gitea.yaml")
_ON_MAIN = {"GITHUB_REF": "refs/heads/main"}
_FORK = ".github/workflows/plan-fork.yaml"
_LINTER = Program(
    name="actionlint",
    title="actionlint",
    sources=Path(__file__).with_name("golang") / "actionlint",
    package="github.com/rhysd/actionlint/cmd/actionlint",
)


def _propose(world: World, forge: Served, ref: str) -> None:
    """Give the repository a remote, and a change that somebody asks to be merged."""
    small_stack(world)
    remote = world.root.with_name("origin.git")
    git(world.root, "init", "--quiet", "--bare", str(remote))
    git(world.root, "remote", "add", "origin", str(remote))
    git(world.root, "push", "--quiet", "origin", "main")
    git(world.root, "checkout", "--quiet", "-b", "change")
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "fancy"}))
    forge.head = world.commit("Say fancy")
    git(world.root, "push", "--quiet", "origin", f"HEAD:{ref}")
    git(world.root, "checkout", "--quiet", "main")


def _of_actions(world: World, forge: Served) -> dict[str, str]:
    """Return the variables of a job as GitHub and Gitea set them."""
    return {
        **world.variables,
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.api,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": f"refs/pull/{NUMBER}/merge",
        "GITHUB_OUTPUT": str(world.root.with_name("output")),
        "GITHUB_STEP_SUMMARY": str(world.root.with_name("summary.md")),
    }


def _action_steps() -> Json:
    return pipelines.read("action.yml")["runs"]["steps"]


def _values_of_the_action(kept: Path) -> dict[str, str]:
    """Return what stands for the expressions of the action; ``kept`` is where it leaves its files."""
    return {
        "github.action_path": str(ROOT),
        "runner.temp": str(kept),
        "inputs.token": TOKEN,
        "inputs.directory": ".",
        "inputs.configuration": "default",
        "inputs.fail-on": "data-loss destroy",
        "inputs.refresh": "false",
        "inputs.allow-forks": "false",
        "inputs.head": "",
        "inputs.request || github.event.pull_request.number": str(NUMBER),
    }


def _steps_of_gitea() -> Json:
    (job,) = pipelines.read("recipes/gitea.yaml")["jobs"].values()
    return job["steps"]


_OF_GITEA = {
    "vars.ORCHESTRATOR_HOME || '/opt/orchestrator'": str(ROOT),
    "vars.ORCHESTRATOR_SOURCE": "",
    "vars.ORCHESTRATOR_VERSION": "",
    "secrets.ORCHESTRATOR_FORGE_TOKEN || github.token": TOKEN,
    "github.event.pull_request.number": str(NUMBER),
}


def _of_gitlab(world: World, forge: Served) -> dict[str, str]:
    """Return the variables of a job as GitLab sets them, with those that the recipe sets."""
    project = {"CI_PROJECT_DIR": str(world.root)}
    named = pipelines.read("recipes/gitlab.yml")[".orchestrator"]["variables"]
    return {
        **world.variables,
        **{name: Template(text).safe_substitute(project) for name, text in named.items()},
        **project,
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": forge.api,
        "CI_PROJECT_PATH": REPOSITORY,
        "CI_MERGE_REQUEST_IID": str(NUMBER),
        "ORCHESTRATOR_FORGE_TOKEN": TOKEN,
        "ORCHESTRATOR_HOME": str(ROOT),
    }


def _scripts_of_gitlab(job: str) -> Json:
    recipe = pipelines.read("recipes/gitlab.yml")
    before = recipe[".orchestrator"]["before_script"]
    return [{"run": each} for each in (*before, *recipe[job]["script"])]


def _scripts(value: Json) -> Iterator[str]:
    """Yield all scripts of a recipe, however deep they are."""
    if isinstance(value, list):
        for each in value:
            yield from _scripts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in {"run", "script", "before_script"}:
                yield from [each] if isinstance(each, str) else each
            else:
                yield from _scripts(each)


@pytest.mark.integration
def test_the_action_comments_and_keeps_the_plans(world: World) -> None:
    """Its own steps find the request, comment on it, and leave page and JSON where it says."""
    forge = SmallGitHub()
    _propose(world, forge, f"refs/pull/{NUMBER}/head")
    kept = world.root.with_name("kept")
    kept.mkdir()
    values = _values_of_the_action(kept)

    with serving(forge):
        steps = [*pipelines.steps(_action_steps(), values)]
        ended = pipelines.run(steps, world.root, _of_actions(world, forge))
        others = {
            "inputs.refresh": "true",
            "inputs.request || github.event.pull_request.number": "",
        }
        steps = [*pipelines.steps(_action_steps(), {**values, **others})]
        after = pipelines.run(steps, world.root, _of_actions(world, forge) | _ON_MAIN)
        plans = (kept / "plans.json").read_text()
        forge.from_fork = True
        looked_at = {"inputs.allow-forks": "true", "inputs.head": "0" * 40}
        steps = [*pipelines.steps(_action_steps(), {**values, **looked_at})]
        fork = pipelines.run(steps, world.root, _of_actions(world, forge))

    assert fork.code == 1
    assert f"by now, and {'0' * 10} is what is to be planned" in fork.stderr
    assert ended.code == after.code == 0, ended.said + after.said
    assert after.stdout.endswith(f"request {NUMBER} is as its comment says\n")
    assert "### Merging: 4 to create\n" in forge.texts[0]
    assert json.loads(plans)["stacks"][0]["stack"] == world.name
    assert "<h1>Merging: 4 to create</h1>" in (kept / "plans.html").read_text()
    assert (
        world.root.with_name("output").read_text().splitlines()
        == [
            f"page={kept}/plans.html",
            f"plans={kept}/plans.json",
        ]
        * 2
    )
    assert TOKEN not in ended.said


@pytest.mark.integration
def test_the_workflow_of_gitea_comments(world: World) -> None:
    """There nothing but the forge's own steps is needed."""
    forge = SmallGitea()
    _propose(world, forge, f"refs/pull/{NUMBER}/head")
    with serving(forge):
        variables = _of_actions(world, forge) | {"GITEA_ACTIONS": "true"}
        steps = pipelines.steps(_steps_of_gitea(), _OF_GITEA)
        ended = pipelines.run([*steps], world.root, variables)
        values = {**_OF_GITEA, "github.event.pull_request.number": ""}
        steps = pipelines.steps(_steps_of_gitea(), values)
        after = pipelines.run([*steps], world.root, variables | _ON_MAIN)

    assert ended.code == after.code == 0, ended.said + after.said
    assert after.stdout.endswith(f"request {NUMBER} is as its comment says\n")
    assert "### Merging: 4 to create\n" in forge.texts[0]
    assert (world.root / "plans.html").exists()


@pytest.mark.integration
def test_the_job_of_gitlab_comments(world: World) -> None:
    """Its script finds all it needs in the variables of the pipeline and of the project."""
    forge = SmallGitLab()
    _propose(world, forge, f"refs/merge-requests/{NUMBER}/head")
    artifacts = pipelines.read("recipes/gitlab.yml")["plan"]["artifacts"]

    with serving(forge):
        variables = _of_gitlab(world, forge)
        steps = [*pipelines.steps(_scripts_of_gitlab("plan"), {})]
        ended = pipelines.run(steps, world.root, variables)
        steps = [*pipelines.steps(_scripts_of_gitlab("refresh"), {})]
        after = pipelines.run(steps, world.root, {**variables, "CI_MERGE_REQUEST_IID": ""})

    assert ended.code == after.code == 0, ended.said + after.said
    assert f"request {NUMBER} is as its comment says" in after.stdout
    assert "### Merging: 4 to create\n" in forge.texts[0]
    assert all((world.root / name).exists() for name in artifacts["paths"])


_ADDING_A_STACK = """version: 1
name: NAME
modules: {nothing: {source: ./module}}
"""


def _require_a_provider(world: World, forge: Served, folder: Path, ref: str) -> dict[str, str]:
    """Add a stack to the request that needs a provider; return the variables by which it is found."""
    said = subprocess.run(["terraform", "version"], check=True, capture_output=True, text=True)
    (platform,) = re.findall(r"^on (\S+)", said.stdout, re.MULTILINE)
    mirror = Mirror(folder, platform)
    mirror.pack("1.0.0", megabytes=1)
    git(world.root, "checkout", "--quiet", "change")
    added = f"{world.name}-b"
    world.write(f"../{added}/stack.yaml", _ADDING_A_STACK.replace("NAME", added))
    world.write(f"../{added}/module/main.tf", requiring("1.0.0"))
    forge.head = world.commit("Add a stack")
    git(world.root, "push", "--quiet", "origin", f"HEAD:{ref}")
    git(world.root, "checkout", "--quiet", "main")
    return {"TF_CLI_CONFIG_FILE": str(mirror.configuration)}


def _kept_by_actions(steps: Json, home: Path) -> list[Path]:
    """Return what the step keeps that is for that."""
    (step,) = (each for each in steps if each.get("uses", "").startswith("actions/cache@"))
    return [Path(line.replace("~", str(home), 1)) for line in step["with"]["path"].split()]


@pytest.mark.integration
@pytest.mark.parametrize("file", ["action.yml", "recipes/gitea.yaml", "recipes/gitlab.yml"])
def test_providers_are_kept_between_runs(world: World, tmp_path: Path, file: str) -> None:
    """They are most of what a run fetches: what the recipe keeps has them, and nothing of the stacks."""
    forge = {"action.yml": SmallGitHub, "recipes/gitea.yaml": SmallGitea}.get(file, SmallGitLab)()
    ref = f"refs/{'merge-requests' if 'gitlab' in file else 'pull'}/{NUMBER}/head"
    home = tmp_path / "home"
    home.mkdir()
    _propose(world, forge, ref)
    wanted = {"HOME": str(home), **_require_a_provider(world, forge, tmp_path, ref)}

    with serving(forge):
        variables = {**_of_actions(world, forge), **wanted}
        if file == "action.yml":
            steps = [*pipelines.steps(_action_steps(), _values_of_the_action(tmp_path))]
            kept = _kept_by_actions(_action_steps(), home)
        elif file == "recipes/gitea.yaml":
            variables |= {"GITEA_ACTIONS": "true"}
            steps = [*pipelines.steps(_steps_of_gitea(), _OF_GITEA)]
            kept = _kept_by_actions(_steps_of_gitea(), home)
        else:
            variables = {**_of_gitlab(world, forge), **wanted}
            steps = [*pipelines.steps(_scripts_of_gitlab("plan"), {})]
            cache = pipelines.read(file)[".orchestrator"]["cache"]
            kept = [world.root / path for path in cache["paths"]]
        ended = pipelines.run(steps, world.root, variables)

    found = [each for folder in kept for each in folder.rglob("*")]
    assert f"{world.name}-b/default" in forge.texts[0], ended.said
    assert any(f"{ADDRESS}/1.0.0" in str(each) for each in found), ended.said
    assert not [each for each in found if world.name in each.name]


@pytest.mark.parametrize("file", ["action.yml", "recipes/gitlab.yml", "recipes/gitea.yaml"])
def test_no_expression_stands_in_a_script(file: str) -> None:
    """What a request controls would be read as a part of the script: it comes in by variables alone."""
    scripts = [*_scripts(pipelines.read(file))]

    assert scripts
    assert [found for script in scripts for found in expressions(script)] == []


@pytest.mark.parametrize("file", ["action.yml", *_WORKFLOWS])
def test_nothing_that_a_request_says_of_itself_is_used(file: str) -> None:
    """Its title, text, branch and author are whatever somebody likes; its number and its base are not."""
    used = {found for found in expressions((ROOT / file).read_text()) if "github.event." in found}

    assert used <= {
        "github.event.pull_request.number",
        "inputs.request || github.event.pull_request.number",
        "github.event.pull_request.number || github.ref",
        "github.event.pull_request.base.sha",
        "github.event.pull_request.base.sha || github.sha",
        "github.event.action == 'edited' && !github.event.changes.base && '-words' || ''",
    }


@pytest.mark.parametrize("file", _WORKFLOWS)
def test_requests_from_forks_do_not_run(file: str) -> None:
    """Whoever forked is not run with what the job may; what a push to the base starts runs no code of a request."""
    recipe = pipelines.read(file)

    of_this = "github.event.pull_request.head.repo.full_name == github.repository"
    assert recipe["jobs"]["plan"]["if"].endswith(of_this)
    if "gitea" in file:  # anybody who may read can push such a request into the repository itself
        in_a_branch = "github.event.pull_request.head.label != '' && "
        assert recipe["jobs"]["plan"]["if"].endswith(f"{in_a_branch}{of_this}")
    assert [*recipe["on"]] == ["pull_request", "push", "schedule"]


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("recipes/github.yaml", "github.event.changes.base"),
        ("recipes/gitea.yaml", "github.event.changes.ref"),
    ],
)
def test_a_request_with_another_base_is_planned_again(file: str, changed: str) -> None:
    """Forges tell it as an edit, as they do other words in its title, which start nothing and end nothing."""
    recipe = pipelines.read(file)

    assert "edited" in recipe["on"]["pull_request"]["types"]
    assert f"(github.event.action != 'edited' || {changed})" in recipe["jobs"]["plan"]["if"]
    if "concurrency" in recipe:
        edits = f"${{{{ github.event.action == 'edited' && !{changed} && '-words' || '' }}}}"
        assert recipe["concurrency"]["group"].endswith(edits)


def _holds(condition: str, values: dict[str, str]) -> bool:
    """Return whether a condition of a pipeline holds; a variable that is not there is empty."""
    words = re.sub(
        r"""("[^"]*"|'[^']*')|\$?\b[A-Za-z_][\w.]*""",
        lambda found: found[1] or repr(values.get(found[0], "")),
        condition,
    )
    return bool(eval(words.replace("&&", " and ").replace("||", " or ")))  # noqa: S307  our own


@pytest.mark.parametrize(
    ("branch", "protected", "runs"),
    [("main", "", True), ("release", "true", True), ("change", "", False), ("", "true", False)],
)
def test_a_push_to_whatever_requests_are_merged_into_says_what_is_stale(
    branch: str, protected: str, *, runs: bool
) -> None:
    """The default branch and every protected one, where a status decides; no branch of a request, and no tag."""
    of_gitlab = {
        "$CI_PIPELINE_SOURCE": "push",
        "$CI_COMMIT_BRANCH": branch,
        "$CI_DEFAULT_BRANCH": "main",
        "$CI_COMMIT_REF_PROTECTED": protected or "false",
    }
    of_github = {
        "github.event_name": "push",
        "github.ref_name": branch,
        "github.event.repository.default_branch": "main",
        "github.ref_protected": protected,
    }
    rules = [each["if"] for each in pipelines.read("recipes/gitlab.yml")["refresh"]["rules"]]
    workflow = pipelines.read("recipes/github.yaml")

    assert any(_holds(each, of_gitlab) for each in rules) is runs
    assert workflow["on"]["push"] == {"branches": ["**"]}  # and so no tags
    if branch:
        assert _holds(workflow["jobs"]["refresh"]["if"], of_github) is runs


def test_what_no_push_tells_is_found_by_the_clock() -> None:
    """What people and agents apply makes plans stale, and comes with no push."""
    rules = [each["if"] for each in pipelines.read("recipes/gitlab.yml")["refresh"]["rules"]]
    assert any(_holds(each, {"$CI_PIPELINE_SOURCE": "schedule"}) for each in rules)
    for file, job in (("github", "refresh"), ("gitea", "plan")):
        recipe = pipelines.read(f"recipes/{file}.yaml")
        assert [each["cron"] for each in recipe["on"]["schedule"]] == ["17 * * * *"]
        assert _holds(recipe["jobs"][job]["if"], {"github.event_name": "schedule"})


def test_no_refresh_waits_in_the_place_of_another_branch() -> None:
    """Of those that wait in one group the last one stays: that of a branch of a request would do nothing."""
    group = pipelines.read("recipes/github.yaml")["concurrency"]["group"]

    assert group.startswith("plan-${{ github.event.pull_request.number || github.ref }}")


def test_what_a_push_to_the_base_began_is_not_cancelled() -> None:
    """Whoever applies there would be stopped in the middle by the next push; a plan is begun anew instead."""
    concurrency = pipelines.read("recipes/github.yaml")["concurrency"]

    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_a_job_may_do_as_little_as_it_can() -> None:
    """It reads the code, and writes comments and statuses."""
    recipe = pipelines.read("recipes/github.yaml")

    assert recipe["permissions"] == {}
    for job in recipe["jobs"].values():
        assert job["permissions"] == {
            "contents": "read",
            "pull-requests": "write",
            "statuses": "write",
        }
    # There comments are those of an issue; who may set statuses may push, too, so that another token does that.
    assert pipelines.read("recipes/gitea.yaml")["permissions"] == {
        "contents": "read",
        "issues": "write",
        "pull-requests": "write",
    }


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-actions", ["action.yml"]),
        ("vendor.github-workflows", [*_WORKFLOWS]),
        ("vendor.gitlab-ci", ["recipes/gitlab.yml"]),
    ],
)
def test_recipes_are_what_forges_publish_schemas_of(schema: str, files: list[str]) -> None:
    """Misspelt keys and values of the wrong kind are found by the schemas that editors use, too."""
    program = Path(sys.executable).with_name("check-jsonschema")

    ended = _ended(str(program), "--builtin-schema", schema, *files, directory=ROOT)

    assert ended.code == 0, ended.said


@pytest.mark.integration
def test_workflows_pass_their_linter(tmp_path: Path) -> None:
    """It knows which expressions there are where, and which inputs our own action has."""
    linter = built(_LINTER, Settings.read(), on_progress=print, stop=Stop())
    git(tmp_path, "init", "--quiet")
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text())
    text = (ROOT / "recipes" / "github.yaml").read_text()
    (workflows / "plan.yaml").write_text(text.replace("acme/orchestrator@main", "./"))
    (workflows / "gitea.yaml").write_text((ROOT / "recipes" / "gitea.yaml").read_text())
    (fork,) = (block.text for block in blocks("docs/requests.md") if _FORK in block.text)
    (workflows / "fork.yaml").write_text(fork.replace("acme/orchestrator@main", "./"))

    # Gitea stores artefacts as version 3 of that action does, which GitHub gave up.
    ended = _ended(str(linter), "-no-color", "-ignore", "upload-artifact@v3", directory=tmp_path)

    assert ended.code == 0, ended.said


def test_the_guide_leads_to_every_recipe() -> None:
    """Whoever looks for one finds what is tested here."""
    guide = (ROOT / "docs" / "guide.md").read_text()

    for file in (*_WORKFLOWS, "recipes/gitlab.yml", "action.yml"):
        assert f"(../{file})" in guide, file


@pytest.mark.integration
def test_the_hook_checks_stacks_before_a_commit(world: World) -> None:
    """pre-commit runs it as the file that we publish says; what is wrong keeps the commit from being made."""
    small_stack(world)
    (hook,) = pipelines.read(".pre-commit-hooks.yaml")
    local = {"repo": "local", "hooks": [{**hook, "language": "system"}]}
    (world.root / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [local]}))
    world.commit("Check stacks")

    good = _hooked(world, "run", "--all-files")
    world.declare({"base": {"source": "./nowhere"}}, None)
    world.commit("Break it")
    bad = _hooked(world, "run", "--all-files")
    (world.root / "README").write_text("nothing of it\n")
    git(world.root, "add", "README")
    untouched = _hooked(world, "run")

    assert good.code == 0, good.said
    assert "validate stacks" in good.stdout
    assert bad.code == 1
    assert "./nowhere" in bad.stdout
    assert "no files to check" in untouched.stdout


@pytest.mark.soak
@pytest.mark.integration
def test_pre_commit_installs_the_hook_by_itself(world: World) -> None:
    """From nothing but this repository, with the packages that it needs."""
    small_stack(world)

    ended = _hooked(world, "try-repo", str(ROOT), "--all-files")

    assert ended.code == 0, ended.said


def _ended(*command: str, directory: Path) -> Ended:
    """Run a program to its end."""
    ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return Ended(code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


def _hooked(world: World, *arguments: str) -> Ended:
    """Run pre-commit as a person does."""
    folder = Path(sys.executable).parent
    variables = {
        **world.variables,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(world.root.with_name("hooks")),
    }
    step = pipelines.Step(run=shlex.join(("pre-commit", *arguments)), variables={}, directory=".")
    return pipelines.run([step], world.root, variables)
