"""Outputs reach inputs and manifests as they are, and what is not known yet is waited for, never guessed."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, Document, Json
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_VALUES: dict[str, Json] = {
    "text": "plain",
    "empty": "",
    "number_like": "007",
    "truth_like": "yes",
    "lines": 'first: line\n\tsecond "line" # no comment\n',
    "letters": "žluťoučký 🐎 ${{ not an expression }}",
    "integer": 5432,
    "big": 9007199254740993,
    "fraction": -0.25,
    "yes": True,
    "no": False,
    "list": ["a", 1, None, [True], {}],
    "nothing_in_it": [],
    "tree": {"key with spaces": {"deep": [1, {"deeper": None}]}, "1": "one"},
}

_ANY = """
variable "values" { type = any }

resource "terraform_data" "kept" {
  input = var.values
}
"""

_PORT = """
variable "number" { type = number }

resource "terraform_data" "kept" {
  input = var.number
}

output "number" {
  value = terraform_data.kept.output
}
"""

_EPHEMERAL = """
variable "token" {
  type      = string
  ephemeral = true
}

resource "terraform_data" "it" {}
"""

_NOTHING = """
resource "terraform_data" "it" {}

output "id" {
  value = terraform_data.it.id
}

output "nothing" {
  value = terraform_data.it.id == "" ? "something" : null
}
"""


def test_values_of_every_type_reach_inputs_and_manifests(world: World) -> None:
    """Known while planning or only after an apply: a value arrives with its type, and injects no YAML."""
    _declare_types(world)
    planned = world.plan()
    world.apply()

    assert "(known after apply: modules.types.late" in planned.stdout
    for name in ("early", "late"):
        live = world.cluster.get(f"{_api(world)}/{name}")
        given = world.resources(f"takes-{name}")["terraform_data.kept"]["input"]["value"]
        assert live["spec"]["values"] == _VALUES
        assert given == _VALUES
        assert live["spec"]["part"] == _VALUES["tree"]["key with spaces"]["deep"]
        assert live["spec"]["texts"] == {
            "number": "port 5432",
            "fraction": "-0.25 of it",
            "truth": "it is true",
            "lines": _VALUES["lines"] + "and more",
        }

    assert world.run("destroy", world.name, "--yes").code == 0


def _declare_types(world: World) -> None:
    module = Path("modules/types")
    world.write(
        str(module / "main.tf"),
        'locals { values = jsondecode(file("${path.module}/values.json")) }\n'
        'resource "terraform_data" "late" { input = local.values }\n'
        'output "early" { value = local.values }\n'
        'output "late" { value = terraform_data.late.output }\n',
    )
    world.write(str(module / "values.json"), json.dumps(_VALUES))
    world.write("modules/takes/main.tf", _ANY)
    world.declare(
        {
            "types": {"source": "./modules/types"},
            **{
                f"takes-{name}": {
                    "source": "./modules/takes",
                    "inputs": {"values": f"${{{{ modules.types.{name} }}}}"},
                }
                for name in ("early", "late")
            },
        },
        {"keepers": {"path": "keepers.yaml", "namespace": world.name}},
    )
    world.manifests(
        "keepers.yaml", _definition(world), *(_keeper(world, name) for name in ("early", "late"))
    )
    world.commit()


def test_a_value_that_names_an_element_of_a_list_is_no_surprise(world: World) -> None:
    """A port or a host, by which an element is told, may be known after an apply: the first one, and a change of it."""
    world.write("modules/port/main.tf", _PORT)
    world.manifests("web.yaml", *_named_by_ports())
    for number in (8001, 8002):
        modules: dict[str, Json] = {
            "port": {"source": "./modules/port", "inputs": {"number": number}}
        }
        world.declare(modules, {"web": {"path": "web.yaml", "namespace": world.name}})
        world.commit(f"Listen on {number}")
        assert "(known after apply: modules.port.number)" in world.plan().stdout
        world.apply()
        service = world.cluster.get(f"/api/v1/namespaces/{world.name}/services/web")
        ingress = world.cluster.get(
            f"/apis/networking.k8s.io/v1/namespaces/{world.name}/ingresses/web"
        )
        assert [port["port"] for port in service["spec"]["ports"]] == [number]
        assert [rule["host"] for rule in ingress["spec"]["rules"]] == [f"p{number}.example.com"]
    assert world.plan().stdout.endswith("Nothing to do: what runs is what Git says.\n")


def _named_by_ports() -> tuple[Document, Document]:
    number = "${{ modules.port.number }}"
    backend = {"service": {"name": "web", "port": {"number": number}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return (
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"ports": [{"port": number, "appProtocol": "http"}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "web", "annotations": {"orchestrator/wait": "disabled"}},
            "spec": {"rules": [{"host": f"p{number}.example.com", "http": {"paths": [path]}}]},
        },
    )


def _definition(world: World) -> Document:
    """Return the definition of a kind of this test's own, whose objects hold anything."""
    names = {"kind": "Keeper", "plural": "keepers", "singular": "keeper"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"keepers.{world.name}.example.org"},
        "spec": {
            "group": f"{world.name}.example.org",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


def _keeper(world: World, name: str) -> Document:
    values = f"modules.types.{name}"
    return {
        "apiVersion": f"{world.name}.example.org/v1",
        "kind": "Keeper",
        "metadata": {"name": name},
        "spec": {
            "values": f"${{{{ {values} }}}}",
            "part": f'${{{{ {values}.tree["key with spaces"].deep }}}}',
            "texts": {
                "number": f"port ${{{{ {values}.integer }}}}",
                "fraction": f"${{{{ {values}.fraction }}}} of it",
                "truth": f"it is ${{{{ {values}.yes }}}}",
                "lines": f"${{{{ {values}.lines }}}}and more",
            },
        },
    }


def _api(world: World) -> str:
    return f"/apis/{world.name}.example.org/v1/namespaces/{world.name}/keepers"


def test_an_input_can_be_ephemeral(world: World) -> None:
    """It is given at the plan and at the apply, and again to destroy what was made."""
    world.write("modules/token/main.tf", _EPHEMERAL)
    world.declare({"it": {"source": "./modules/token", "inputs": {"token": "a b c"}}}, None)
    world.commit()

    world.apply()
    destroyed = world.run("destroy", world.name, "--yes")

    assert destroyed.code == 0, destroyed.said


def test_a_null_that_is_known_after_the_apply_is_passed_on(world: World) -> None:
    """Nobody stores it, and what reads it gets it all the same, at once and whenever it is applied again."""
    world.write("modules/nothing/main.tf", _NOTHING)
    world.write("modules/takes/main.tf", _ANY)
    reads = {"id": "${{ modules.nothing.id }}", "nothing": "${{ modules.nothing.nothing }}"}
    world.declare(
        {
            "nothing": {"source": "./modules/nothing"},
            "takes": {"source": "./modules/takes", "inputs": {"values": reads}},
        },
        None,
    )
    world.commit()

    world.apply()
    world.apply()

    given = world.resources("takes")["terraform_data.kept"]["input"]["value"]
    assert given["nothing"] is None
    assert given["id"]


def test_what_read_an_output_that_is_gone_is_destroyed_all_the_same(world: World) -> None:
    """Its name changed in Git after an apply; nothing of it is needed to destroy."""
    modules: dict[str, Json] = {
        "base": {"source": "./modules/base", "inputs": {"text": "hello"}},
        "next": {"source": "./modules/echo", "inputs": {"text": "${{ modules.base.kept }}"}},
    }
    world.write("modules/base/main.tf", ECHO)
    world.write("modules/echo/main.tf", ECHO)
    world.declare(modules, None)
    world.commit()
    world.apply()
    world.write("modules/base/main.tf", ECHO.replace('output "kept"', 'output "stored"'))
    modules["next"]["inputs"]["text"] = "${{ modules.base.stored }}"
    world.declare(modules, None)
    world.commit("Rename an output")

    destroyed = world.run("destroy", world.name, "--yes")

    assert destroyed.code == 0, destroyed.said
    assert not world.resources("next")
    assert not world.resources("base")
