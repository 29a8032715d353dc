"""Where a module's files are: in the tree, or fetched by the real engine from real Git repositories."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, Place, TerraformError
from orchestrator.infrastructure.fetching import immutable
from orchestrator.infrastructure.modules import prepare
from orchestrator.infrastructure.sources import credentials_in
from orchestrator.infrastructure.workspace import Workspace
from tests.git import commit_file, git, make_repository
from tests.infrastructure.ground import ECHO, Ground, logging_engine, values

pytestmark = pytest.mark.integration

PLACE = Place(file="stacks/shop/stack.yaml", line=7, column=5, text="  source: …")


def mistake(ground: Ground, source: str) -> tuple[str, str]:
    """Return the message and the hint that a source ends with."""
    request = replace(ground.request("network", source), place=PLACE)
    with pytest.raises(InvalidStack) as caught:
        prepare(request, ground.site)
    (found,) = caught.value.mistakes
    assert found.place == PLACE
    return found.message, found.hint


def test_a_missing_directory_is_told_with_the_nearest_one(ground: Ground) -> None:
    """The message names the source as it is written, the hint the directory that was probably meant."""
    ground.write("modules/network/main.tf")
    assert mistake(ground, "../../modules/netwrok") == (
        "source '../../modules/netwrok' of modules.network does not exist",
        "did you mean ../../modules/network?",
    )
    assert mistake(ground, "./other")[1].startswith(
        "it counts from stacks/shop, the stack file's directory"
    )


def test_a_source_has_to_be_a_directory_with_configuration(ground: Ground) -> None:
    """Files and directories without Terraform files are refused before anything is run."""
    ground.write("modules/network/main.tf")
    ground.write("docs/README.md", "")
    assert mistake(ground, "../../modules/network/main.tf")[0].endswith(
        "is a file, not a directory"
    )
    assert mistake(ground, "../../docs")[0].endswith("holds no Terraform files")


def test_a_source_cannot_leave_the_repository(ground: Ground, tmp_path: Path) -> None:
    """Neither by its own path nor by a link in the tree."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "main.tf").write_text(ECHO)
    (ground.tree / "link").symlink_to(tmp_path / "outside")
    for source in ("../../../outside", "../../link"):
        assert mistake(ground, source)[0].endswith("leads out of the repository")


def test_relative_sources_and_files_mean_what_they_mean_in_git(ground: Ground) -> None:
    """Modules and files beside, above and below a module are found, also through a link inside the tree."""
    ground.write(
        "modules/network/main.tf",
        'module "beside" {\n  source = "../beside"\n}\nmodule "below" {\n  source = "./below"\n}\n'
        'output "all" {\n  value = join(" ", [module.beside.x, module.below.x, file("${path.module}/own.txt"),\n'
        '    file("../../top.txt"), file("${path.root}/below/deep.txt")])\n}\n',
    )
    ground.write("modules/network/own.txt", "own")
    ground.write("modules/network/below/main.tf", 'output "x" {\n  value = "below"\n}\n')
    ground.write("modules/network/below/deep.txt", "deep")
    ground.write(
        "modules/beside/main.tf",
        'output "x" {\n  value = file("${path.module}/../../top.txt")\n}\n',
    )
    ground.write("top.txt", "top")
    (ground.tree / "modules" / "current").symlink_to("network")
    for source in ("../../modules/network", "../../modules/current"):
        outputs = ground.plan(ground.workspace("network", source)).outputs
        assert values(outputs) == {"all": "top below own top deep"}


@pytest.mark.parametrize("called_as", ["../beside", "../link"])
def test_a_called_module_follows_the_revision_and_keeps_its_path(
    ground: Ground, tmp_path: Path, called_as: str
) -> None:
    """A new revision lies in another folder: called modules are those of it, at the path that they had."""
    calling = 'module "beside" {\n  source = "AS"\n}\noutput "x" {\n  value = module.beside.x\n}\n'
    called = 'output "x" {\n  value = "VALUE ${path.module}"\n}\n'
    for number, tree in enumerate((ground.tree, tmp_path / "later")):
        there = replace(ground, tree=tree)
        there.write("stacks/shop/stack.yaml", "")
        there.write("modules/network/main.tf", calling.replace("AS", called_as))
        there.write("modules/beside/main.tf", called.replace("VALUE", str(number)))
        (tree / "modules" / "link").symlink_to("beside")
        outputs = there.apply(there.workspace("network"))
        assert values(outputs) == {"x": f"{number} ../beside"}


def test_a_module_at_the_root_of_the_repository_works(ground: Ground) -> None:
    """The repository itself may be the module, or the stack's own directory."""
    for name, source in (("main.tf", "../.."), ("stacks/shop/main.tf", "./")):
        ground.write(name)
        unit = "root" if source == "../.." else "own"
        assert values(ground.apply(ground.workspace(unit, source), {"text": "x"})) == {"text": "x"}


def test_a_file_that_left_the_module_leaves_its_directory(ground: Ground) -> None:
    """What Git no longer has is not planned; what a resource wrote stays where it wrote it."""
    ground.write("modules/network/main.tf")
    extra = ground.write("modules/network/extra.tf", 'output "extra" {\n  value = 1\n}\n')
    template = ground.write("modules/network/hello.tpl", "hello")
    workspace = ground.workspace("network")
    assert "extra" in ground.plan(workspace, {"text": "x"}).outputs
    (workspace.directory / "written-by-a-resource.json").write_text("{}")
    (workspace.directory / "stray.tf").write_text("not Terraform")
    extra.unlink()
    template.unlink()
    assert "extra" not in ground.plan(ground.workspace("network"), {"text": "x"}).outputs
    assert sorted(
        path.name
        for path in workspace.directory.iterdir()
        if not path.name.startswith((".", "zzz"))
    ) == [
        "main.tf",
        "written-by-a-resource.json",
    ]


def test_the_tree_itself_is_never_written_to(ground: Ground) -> None:
    """Neither the engine nor we leave anything in the private copy of the revision."""
    ground.write("modules/network/main.tf", ECHO + 'module "beside" {\n  source = "../beside"\n}\n')
    ground.write("modules/beside/main.tf", "")
    before = sorted(ground.tree.rglob("*"))
    ground.apply(ground.workspace("network"), {"text": "x"})
    assert sorted(ground.tree.rglob("*")) == before


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return a Git repository with a module that calls another one of it, tagged v1.0.0."""
    repository = make_repository(tmp_path / "library")
    commit_file(repository, "common/main.tf", 'output "x" {\n  value = "one"\n}\n')
    commit_file(
        repository,
        "modules/network/main.tf",
        ECHO
        + 'module "common" {\n  source = "../../common"\n}\noutput "common" {\n  value = module.common.x\n}\n',
    )
    git(repository, "tag", "v1.0.0")
    return repository


def address(library: Path, ref: str = "") -> str:
    """Return the address of the library's module."""
    return f"git::{library.as_uri()}//modules/network" + (f"?ref={ref}" if ref else "")


def remote(ground: Ground, source: str) -> Workspace:
    """Prepare a module at an address, as a new run does."""
    later = replace(ground, site=replace(ground.site, fetched={}))
    return later.workspace("network", source)


def test_a_module_in_git_is_fetched_planned_and_applied(ground: Ground, library: Path) -> None:
    """Its relative sources stay inside of what was fetched."""
    workspace = remote(ground, address(library, "v1.0.0"))
    assert values(ground.apply(workspace, {"text": "x"})) == {"text": "x", "common": "one"}


def test_a_tag_is_fetched_once(ground: Ground, library: Path, tmp_path: Path) -> None:
    """What cannot change is not asked for again, also when the repository is gone by then."""
    ground, log = logging_engine(ground, tmp_path)
    remote(ground, address(library, "v1.0.0"))
    assert set(log.read_text().split()) == {"get"}
    log.write_text("")
    shutil.rmtree(library)
    workspace = remote(ground, address(library, "v1.0.0"))
    assert log.read_text() == ""
    assert ground.plan(workspace, {"text": "x"}).outputs["common"].value == "one"


def test_a_branch_is_followed_from_run_to_run_but_not_within_one(
    ground: Ground, library: Path
) -> None:
    """A plan and its apply see the same files of a moving branch; the next run sees the new ones."""
    first = ground.workspace("network", address(library, "main"))
    commit_file(library, "common/main.tf", 'output "x" {\n  value = "two"\n}\n')
    assert ground.workspace("network", address(library, "main")) == first
    assert ground.plan(first, {"text": "x"}).outputs["common"].value == "one"
    second = remote(ground, address(library, "main"))
    assert ground.plan(second, {"text": "x"}).outputs["common"].value == "two"


def test_an_unmoved_branch_keeps_what_was_fetched(ground: Ground, library: Path) -> None:
    """The same files stay in the same place, so that nothing else is done again for them."""
    first = remote(ground, address(library))
    for _ in range(3):
        assert remote(ground, address(library)).module == first.module
    assert len(list(ground.site.folder.glob("sources/*/fetched-*"))) == 1


def test_old_generations_of_a_moving_branch_are_removed(ground: Ground, library: Path) -> None:
    """Only the newest two are kept: a plan of another process may still read the one before."""
    for number in range(4):
        commit_file(library, "common/main.tf", f'output "x" {{\n  value = "{number}"\n}}\n')
        remote(ground, address(library))
    assert len(list(ground.site.folder.glob("sources/*/fetched-*"))) == 2


@pytest.mark.parametrize(
    ("ref", "inside", "says"),
    [
        ("v9", "modules/network", "v9"),
        ("v1.0.0", "modules/none", 'subdir "modules/none" not found'),
    ],
)
def test_an_address_that_leads_nowhere_is_told_with_its_place(
    ground: Ground, library: Path, ref: str, inside: str, says: str
) -> None:
    """The error names the unit, the line in the stack file, and what Git said."""
    source = f"git::{library.as_uri()}//{inside}?ref={ref}"
    with pytest.raises(
        TerraformError, match=r"modules\.network: fetching its source failed"
    ) as caught:
        prepare(replace(ground.request("network", source), place=PLACE), ground.site)
    assert says in caught.value.detail
    assert "stacks/shop/stack.yaml:7" in caught.value.detail
    assert caught.value.hint.startswith("does the address exist")
    assert not list(ground.site.folder.glob("sources/*/fetched-*"))


def test_a_registry_that_cannot_be_reached_is_told_with_a_hint(ground: Ground) -> None:
    """Behind a proxy that does not answer, the message says what failed and what to look at."""
    ground = ground.with_environment(HTTPS_PROXY="http://127.0.0.1:9")
    with pytest.raises(TerraformError, match="error accessing remote module registry") as caught:
        ground.workspace("network", "acme/network/aws")
    assert "proxyconnect tcp" in caught.value.detail
    assert "is the registry reachable from here" in caught.value.hint


def test_a_password_in_an_address_is_never_told(ground: Ground) -> None:
    """Credentials in an address are secrets from the moment it is read."""
    source = "git::https://ada:s3cr3t-p4ssw0rd@127.0.0.1:9/network.git"
    with pytest.raises(TerraformError) as caught:
        ground.workspace("network", source)
    assert "s3cr3t-p4ssw0rd" not in f"{caught.value.message}{caught.value.detail}"
    assert ground.site.secrets.redact("s3cr3t-p4ssw0rd") == "(sensitive)"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("git::https://ada:pass%20word@example.test/x.git", {"pass%20word", "pass word"}),
        ("https://token-alone@example.test/x.zip", {"token-alone"}),
        ("git::ssh://git@example.test/x.git", set()),
        ("git@example.test:x.git", set()),
        ("acme/network/aws", set()),
    ],
)
def test_credentials_are_found_in_addresses(source: str, found: set[str]) -> None:
    """A password, or a token that stands alone; the user `git` is no secret."""
    assert set(credentials_in(source)) == found


@pytest.mark.parametrize(
    ("source", "version", "expected"),
    [
        ("acme/network/aws", "1.2.3", True),
        ("registry.example.test/acme/network/aws//sub", "= 1.2.3", True),
        ("acme/network/aws", "~> 1.2", False),
        ("acme/network/aws", "", False),
        ("git::https://example.test/x.git?ref=v1.2.3", "", True),
        ("github.com/acme/x?ref=1.2.3-rc1", "", True),
        ("git::https://example.test/x.git?depth=1&ref=" + "a" * 40, "", True),
        ("git::https://example.test/x.git?ref=main", "", False),
        ("git::https://example.test/x.git?ref=release-1.2", "", False),
        ("git::https://example.test/x.git", "", False),
        ("https://example.test/x.zip", "", False),
    ],
)
def test_only_versions_tags_and_commits_are_taken_to_stay(
    source: str, version: str, *, expected: bool
) -> None:
    """Everything else may mean other files tomorrow."""
    assert immutable(source, version) is expected
