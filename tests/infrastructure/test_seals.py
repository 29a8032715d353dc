"""Seals: what tells that nothing changed, and tells nothing else."""

from dataclasses import replace

import pytest

from orchestrator.infrastructure.seals import as_sealed, seal_of
from tests.infrastructure.ground import ECHO, Ground, values

pytestmark = pytest.mark.integration

STAMP = "5a7f0c1e-lineage:3"


def test_a_seal_moves_with_all_that_a_module_is_made_of(ground: Ground) -> None:
    """Inputs, state, code and lock file; not with a revision that has nothing new for the module."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()

    def seal(text: str = "x", stamp: str = STAMP, revision: str = "r1") -> str:
        return seal_of(workspace, {"text": text}, state_stamp=stamp, revision=revision)

    first = seal()
    assert first == seal(revision="r2")
    moved = {seal(text="y"), seal(stamp="5a7f0c1e-lineage:4"), seal(stamp="another:3")}
    ground.write("modules/echo/.terraform.lock.hcl", "# other providers\n")
    moved.add(seal())
    ground.write("modules/echo/more.tf", "# other code\n")
    moved.add(seal())
    assert len({first, *moved}) == 6


def test_what_links_of_a_module_lead_to_counts(ground: Ground) -> None:
    """A file and a directory of the repository are code as if they stood there; the revision is nothing to it."""
    ground.write("modules/echo/main.tf")
    for place in ("shared/more.tf", "shared/conf/a.txt"):
        ground.write(place, "# one\n")
    for name in ("more.tf", "conf"):
        (ground.tree / "modules/echo" / name).symlink_to(f"../../shared/{name}")
    workspace = ground.workspace()

    def seal(revision: str = "r1") -> str:
        return seal_of(workspace, {}, state_stamp=STAMP, revision=revision)

    first = seal()
    assert first == seal(revision="r2")
    seals = {first}
    for place in ("shared/more.tf", "shared/conf/a.txt"):
        ground.write(place, "# two\n")
        seals.add(seal())
    assert len(seals) == 3


def test_other_files_of_the_repository_count_when_they_may_be_read(ground: Ground) -> None:
    """Nobody can tell which ones, so that every revision may matter."""
    ground.write("modules/echo/main.tf", f'{ECHO}locals {{ t = file("../../t.txt") }}\n')
    workspace = ground.workspace()
    seals = {
        seal_of(workspace, {}, state_stamp=STAMP, revision=revision) for revision in ("r1", "r2")
    }
    assert len(seals) == 2


def test_what_nobody_can_tell_is_not_sealed(ground: Ground) -> None:
    """Neither without a state, nor what is fetched and reads more than itself; then it is planned."""
    ground.write("modules/echo/main.tf", f'{ECHO}locals {{ t = file("../../t.txt") }}\n')
    workspace = ground.workspace()
    assert seal_of(workspace, {}, state_stamp="", revision="") == ""
    fetched = replace(workspace, module=replace(workspace.module, shown="git::https://host/x"))
    assert seal_of(fetched, {}, state_stamp=STAMP, revision="") == ""


def test_what_calls_a_module_that_moves_is_not_sealed(ground: Ground) -> None:
    """What Git has of a branch may be another thing today."""
    call = 'module "m" {\n  source = "git::https://example.com/m.git%s"\n}\n'
    ground.write("modules/echo/main.tf", call % "")
    assert seal_of(ground.workspace(), {}, state_stamp=STAMP, revision="") == ""
    ground.write("modules/echo/main.tf", call % "?ref=v1.2.3")
    assert seal_of(ground.workspace(), {}, state_stamp=STAMP, revision="") != ""


def test_the_outputs_of_what_is_not_planned_are_those_of_the_state(ground: Ground) -> None:
    """Just as a plan without changes would tell them; anything else is planned."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    found = ground.plan(workspace, {"text": "one"})
    seal = seal_of(workspace, {"text": "one"}, state_stamp=found.state_stamp, revision="")

    unlooked = as_sealed(workspace, {"text": "one"}, seal, revision="")

    assert unlooked is not None
    assert values(unlooked.outputs) == values(found.outputs) == {"text": "one"}
    assert (unlooked.state_stamp, unlooked.plan_file) == (found.state_stamp, None)
    assert as_sealed(workspace, {"text": "two"}, seal, revision="") is None
    assert as_sealed(workspace, {"text": "one"}, "", revision="") is None
