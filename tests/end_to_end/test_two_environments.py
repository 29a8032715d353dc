"""Two environments of one stack, side by side: whatever happens to one, the other one does not notice."""

import pytest

from tests.end_to_end.stacks import ECHO, Json, config_map, stack_file
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_MODULES = {
    "base": {"source": "./modules/base", "inputs": {"text": "${{ environment }}"}},
    "extra": {"source": "./modules/base", "inputs": {"text": "extra ${{ vars.text }}"}},
}


@pytest.fixture
def namespaces(world: World) -> None:
    """Make a namespace for each environment."""
    for environment in ("blue", "green"):
        world.create_namespace(f"{world.name}-{environment}")


@pytest.mark.usefixtures("namespaces")
@pytest.mark.timeout(240)
def test_an_environment_lives_and_dies_beside_another_that_stays_as_it_is(world: World) -> None:
    """Change, prune, removal and destruction in one leave objects, states and ledger of the other alone."""
    _declare(world, modules=_MODULES, sets=("shop", "extra"))
    for environment in ("blue", "green"):
        world.apply("--env", environment)
    green = world.snapshot("green", f"{world.name}-green")
    assert world.data("texts", f"{world.name}-green") == {"module": "green", "own": "hello green"}
    assert world.data("texts", f"{world.name}-blue") == {"module": "blue", "own": "hello blue"}

    _declare(world, modules=_MODULES, sets=("shop", "extra"), blue="changed")
    world.apply("--env", "blue")
    assert world.data("texts", f"{world.name}-blue")["own"] == "changed blue"
    assert world.snapshot("green", f"{world.name}-green") == green

    _declare(world, modules={"base": _MODULES["base"]}, sets=("shop",))
    world.apply("--env", "blue")
    assert world.live(namespace=f"{world.name}-blue").keys() == {"texts"}
    assert world.resources("extra", "blue") == {}
    assert world.snapshot("green", f"{world.name}-green") == green

    destroyed = world.run("destroy", world.name, "--env", "blue", "--yes")
    assert destroyed.code == 0, destroyed.said
    assert world.live(namespace=f"{world.name}-blue") == {}
    assert world.resources("base", "blue") == {}
    assert world.snapshot("green", f"{world.name}-green") == green


@pytest.mark.usefixtures("namespaces")
def test_environments_are_applied_at_the_same_time(world: World) -> None:
    """Each has a lock, a state and a ledger of its own; nothing of one run gets in the way of the other."""
    _declare(world, modules=_MODULES, sets=("shop",))
    runs = [
        world.start("apply", world.name, "--env", environment, "--yes")
        for environment in ("blue", "green")
    ]

    for ended in [run.end() for run in runs]:
        assert ended.code == 0, ended.said
    for environment in ("blue", "green"):
        namespace = f"{world.name}-{environment}"
        assert world.data("texts", namespace)["module"] == environment
        attributes = world.resources("base", environment)["terraform_data.echo"]
        assert attributes["output"]["value"] == environment
        assert len(world.ledger(environment)) == 3


def test_an_object_belongs_to_one_environment(world: World) -> None:
    """A second environment that claims it is refused by the owner's name, and nothing changes."""
    _declare(world, modules={}, sets=("extra",), shared=True)
    world.apply("--env", "blue")
    blue = world.snapshot("blue")

    refused = world.run("apply", world.name, "--env", "green", "--yes")

    assert refused.code == 1
    assert f"{world.name}/blue" in refused.stderr
    assert f"ConfigMap {world.name}/extra" in refused.stderr
    assert world.snapshot("blue") == blue
    assert world.ledger("green") == []


def test_a_stack_with_environments_asks_which(world: World) -> None:
    """Without a name nothing is guessed, and a wrong one is answered with the nearest."""
    _declare(world, modules={}, sets=("extra",))

    unnamed = world.run("apply", world.name, "--yes")
    misspelt = world.run("apply", world.name, "--env", "gren", "--yes")

    assert unnamed.code == misspelt.code == 64
    assert "blue" in unnamed.stderr
    assert "green" in unnamed.stderr
    assert "green" in misspelt.stderr


def _declare(
    world: World,
    *,
    modules: dict[str, Json],
    sets: tuple[str, ...],
    blue: str = "hello",
    shared: bool = False,
) -> None:
    namespace = "${{ vars.namespace }}"
    environments = {
        name: {
            "vars": {
                "text": text,
                "namespace": world.name if shared else f"{world.name}-{name}",
            }
        }
        for name, text in (("blue", blue), ("green", "hello"))
    }
    world.write(
        "stack.yaml",
        stack_file(
            world.name,
            modules=modules,
            manifests={name: {"path": f"{name}.yaml", "namespace": namespace} for name in sets},
            environments=environments,
        ),
    )
    world.write("modules/base/main.tf", ECHO)
    text = {"module": "${{ modules.base.kept }}", "own": "${{ vars.text }} ${{ environment }}"}
    world.manifests("shop.yaml", config_map("texts", text))
    world.manifests("extra.yaml", config_map("extra"))
    world.commit()
