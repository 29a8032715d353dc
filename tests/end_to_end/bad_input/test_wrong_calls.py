"""Calls that cannot be meant: no such thing, not here, not now."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.end_to_end.bad_input.shop import STACK, Shop
from tests.git import git

pytestmark = pytest.mark.integration

_USAGE = 64
_APPLY = ("apply", "shop", "--yes")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("unknown verb", ("aply", "shop")),
        ("unknown option", ("apply", "shop", "--ys")),
        ("unknown choice", ("plan", "shop", "--output", "yaml")),
        ("option without a value", ("plan", "shop", "--out")),
        ("argument too many", ("plan", "shop", "production")),
        ("missing directory", ("-C", "nowhere", "plan")),
        ("no such stack", ("plan", "shp")),
        ("no such path", ("plan", "stacks/shp")),
        ("no such environment", ("plan", "shop", "--env", "production")),
        ("no such unit", ("plan", "shop", "--only", "databse")),
        ("since nothing", ("plan", "shop", "--since", "")),
        ("no such plan file", ("apply", "shop.plan", "--yes")),
        ("no such entry", ("history", "show", "8c1e05f25f", "shop")),
        ("entry too short", ("history", "show", "8c", "shop")),
        ("nothing to compare with", ("history", "diff", "8c1e05f25f")),
        ("nothing of that name", ("blame", "deployment/web", "shop")),
        ("unit to explain unknown", ("explain", "databse", "shop")),
        ("stack without a ledger", ("status", "shp")),
        ("environment without a ledger", ("status", "shop", "--env", "production")),
        ("nothing to abandon", ("abandon", "8c1e05f25f", "shop", "--why", "it is gone")),
        ("abandoned without a reason", ("abandon", "8c1e05f25f", "shop", "--why", " ")),
        ("nobody to ask", ("apply", "shop")),
        ("nobody to ask before a destroy", ("destroy", "shop")),
    ],
)
def test_a_wrong_call_is_refused(shop: Shop, message: str, arguments: tuple[str, ...]) -> None:
    """It says what there is instead, and ends with the code for a wrong usage."""
    shop.refused(f"calls/{message}", *arguments, code=_USAGE)


def test_an_environment_has_to_be_chosen(shop: Shop) -> None:
    """Nothing is assumed among several, and a misspelt one gets the nearest name."""
    shop.edit(STACK, "cluster:", "environments: {staging: {}, production: {}}\ncluster:")
    shop.commit()

    shop.refused("calls/environment not chosen", *_APPLY, code=_USAGE)
    shop.refused("calls/misspelt environment", *_APPLY, "--env", "prodution", code=_USAGE)


def test_a_stack_has_to_be_chosen(shop: Shop) -> None:
    """With two of them a verb that changes things takes none by itself."""
    shutil.copytree(shop.root / "stacks/shop", shop.root / "stacks/bakery")
    shop.edit("stacks/bakery/stack.yaml", "name: shop", "name: bakery")
    shop.commit()

    shop.refused("calls/stack not chosen", "apply", "--yes", code=_USAGE)


def test_two_stacks_cannot_share_a_name(shop: Shop) -> None:
    """They would share a ledger: both files are named."""
    shutil.copytree(shop.root / "stacks/shop", shop.root / "stacks/bakery")
    shop.commit()

    shop.refused("calls/two stacks of one name", *_APPLY)


def test_there_is_no_stack(shop: Shop) -> None:
    """It says where was looked, and how to begin."""
    shutil.rmtree(shop.root / "stacks")
    shop.commit()

    shop.refused("calls/no stack at all", "plan", code=_USAGE)


def test_there_is_no_repository(shop: Shop) -> None:
    """A plan is of a revision, so that there has to be one."""
    shutil.rmtree(shop.root / ".git")

    shop.refused("calls/no repository", *_APPLY, code=_USAGE)


def test_there_is_no_commit_yet(shop: Shop) -> None:
    """The same holds for a repository that is empty."""
    shutil.rmtree(shop.root / ".git")
    git(shop.root, "init", "--quiet", "--initial-branch=main")

    shop.refused("calls/no commit", *_APPLY)


def test_what_is_not_committed_is_not_applied(shop: Shop) -> None:
    """The ledger records commits; nothing is planned first, only to be refused then."""
    shop.edit(STACK, "replicas: 2", "replicas: 3")

    shop.refused("calls/not committed", *_APPLY)


def test_a_damaged_plan_is_refused(shop: Shop, tmp_path: Path) -> None:
    """A file that is no saved plan, one cut in the middle, and one of another version."""
    damaged = tmp_path / "damaged.plan"
    damaged.write_bytes(b"PK\x03\x04 and then nothing")
    shop.refused("calls/damaged plan", "apply", str(damaged), "--yes", code=_USAGE)

    newer = tmp_path / "newer.plan"
    with zipfile.ZipFile(newer, "w") as archive:
        archive.writestr("plan.json", json.dumps({"format": 99, "version": "9.0.0"}))
    shop.refused("calls/plan of another version", "apply", str(newer), "--yes", code=_USAGE)

    recipient = ("--out", str(tmp_path / "shop.plan"), "--encrypt", "age1me")
    shop.refused("calls/plan for nobody", "plan", *recipient, code=_USAGE)
    shop.refused("calls/nothing to encrypt", "plan", "--encrypt", "passphrase", code=_USAGE)


def test_a_plan_is_not_saved_where_it_cannot_be(shop: Shop) -> None:
    """A directory that is missing, and something that is no file: it is left as it is."""
    shop.without_workloads()
    shop.refused("calls/plan into nowhere", "plan", "--out", "nowhere/shop.plan", code=_USAGE)
    mode = Path("/dev/full").stat().st_mode

    shop.refused("calls/plan into a device", "plan", "--out", "/dev/full")

    assert Path("/dev/full").stat().st_mode == mode
