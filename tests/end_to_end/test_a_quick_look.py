"""`plan --no-refresh`: modules of which nothing changed are not planned at all, and the plan says so."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, Json, config_map
from tests.end_to_end.state_server import StateServer, serving_states
from tests.end_to_end.test_engines_of_modules import noting_engine
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

SECRET = """
variable "password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "it" {
  input = "made"
}

output "password" {
  value     = var.password
  sensitive = true
}
"""


@pytest.fixture
def commands(world: World) -> Path:
    """Apply two modules, of which one reads the other, and a set; return where each run of the engine is noted."""
    log = noting_engine(world, "noting")
    world.write("modules/base/main.tf", ECHO)
    declare(world)
    world.commit()
    world.apply()
    log.unlink()
    return log


def declare(world: World, text: str = "hello", more: str = "", **settings: Json) -> None:
    """Write the stack file."""
    engine: Json = {"binary": "./noting"}
    read = f"${{{{ modules.base.kept }}}}{more}"
    reader: Json = {"source": "./modules/base", "inputs": {"text": read}}
    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": text}}, "reader": reader},
        {"shop": {"path": "shop", "namespace": world.name}},
        **{"terraform": engine, **settings},
    )
    world.manifests("shop/texts.yaml", config_map("it", {"text": "${{ modules.reader.kept }}"}))


def run_by(log: Path) -> set[str]:
    """Return the modules that the engine was run for."""
    lines = log.read_text().splitlines() if log.exists() else []
    return {line.partition("/default/")[2].split("/")[0] for line in lines if "/units/" in line}


def test_what_is_as_it_was_applied_is_not_looked_at(world: World, commands: Path) -> None:
    """No Terraform is run, the outputs are those of the states, and the plan says what it did not look at."""
    ended = world.plan("--no-refresh")

    assert run_by(commands) == set()
    told = " ".join(ended.stdout.split())
    assert "modules.base, modules.reader: not looked at: nothing changed since " in told
    assert "Unchanged: manifests.shop" in told
    assert "what others changed since the last apply is not in this plan" in told
    answer = world.plan("--no-refresh", "--output", "json").json
    assert [bool(unit["unlooked"]) for unit in answer["units"]] == [True, True, False]
    assert answer["effective"] is False


def test_what_changed_is_planned_and_the_rest_is_not(world: World, commands: Path) -> None:
    """A new input of one module reaches the other, which then is not what was applied either."""
    declare(world, text="bye")
    world.commit()

    ended = world.run("plan", world.name, "--no-refresh")

    assert run_by(commands) == {"base", "reader"}
    assert "terraform_data.echo" in ended.stdout
    commands.unlink()
    declare(world, more="!")
    world.plan("--no-refresh")
    assert run_by(commands) == {"reader"}, "base is again what was applied"


@pytest.mark.parametrize("what", ["code", "state", "variable"])
def test_whatever_a_module_is_made_of_counts(world: World, commands: Path, what: str) -> None:
    """Its code, its state and a variable that the stack passes on are looked at, also when Git says nothing new."""
    variables: dict[str, str] = {}
    if what == "code":
        world.write("modules/base/more.tf", 'output "more" {\n  value = 1\n}\n')
    elif what == "state":
        world.run("terraform", "base", "--", "taint", "terraform_data.echo")
        commands.unlink()
    else:
        declare(world, terraform={"binary": "./noting", "environment": ["TF_VAR_unused"]})
        world.apply("--allow-dirty")
        commands.unlink(missing_ok=True)
        assert run_by(commands) == set()
        variables = {"TF_VAR_unused": "another"}

    ended = world.run("plan", world.name, "--no-refresh", directory=None, **variables)

    assert ended.code == 0, ended.said
    assert "base" in run_by(commands)


def test_what_has_to_be_planned_is_not_refreshed(world: World, commands: Path) -> None:
    """Where something changed Terraform plans, from the state alone: for what waits for that, too."""
    declare(world, text="bye")

    world.plan("--no-refresh")

    planned = [line for line in commands.read_text().splitlines() if " plan " in line]
    assert len(planned) == 2
    assert all("-refresh=false" in line for line in planned)
    commands.unlink()
    world.plan()
    assert "-refresh=" not in commands.read_text()


def test_a_state_in_a_backend_is_only_read(world: World) -> None:
    """One `state pull` tells that nothing moved; secrets that were applied stay unknown to the ledger."""
    log = noting_engine(world, "noting")
    world.write("modules/vault/main.tf", SECRET)
    with serving_states() as states:
        declare_vault(world, states)
        world.commit()
        world.apply()
        log.unlink()

        ended = world.plan("--no-refresh")

        assert "modules.vault: not looked at" in ended.stdout
        assert log.read_text().count("/units/") == 1
        states.put("modules.vault", {**states.state("modules.vault"), "serial": 99})
        assert "not looked at:" not in world.plan("--no-refresh").stdout
    kept = json.dumps(world.snapshot())
    assert "correct horse" not in kept


def declare_vault(world: World, states: StateServer) -> None:
    """Write the stack file of a module with a secret, whose state is at a server."""
    vault: Json = {"source": "./modules/vault", "inputs": {"password": "correct horse"}}
    world.declare({"vault": vault}, None, state=states.settings, terraform={"binary": "./noting"})


def test_what_would_act_on_it_is_refused(world: World, commands: Path) -> None:
    """A plan that did not look is there to be looked at, and nothing else."""
    for other in (("--out", "x.plan"), ("--destroy",)):
        ended = world.run("plan", world.name, "--no-refresh", *other)
        assert (ended.code, run_by(commands)) == (64, set())
        assert f"--no-refresh and {other[0]} do not go together" in ended.said
