"""What a module declares, and what a stack's use of it gets wrong."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import Mistake, Place, TerraformError
from orchestrator.infrastructure.declarations import (
    Declarations,
    check_inputs,
    check_outputs,
    declared,
)
from orchestrator.infrastructure.reading.hcl import Unreadable, literal, read_blocks
from orchestrator.stack.model import Json, Module, UnitId
from orchestrator.stack.reference import Reference, parse_scalar
from tests.infrastructure.ground import Ground

relaxed = settings(deadline=None, max_examples=60)  # other tests may keep the machine busy

EXAMPLES = Path(__file__).parents[2] / "stacks"

HARD = r"""
# variable "commented" {}
// output "commented" {}
/* variable "commented" {
   output "x" { */
variable "plain" {}
variable bare { default = 1 }
variable "with_default" {
  description = "a brace } and a quote \" and # no comment"
  default     = { a = "}", b = ["${"nested ${"}"} "}"] }
}
variable "null_default" { default = null }
variable "secret" {
  type      = string
  sensitive = true // yes
}
variable "not_secret" { sensitive = false }
variable "checked" {
  validation {
    condition     = length(var.checked) > 0 && var.checked != "default = 1"
    error_message = "no"
  }
}
resource "terraform_data" "x" {
  input = <<-EOT
    variable "in_heredoc" {}
    ${join("", [for each in ["}"] : "EOT"])}
    ${"a template before it, so this does not end here"} EOT
    ${""}EOT
    %{ if true }"unbalanced { quote%{ endif }
    $${not.a.template} and %%{ neither } $ {
    EOTX
    EOT
  provisioner "local-exec" {
    command = <<EOT
EOT
  }
}
output "one" { value = terraform_data.x.input }
output "two" {
  value     = "$${literal"
  sensitive = true
}
module "child" {
  source = "../child"
}
locals {
  variable = "x"
  output   = { y = 1 }
  indexed  = "${{ "}" = 1 }["}"]} { ${[for each in ["{"] : each][0]}"
}
"""


def module(**inputs: Json) -> Module:
    """Return a module of a stack whose inputs stand in the lines 10 and on."""
    lines: dict[tuple[str | int, ...], Place] = {
        ("inputs", name): place(10 + number) for number, name in enumerate(inputs)
    }
    return Module(
        name="network", source="./network", inputs=inputs, places={("inputs",): place(9), **lines}
    )


def place(line: int) -> Place:
    """Return a place in the stack file."""
    return Place(file="stacks/shop/stack.yaml", line=line, column=5)


def read(folder: Path, **files: str) -> Declarations:
    """Write files, with `__` for a dot in their names, and read what they declare."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return declared(folder, "modules/network")


def test_what_hides_braces_and_quotes_is_understood(tmp_path: Path) -> None:
    """Comments, strings, nested templates and heredocs declare nothing and end where they end."""
    found = read(tmp_path, main__tf=HARD)
    assert found.complete
    assert {name: one.required for name, one in found.variables.items()} == {
        "plain": True,
        "bare": False,
        "with_default": False,
        "null_default": False,
        "secret": True,
        "not_secret": True,
        "checked": True,
    }
    assert [name for name, one in found.variables.items() if one.sensitive] == ["secret"]
    assert {name: one.sensitive for name, one in found.outputs.items()} == {
        "one": False,
        "two": True,
    }
    assert found.calls == {"child": "../child"}


@pytest.mark.integration
def test_terraform_asks_for_what_we_call_required(ground: Ground) -> None:
    """The engine itself names the same variables as missing, of a module that is hard to read."""
    ground.write("modules/hard/main.tf", HARD)
    ground.write("modules/child/main.tf", "")
    with pytest.raises(TerraformError) as caught:
        ground.plan(ground.workspace("hard"))
    asked = set(re.findall(r'root module input variable "(\w+)" is not set', caught.value.detail))
    found = declared(ground.tree / "modules" / "hard", "modules/hard")
    assert asked == {variable.name for variable in found.variables.values() if variable.required}


def test_a_declaration_knows_its_place(tmp_path: Path) -> None:
    """File, line and column are those of the name, and the text is its line."""
    found = read(tmp_path, main__tf='\n\nvariable "cidr" {\n}\n')
    assert found.variables["cidr"].place == Place(
        file="modules/network/main.tf", line=3, column=10, text='variable "cidr" {'
    )


@pytest.mark.parametrize(
    "document",
    [
        '{"variable": {"cidr": {"sensitive": true}, "zones": {"default": 2}}, "output": {"id": {"value": 1}}}',
        '{"variable": [{"cidr": [{"sensitive": true}]}, {"zones": [{"default": 2}]}], "output": [{"id": [{}]}]}',
        """
        [{"//": "x", "variable": {"//": "x", "cidr": {"sensitive": "true"}, "zones": {"default": null}}},
         {"output": {"id": {}}}]
        """,
    ],
)
def test_the_json_syntax_says_the_same(tmp_path: Path, document: str) -> None:
    """Objects, lists of objects, and comments, as Terraform takes them."""
    found = read(tmp_path, main__tf__json=document)
    assert found.complete
    assert {name: (one.required, one.sensitive) for name, one in found.variables.items()} == {
        "cidr": (True, True),
        "zones": (False, False),
    }
    assert list(found.outputs) == ["id"]
    assert '"cidr": ' in found.variables["cidr"].place.text


def test_override_files_change_what_others_declare(tmp_path: Path) -> None:
    """They are merged last, attribute by attribute, and declare nothing by themselves."""
    found = read(
        tmp_path,
        a_override__tf='variable "cidr" {\n  default = "x"\n}\nvariable "alone" {}\n',
        main__tf='variable "cidr" {\n  sensitive = true\n}\nvariable "zones" {}\n',
        override__tf__json='{"variable": {"zones": {"sensitive": true}}}',
    )
    assert {name: (one.required, one.sensitive) for name, one in found.variables.items()} == {
        "cidr": (False, True),
        "zones": (True, True),
    }


def test_opentofus_own_file_wins_over_the_same_of_terraform(tmp_path: Path) -> None:
    """`main.tofu` is read in place of `main.tf`, as OpenTofu does."""
    found = read(
        tmp_path,
        main__tf='variable "a" {}\n',
        main__tofu='variable "b" {}\n',
        more__tf='variable "c" {}\n',
    )
    assert sorted(found.variables) == ["b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        'variable "x" {',
        'variable "x" }',
        'variable "x',
        'variable "x" "y" {}',
        "variable {}",
        "x = <<EOT\nno end\n",
        'y = "${never closed"\n',
        "z = [1, 2}\n",
        'variable "x" { default = }\n',
        "{}",
        'variable "x" { 1 = 2 }\n',
        "/* never closed",
        'y = "' + '${"' * 500,
    ],
)
def test_a_file_that_cannot_be_read_concludes_nothing(tmp_path: Path, text: str) -> None:
    """Terraform says what is wrong with it; until then, no input is called missing or unknown."""
    found = read(tmp_path, main__tf=text, other__tf='variable "needed" {}\n')
    assert not found.complete
    assert check_inputs(module(strange=1), found) == ()
    assert check_outputs(UnitId("modules.network"), [], found) == ()


def test_a_missing_input_names_both_places(tmp_path: Path) -> None:
    """The mistake stands where the inputs are, and the related place is the declaration."""
    found = read(tmp_path, main__tf='variable "cidr" {}\nvariable "zones" {\n  default = 1\n}\n')
    assert check_inputs(module(), found) == (
        Mistake(
            message="input 'cidr' of modules.network is missing",
            place=place(9),
            hint="write it under `inputs` of modules.network",
            related=found.variables["cidr"].place,
        ),
    )


def test_an_undeclared_input_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    """The mistake stands at the input."""
    found = read(tmp_path, main__tf='variable "cidr" {}\n')
    mistakes = check_inputs(module(cidr="10.0.0.0/16", cird=1), found)
    assert mistakes == (
        Mistake(
            message="modules.network has no input 'cird'",
            place=place(11),
            hint="did you mean 'cidr'?",
        ),
    )


def test_a_variable_that_the_stack_passes_on_is_not_missing(tmp_path: Path) -> None:
    """`terraform.environment` may name TF_VAR_x, which gives x."""
    found = read(tmp_path, main__tf='variable "token" {}\n')
    assert check_inputs(module(), found, passes=("TF_VAR_token",)) == ()


def test_a_variable_file_is_named_as_the_probable_reason(tmp_path: Path) -> None:
    """Who comes from Terraform alone expects terraform.tfvars to count."""
    found = read(tmp_path, main__tf='variable "cidr" {}\n', terraform__tfvars='cidr = "x"\n')
    (mistake,) = check_inputs(module(), found)
    assert "terraform.tfvars beside the module is not read" in mistake.hint


def test_a_reference_to_an_unknown_output_is_a_mistake(tmp_path: Path) -> None:
    """Only references to this module are looked at."""
    found = read(tmp_path, main__tf='output "vpc_id" {\n  value = 1\n}\n')
    references = [
        (reference(text), place(line))
        for line, text in enumerate(
            ("modules.network.vpc_id", "modules.network.vpc-id", "modules.other.x", "vars.vpc"),
            start=1,
        )
    ]
    assert check_outputs(UnitId("modules.network"), references, found) == (
        Mistake(
            message="modules.network has no output 'vpc-id'",
            place=place(2),
            hint="did you mean 'vpc_id'?",
        ),
    )


def reference(path: str) -> Reference:
    """Return the reference that a path is."""
    (part,) = parse_scalar(f"${{{{ {path} }}}}")
    assert isinstance(part, Reference)
    return part


names = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
texts = st.text(st.sampled_from('ab }{"\\#/$%\n<E'), max_size=12)


def quoted(text: str) -> str:
    """Write a text as HCL does."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped.replace("${", "$${").replace("%{", "%%{")}"'


def heredoc(text: str) -> str:
    """Write a text as a heredoc, which knows no escapes but those of templates."""
    return f"<<END\n{text.replace('${', '$${').replace('%{', '%%{')}\nEND"


expressions = st.recursive(
    st.one_of(
        texts.map(quoted),
        texts.map(heredoc),
        st.sampled_from(["1", "true", "null", "var.x", 'f("}", 1)', '"${"}"}"']),
    ),
    lambda inner: st.one_of(
        st.lists(inner.filter(lambda text: "<<" not in text), max_size=3).map(
            lambda items: f"[{', '.join(items)}]"
        ),
        st.dictionaries(names, inner.filter(lambda text: "<<" not in text), max_size=3).map(
            lambda items: (
                "{\n" + "".join(f"  {key} = {value}\n" for key, value in items.items()) + "}"
            )
        ),
    ),
    max_leaves=5,
)
bodies = st.dictionaries(names, expressions, max_size=3)
documents = st.lists(
    st.tuples(st.sampled_from(["variable", "output", "other"]), names, bodies), max_size=4
)


def written(document: list[tuple[str, str, dict[str, str]]]) -> str:
    """Write blocks with comments and blank lines between them."""
    return "".join(
        f'# {kind} {{ "\n{kind} "{name}" {{\n'
        + "".join(f"  {key} = {value}\n" for key, value in body.items())
        + "}\n\n"
        for kind, name, body in document
    )


@relaxed
@given(documents)
def test_blocks_and_attributes_are_those_that_were_written(
    document: list[tuple[str, str, dict[str, str]]],
) -> None:
    """Whatever stands in strings, heredocs and collections, each block ends where it was ended."""
    found = read_blocks(written(document), "main.tf", ("variable", "output"))
    expected = [(kind, name, body) for kind, name, body in document if kind != "other"]
    assert [(block.type, block.labels[0], dict(block.attributes)) for block in found] == expected


@relaxed
@given(texts)
def test_a_literal_text_reads_back(text: str) -> None:
    """Escapes of strings and of templates are undone."""
    assert literal(quoted(text)) == text


@relaxed
@given(st.text(st.sampled_from('variable"x{}=[]()<E\n$%#/* \\'), max_size=60))
def test_no_text_makes_the_scanner_fail_otherwise(text: str) -> None:
    """Any text is either blocks or unreadable."""
    with suppress(Unreadable):
        read_blocks(text, "main.tf", ("variable",))


@pytest.mark.timeout(60)
def test_a_second_reader_finds_the_same() -> None:
    """A library that parses the whole language agrees on all that the examples declare."""
    files = sorted(EXAMPLES.rglob("*.tf"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    blocks = read_blocks(text, "all.tf", ("variable", "output", "module"))
    ours = {(block.type, block.labels[0]): set(block.attributes) for block in blocks}
    assert ours
    assert ours == as_read_by_hcl2(text)


def as_read_by_hcl2(text: str) -> dict[tuple[str, str], set[str]]:
    """Return the attributes of every block as python-hcl2 reads them."""
    document: Mapping[str, list[dict[str, Any]]] = hcl2.loads(text)
    return {
        (type_, name.strip('"')): {key for key, value in body.items() if not nested(key, value)}
        for type_ in ("variable", "output", "module")
        for block in document.get(type_, [])
        for name, body in block.items()
        if isinstance(body, dict)
    }


def nested(key: str, value: object) -> bool:
    """Return whether an entry of python-hcl2's is a nested block, or metadata of its own."""
    return key.startswith("__") or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )
