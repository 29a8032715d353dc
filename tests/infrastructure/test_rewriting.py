"""Rewriting a module so that some of its variables are read from a call: exactly those, and nothing around them."""

import json

import pytest

from orchestrator.infrastructure.reading.hcl import Unreadable
from orchestrator.infrastructure.reading.structure import accesses, read_structure
from orchestrator.infrastructure.shadow.rewriting import rewrite

_CALL = "module.orchestrator_pending"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = var.x", f"a = {_CALL}.x"),
        ("a = [var.x, var.y, var.x2]", f"a = [{_CALL}.x, var.y, var.x2]"),
        ("a = var.x[0].var.x", f"a = {_CALL}.x[0].var.x"),
        ('a = "var.x ${var.x} $${var.x}"', f'a = "var.x ${{{_CALL}.x}} $${{var.x}}"'),
        ('a = "${f("${var.x}")}"', f'a = "${{f("${{{_CALL}.x}}")}}"'),
        ('a = "%{ if var.x }y%{ endif }"', f'a = "%{{ if {_CALL}.x }}y%{{ endif }}"'),
        ("a = <<-T\n  var.x ${var.x}\nT\n", f"a = <<-T\n  var.x ${{{_CALL}.x}}\nT\n"),
        ("# var.x\na = 1 // var.x", "# var.x\na = 1 // var.x"),
        ("a = { var = { x = 1 } }.var.x", "a = { var = { x = 1 } }.var.x"),
        ("a = [for x in var.x : x]", f"a = [for x in {_CALL}.x : x]"),
        ("a = [for var in var.x : var.x]", f"a = [for var in {_CALL}.x : var.x]"),
        (
            'a = { for k, var in (var.x ? var.y : var.x) : k => "${var.x}" if f(var.x) }\n  b = var.x',
            f'a = {{ for k, var in ({_CALL}.x ? var.y : {_CALL}.x) : k => "${{var.x}}" if f(var.x) }}\n  b = {_CALL}.x',
        ),
        (
            "a = [\n    for var in var.x ? [] : var.x : [for y in var.x : y]\n  ]",
            f"a = [\n    for var in {_CALL}.x ? [] : {_CALL}.x : [for y in var.x : y]\n  ]",
        ),
    ],
)
def test_only_what_reads_a_pending_variable_changes(before: str, after: str) -> None:
    """Text, comments, escapes and members of the same name stay; templates are looked into at any depth."""
    block = 'resource "t" "n" {{\n  {}\n}}\n'
    rewritten = rewrite(
        {"main.tf": block.format(before), "variables.tf": 'variable "x" {}\n'}, {"x"}
    )
    assert rewritten.files["main.tf"] == block.format(after)


def test_lines_stay_where_they_are() -> None:
    """Messages of Terraform name the lines that a person has in front of them."""
    text = (
        'variable "x" {\n  type = string\n}\n\nterraform {\n  backend "s3" {\n    key = "k"\n  }\n}\n'
        'output "x" { value = var.x }\n'
    )
    rewritten = rewrite({"main.tf": text}, {"x"}).files["main.tf"]
    assert rewritten.count("\n") == text.count("\n")
    assert rewritten.splitlines()[9] == f'output "x" {{ value = {_CALL}.x }}'
    assert "backend" not in rewritten


_VALIDATED = """variable "y" {
  validation {
    condition     = var.y != local.z
    error_message = "other"
  }
}

variable "x" {
  type      = list(string)
  sensitive = true
  validation {
    condition     = var.y != var.x
    error_message = "other"
  }
  validation {
    condition     = length(var.x) > 1
    error_message = "own"
  }
}
"""


def test_declarations_move_with_what_can_be_checked_there() -> None:
    """Type, default and marks decide what an unknown becomes; a validation may read what is not there."""
    rewritten = rewrite(
        {"main.tf": _VALIDATED, "o_override.tf": 'variable "x" { nullable = false }'}, {"x"}
    )
    moved = rewritten.declarations["main.tf"]
    assert "list(string)" in moved
    assert "own" in moved
    assert "other" not in moved
    assert moved.splitlines().index('variable "x" {') == 7  # on the line that it has in Git
    assert rewritten.declarations["o_override.tf"].strip() == 'variable "x" { nullable = false }'
    assert rewritten.outputs() == {"x": {"value": "${var.x}", "sensitive": True}}
    assert rewritten.alone["main.tf"].split() == ["variable", '"y"', "{", "}"]


def test_data_sources_and_called_modules_are_made_to_wait() -> None:
    """In every form in which a block may be written; what is shown of its lines stays as it is."""
    text = (
        'data "t" "many" {\n  a = var.x\n}\ndata "t" "one" { a = var.x }\ndata "t" "none" {}\n'
        'module "m" {\n  source     = "./m"\n  depends_on = [t.n]\n}\ncheck "c" {\n  data "t" "c" {}\n}\n'
        'output "o" { value = 1 }\n'
    )
    more = '{"data": {"t": {"j": [{"a": 1}]}}, "module": {"k": {"depends_on": ["t.n"]}}}'
    rewritten = rewrite(
        {"main.tf": text, "more.tf.json": more, "x_override.tf": 'data "t" "one" {}\n'},
        (),
        behind=True,
    )
    first = rewritten.files["main.tf"]
    assert first.count("terraform_data.orchestrator_pending") == 5
    assert "depends_on = [terraform_data.orchestrator_pending, t.n]" in first
    for node in read_structure(first)[:4]:
        assert "depends_on" in node.attributes
    shown = [rewritten.line("main.tf", at) for at, _ in enumerate(first.splitlines(), 1)]
    assert shown[-1] == text.count("\n")
    assert shown[first.splitlines().index("  a = var.x")] == 2
    document = json.loads(rewritten.files["more.tf.json"])
    assert document["data"]["t"]["j"] == [
        {"a": 1, "depends_on": ["terraform_data.orchestrator_pending"]}
    ]
    assert document["module"]["k"]["depends_on"] == ["terraform_data.orchestrator_pending", "t.n"]
    assert "depends_on" not in rewritten.files["x_override.tf"]


@pytest.mark.parametrize(
    "files",
    [
        {"main.tf": 'variable "x" {'},
        {"main.tf": 'variable "x" {}\nresource "a" "b" { c = [ }\n'},
        {"main.tf.json": "{"},
        {"main.tf.json": "[]"},
        {"main.tf": "# declares nothing\n"},
        {"main.tf": 'variable "x" {}\nlocals { a = "%{ for var in var.x }${var.y}%{ endfor }" }\n'},
        {"main.tf": 'variable "x" {}\nr "a" "b" {\n  dynamic "d" {\n    iterator = var\n  }\n}\n'},
        {"main.tf.json": '{"variable": {"x": {}}, "r": {"dynamic": {"d": {"iterator": "var"}}}}'},
    ],
)
def test_what_is_not_understood_is_not_rewritten(files: dict[str, str]) -> None:
    """A file that is not Terraform's language, or an input that nobody declares, is left to Terraform."""
    with pytest.raises(Unreadable):
        rewrite(files, {"x"})


def test_structure_keeps_positions() -> None:
    """Blocks and attributes are found with where they stand, one-line blocks and brackets over lines too."""
    text = 'a "b" c {\n  d = [\n    1,\n  ]\n  e { f = "}" }\n}\ng {}\n'
    first, second = read_structure(text)
    assert (first.type, first.labels, second.type) == ("a", ("b", "c"), "g")
    assert first.attributes["d"].of(text) == "[\n    1,\n  ]"
    assert first.blocks[0].attributes["f"].of(text) == '"}"'
    assert first.blocks[0].span.of(text) == 'e { f = "}" }'
    assert [one.name for one in accesses("x = a.b + c.d", 4, 7)] == ["b"]
