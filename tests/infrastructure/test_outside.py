"""What a module's text says of files outside of it: in doubt it reads them."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.infrastructure.outside import leading_outside


def _outside(tree: Path, text: str, *, name: str = "main.tf", inputs: Any = None) -> str:
    (tree / "module").mkdir(exist_ok=True)
    (tree / "module" / name).write_text(text, encoding="utf-8")
    files = sorted(file.relative_to(tree).as_posix() for file in (tree / "module").iterdir())
    return leading_outside(tree, files, inputs)


@pytest.mark.parametrize(
    "text",
    [
        'file("../conf.json")',
        '"${path.module}/.."',
        'join("/", ["..", "conf.json"])',
        'join("/", [path.module, "..", "conf.json"])',
        '"${path.root}/../conf.json"',
        '"${local.folder}.."',
        '"..${local.folder}"',
        '"\\u002e\\u002e/conf.json"',
        "dirname(path.module)",
        'file("${abspath(path.module)}/conf.json")',
        "path.cwd",
        'pathexpand("~/conf.json")',
        'trimsuffix(path.module, "/module")',
        'split("/", path.root)',
        'file("/etc/conf.json")',
        'file( "~/conf.json")',
        'fileset("/etc", "*")',
        'templatefile("/etc/conf.tftpl", {})',
        'filebase64sha256("/etc/conf.json")',
        'file(\n    "/etc/conf.json"\n  )',
        'file(coalesce("/etc/conf.json"))',
    ],
)
def test_all_that_leads_out_of_a_directory_counts(tmp_path: Path, *, text: str) -> None:
    """However the way out is written: as a path, in parts, or computed from where the module is."""
    assert _outside(tmp_path, f"locals {{\n  a = {text}\n}}\n") in {
        "module/main.tf:2",
        "module/main.tf:3",
    }


@pytest.mark.parametrize(
    "text",
    [
        'file("${path.module}/conf.json")',
        'file("conf.json")',
        'fileset(path.module, "*.json")',
        '[for f in fileset(path.module, "*") : file(f)]',
        "concat(local.lists...)",
        '"~> 1.2"',
        '"/healthz"',
        "basename(path.module)",
        '"and so on..."',
    ],
)
def test_what_stays_inside_does_not_count(tmp_path: Path, *, text: str) -> None:
    """A module that reads its own files is told from its own files."""
    assert _outside(tmp_path, f"locals {{\n  a = {text}\n}}\n") == ""


def test_a_path_that_comes_from_elsewhere_may_be_absolute(tmp_path: Path) -> None:
    """A default, a local or an input is a path only where something computed is read."""
    assert _outside(tmp_path, "", inputs={"page": "/etc/page.html"}) == ""
    assert _outside(tmp_path, 'variable "page" { default = "/etc/page.html" }\n') == ""
    assert _outside(tmp_path, "locals { a = file(var.page) }\n", name="read.tf") == (
        "module/main.tf:1"
    )
    assert _outside(tmp_path, 'variable "page" {}\n') == ""
    assert _outside(tmp_path, 'variable "page" {}\n', inputs={"page": ["/etc/p"]}) == "an input"
    assert _outside(tmp_path, "", name="read.tf", inputs={"page": "a/.."}) == "an input"


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ('${file("../conf.json")}', True),
        ('%{ for f in fileset("..", "*") }${f}%{ endfor }', True),
        ('${file("conf.json")}', False),
        ("see ../README, and file(1)", False),
        ("${name} is in ../README", False),
    ],
)
def test_a_template_may_read_files_itself(tmp_path: Path, *, text: str, leads: bool) -> None:
    """Whatever its name; other files may say what they like."""
    for name in ("page.tftpl", "page.html"):
        assert _outside(tmp_path, text, name=name) == (f"module/{name}:1" if leads else "")
        (tmp_path / "module" / name).unlink()


def test_a_call_of_a_module_does_not_lead_outside(tmp_path: Path) -> None:
    """What it calls counts among what it is made of; a file is no module."""
    (tmp_path / "inner").mkdir()
    assert _outside(tmp_path, 'module "m" {\n  source = "../inner"\n}\n') == ""
    assert _outside(tmp_path, 'module "m" {\n  source = ".."\n}\n') == ""
    assert _outside(tmp_path, 'module "m" {\n  source = "../page"\n}\n') == "module/main.tf:2"
