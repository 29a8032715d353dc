"""The project's settings, finding stacks and choosing one."""

from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, UsageError
from orchestrator.reports.mistakes import render
from orchestrator.stack.load import (
    Project,
    StackFile,
    choose_stack,
    find_stacks,
    load_project,
    load_stack,
    read_environments,
)
from orchestrator.stack.model import Ledger, Terraform
from tests.stack.stack_files import told, write


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    """The file is optional."""
    assert load_project(tmp_path) == Project()


def test_everything_that_a_project_can_say(tmp_path: Path) -> None:
    """Patterns of stacks, defaults, and what stacks may use."""
    write(
        tmp_path,
        {
            "orchestrator.yaml": (
                "version: 1\n"
                "stacks: [platform/*.yaml]\n"
                "state: {backend: s3, config: {bucket: states, key: '${{ stack }}'}}\n"
                "terraform: {version: '>= 1.9'}\n"
                "ledger: {remote: origin}\n"
                "allow: {sources: ['git::https://example.com/*'], clusters: [prod-*]}\n"
            )
        },
    )
    project = load_project(tmp_path)
    assert project.stacks == ("platform/*.yaml",)
    assert project.state is not None
    assert (project.state.backend, project.state.config["bucket"]) == ("s3", "states")
    assert (project.terraform, project.ledger) == (
        Terraform(version=">= 1.9"),
        Ledger(remote="origin"),
    )
    assert project.allows_source("git::https://example.com/modules.git//vpc")
    assert not project.allows_source("git::https://elsewhere.example/modules.git")
    assert project.allows_cluster("prod-eu")
    assert not project.allows_cluster("dev")


def test_all_mistakes_of_a_project_are_told_at_once(tmp_path: Path) -> None:
    """Shape, expressions and patterns are checked like those of a stack."""
    write(
        tmp_path,
        {
            "orchestrator.yaml": (
                "stack: [a]\nstacks: [../x/*.yaml, /y, 5]\nledger: {remot: a}\n"
                "allow: {sources: x}\nterraform: {version: '${{ vars.x }}'}\ncluster: {context: a}\n"
            )
        },
    )
    with pytest.raises(InvalidStack) as caught:
        load_project(tmp_path)
    assert [told(mistake) for mistake in caught.value.mistakes] == [
        "1:1 unknown key 'stack' | did you mean 'stacks'?",
        "2:10 '../x/*.yaml' leaves the repository | write patterns relative to the repository's root",
        "2:23 '/y' leaves the repository | write patterns relative to the repository's root",
        '2:27 stacks[2] must be text, not the number 5 | put quotes around it: "5"',
        "3:10 unknown key 'remot' in ledger | did you mean 'remote'?",
        "4:18 allow.sources must be a list, not the text 'x' | write [x]",
        "5:22 terraform.version cannot hold an expression | write the value itself",
        (
            "6:1 unknown key 'cluster' | known here: allow, guards, ledger, on_failure, risks, stacks, state,"
            " terraform, version"
        ),
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with two stacks, one of which is not named after its directory."""
    return write(
        tmp_path,
        {
            "stacks/shop/stack.yaml": "version: 1\nname: 'shop'  # the web shop\n",
            "stacks/platform-old/stack.yaml": "version: 1\nname: platform\n",
            "stacks/notes.txt": "",
        },
    )


def test_stacks_are_found_by_pattern_and_sorted_by_name(root: Path) -> None:
    """A stack's name is the one in its file."""
    assert find_stacks(root, Project()) == (
        StackFile(name="platform", file="stacks/platform-old/stack.yaml"),
        StackFile(name="shop", file="stacks/shop/stack.yaml"),
    )


@pytest.mark.parametrize(
    "text",
    [
        '"name": store\n',
        "name : store\n",
        "{version: 1, name: store}\n",
        "  version: 1\n  name: store\n",
        "? name\n: store\n",
    ],
)
def test_a_name_is_known_however_it_is_written(root: Path, text: str) -> None:
    """Whoever judges, and whoever keeps ledgers apart, knows a stack by the name that it is applied by."""
    write(root, {"stacks/shop/stack.yaml": text})
    assert [item.name for item in find_stacks(root, Project())] == ["platform", "store"]

    write(root, {"stacks/copy/stack.yaml": "name: store\n"})
    with pytest.raises(InvalidStack) as caught:
        find_stacks(root, Project())
    assert {each.message for each in caught.value.mistakes} == {"2 stacks are named 'store'"}


def test_a_name_that_misleads_is_a_mistake(root: Path) -> None:
    """A line inside of a text looks like the name, which would be another stack's."""
    text = 'version: 1\nvars: {a: "\nname: other\n"}\nname: platform\n'
    write(root, {"stacks/shop/stack.yaml": text})
    (found,) = (each for each in find_stacks(root, Project()) if "shop" in each.file)
    with pytest.raises(InvalidStack) as caught:
        load_stack(root, found, None, Project())
    assert [told(mistake) for mistake in caught.value.mistakes] == [
        (
            "5:7 this stack is named 'platform', and looks as if it were 'other'"
            " | write 'name: platform' on a line of its own, and no other line like it"
        )
    ]


def test_a_file_that_cannot_be_read_is_found_all_the_same(root: Path) -> None:
    """A stack with a syntax error is known by its directory, so that the mistake can be told."""
    (root / "stacks/shop/stack.yaml").write_bytes(b"\xff: [")
    assert "shop" in [item.name for item in find_stacks(root, Project())]


@pytest.mark.parametrize(
    "wanted",
    ["shop", "stacks/shop", "stacks/shop/", "./stacks/shop", "stacks/shop/stack.yaml"],
)
def test_a_stack_is_chosen_by_name_directory_or_file(root: Path, wanted: str) -> None:
    """Whatever a person types first works."""
    assert choose_stack(root, Project(), wanted).name == "shop"
    assert choose_stack(root, Project(), str(root / "stacks/shop")).name == "shop"


def test_the_only_stack_need_not_be_named(tmp_path: Path) -> None:
    """One stack is chosen by itself, also one at the root."""
    write(tmp_path, {"stack.yaml": "version: 1\nname: alone\n"})
    assert choose_stack(tmp_path, Project(), None) == StackFile(name="alone", file="stack.yaml")
    assert choose_stack(tmp_path, Project(), ".").name == "alone"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        (None, "there are 2 stacks here: platform, shop", "name the one that is meant"),
        ("shp", "there is no stack 'shp'", "did you mean 'shop'?"),
        (
            "stacks/nothing",
            "there is no stack 'stacks/nothing'",
            "known here: platform, shop",
        ),
        (
            "/elsewhere",
            "there is no stack '/elsewhere'",
            "known here: platform, shop",
        ),
    ],
)
def test_a_stack_that_is_not_clear_is_a_usage_error(
    root: Path, wanted: str | None, message: str, hint: str
) -> None:
    """The stacks that there are, or the nearest one, are named."""
    with pytest.raises(UsageError) as caught:
        choose_stack(root, Project(), wanted)
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (message, hint, 64)


def test_a_repository_without_stacks_says_how_to_start(tmp_path: Path) -> None:
    """Where was looked is told."""
    for wanted, message in (
        (None, "there is no stack here (looked for stack.yaml, stacks/*/stack.yaml)"),
        ("shop", "there is no stack 'shop'"),
    ):
        with pytest.raises(UsageError) as caught:
            choose_stack(tmp_path, Project(), wanted)
        assert (caught.value.message, caught.value.hint) == (
            message,
            "make one with 'orchestrator init NAME'",
        )


def test_two_stacks_of_one_name_are_a_mistake(root: Path) -> None:
    """They would share a ledger, and each would prune the other's objects."""
    write(root, {"stacks/copy/stack.yaml": "version: 1\nname: shop\n"})
    with pytest.raises(InvalidStack) as caught:
        find_stacks(root, Project())
    assert [
        (told(mistake), mistake.place and mistake.place.file) for mistake in caught.value.mistakes
    ] == [
        ("2:7 2 stacks are named 'shop' | give each a name of its own", "stacks/copy/stack.yaml"),
        ("2:8 2 stacks are named 'shop' | give each a name of its own", "stacks/shop/stack.yaml"),
    ]


def test_settings_that_lie_outside_of_the_repository_are_not_read(tmp_path: Path) -> None:
    """Whoever wrote the link gets no line of a file of the machine that reads it."""
    root = _with_a_link(tmp_path, "orchestrator.yaml")
    with pytest.raises(InvalidStack) as caught:
        load_project(root)

    assert render(caught.value.mistakes) == _LEADS_OUT.format("orchestrator.yaml")


def test_settings_that_lead_nowhere_outside_are_not_taken_for_none(tmp_path: Path) -> None:
    """Where there is no such file, the settings do not stop to hold."""
    root = _with_a_link(tmp_path, "orchestrator.yaml")
    (tmp_path / "outside").unlink()
    with pytest.raises(InvalidStack):
        load_project(root)


def test_settings_that_lead_in_a_circle_are_told_as_that(tmp_path: Path) -> None:
    """They lead nowhere, and neither out of the repository."""
    (tmp_path / "orchestrator.yaml").symlink_to("orchestrator.yaml")
    with pytest.raises(InvalidStack) as caught:
        load_project(tmp_path)

    assert "leads in a circle, or over more than 40 symbolic links" in render(caught.value.mistakes)


@pytest.mark.parametrize("link", ["stacks/odd/stack.yaml", "stacks/odd"])
def test_a_stack_file_that_lies_outside_is_named_by_its_directory_and_not_read(
    tmp_path: Path, link: str
) -> None:
    """Neither by its name, nor by a mistake; the stack is there, and cannot be planned."""
    root = _with_a_link(tmp_path, link)
    write(root, {"stacks/shop/stack.yaml": "version: 1\nname: shop\n"})
    found = find_stacks(root, Project())
    assert [each.name for each in found] == ["odd", "shop"]

    with pytest.raises(InvalidStack) as caught:
        read_environments(root, found[0], Project())

    assert render(caught.value.mistakes) == _LEADS_OUT.format("stacks/odd/stack.yaml")


def test_twins_one_of_which_lies_outside_show_no_line_of_it(tmp_path: Path) -> None:
    """The mistake has a place alone."""
    root = _with_a_link(tmp_path, "stacks/odd/stack.yaml")
    write(root, {"stacks/shop/stack.yaml": "version: 1\nname: odd\n"})
    with pytest.raises(InvalidStack) as caught:
        find_stacks(root, Project())

    assert "hunter" not in render(caught.value.mistakes)


_LEADS_OUT = """\
{}:1:1: this leads out of the repository by a symbolic link
  hint: write the file itself, or a relative link to a file of the repository
"""


def _with_a_link(tmp_path: Path, link: str) -> Path:
    """Make a repository with a link out of it: to a file, or to a directory with a stack file."""
    root, outside = tmp_path / "repository", tmp_path / "outside"
    place = root / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    text = "version: 1\nname: hunter\npassword hunter2\n"
    write(tmp_path, {"outside" if place.suffix else "outside/stack.yaml": text})
    return root
