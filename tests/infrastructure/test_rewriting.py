"""Rewriting a module so that some of its variables are read from a call: exactly those, and nothing around them."""

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


def test_declarations_move_with_all_but_their_validations() -> None:
    """Type, default and marks decide what an unknown becomes; a validation may read what is not there."""
    text = (
        'variable "x" {\n  type      = list(string)\n  sensitive = true\n'
        '  validation {\n    condition     = var.y != var.x\n    error_message = "no"\n  }\n}\n'
    )
    rewritten = rewrite(
        {"main.tf": text, "o_override.tf": 'variable "x" { nullable = false }'}, {"x"}
    )
    assert "list(string)" in rewritten.declarations["main.tf"]
    assert "validation" not in rewritten.declarations["main.tf"]
    assert rewritten.declarations["o_override.tf"].strip() == 'variable "x" { nullable = false }'
    assert rewritten.outputs() == {"x": {"value": "${var.x}", "sensitive": True}}


def test_providers_are_traced_through_local_values() -> None:
    """A provider that reads a pending variable is found, however far away that is."""
    files = {
        "main.tf": 'variable "x" {}\nlocals {\n  a = local.b\n  b = { c = "${var.x}" }\n}\n',
        "more.tf.json": '{"provider": {"k": [{"host": "${local.a.c}"}]}, "locals": {"d": "${local.a}"}}',
    }
    assert rewrite(files, {"x"}).configured_from({"x"}) == ("k", "x")
    assert rewrite({**files, "more.tf.json": "{}"}, {"x"}).configured_from({"x"}) is None


@pytest.mark.parametrize(
    "files",
    [
        {"main.tf": 'variable "x" {'},
        {"main.tf": 'variable "x" {}\nresource "a" "b" { c = [ }\n'},
        {"main.tf.json": "{"},
        {"main.tf.json": "[]"},
        {"main.tf": "# declares nothing\n"},
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
