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


def test_a_module_that_waits_for_another_is_planned_in_its_turn(world: World) -> None:
    """The plan says what it waits for instead of guessing, and one apply brings all of the chain."""
    _declare_chain(world, text="one", triggers="")

    planned = world.run("plan", world.name, "--detailed-exitcode", "--output", "json")
    world.apply()

    deferred = {unit["unit"]: unit for unit in planned.json["units"]}["modules.second"]
    assert deferred["pending"] == ["modules.first.kept"]
    assert deferred["changes"] == []
    assert "modules.first is applied" in deferred["deferred"]
    assert world.resources("second")["terraform_data.taken"]["input"]["value"] == "one"


def test_a_late_replacement_is_refused_until_it_was_shown(world: World) -> None:
    """What a plan could not show is not done: the next plan shows it, and then it is."""
    _declare_chain(world, text="one", triggers="var.text")
    world.apply()
    made = world.resources("second")["terraform_data.taken"]["id"]

    _declare_chain(world, text="two", triggers="var.text")
    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "would delete or replace terraform_data.taken" in refused.stdout
    assert "--allow-deferred" in refused.stdout
    assert world.resources("second")["terraform_data.taken"]["id"] == made
    assert world.resources("first")["terraform_data.echo"]["output"]["value"] == "two"
    assert "failed at modules.second" in world.ledger()[0]

    planned = world.plan()
    world.apply()

    assert "-/+ terraform_data.taken" in planned.stdout
    assert world.resources("second")["terraform_data.taken"]["id"] != made


def test_a_late_replacement_is_done_when_it_was_allowed(world: World) -> None:
    """`--allow-deferred` says beforehand that units planned in turn may replace things."""
    _declare_chain(world, text="one", triggers="var.text")
    world.apply()
    made = world.resources("second")["terraform_data.taken"]["id"]

    _declare_chain(world, text="two", triggers="var.text")
    world.apply("--allow-deferred")

    taken = world.resources("second")["terraform_data.taken"]
    assert taken["id"] != made
    assert taken["input"]["value"] == "two"


def _declare_chain(world: World, *, text: str, triggers: str) -> None:
    replaced = f"  triggers_replace = {triggers}\n" if triggers else ""
    world.write("modules/first/main.tf", ECHO)
    world.write(
        "modules/second/main.tf",
        f'variable "text" {{ type = string }}\n'
        f'resource "terraform_data" "taken" {{\n  input = var.text\n{replaced}}}\n',
    )
    world.declare(
        {
            "second": {
                "source": "./modules/second",
                "inputs": {"text": "${{ modules.first.kept }}"},
            },
            "first": {"source": "./modules/first", "inputs": {"text": text}},
        },
        {},
    )
    world.commit()


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
