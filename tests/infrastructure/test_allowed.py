"""What modules of the repository call has to be allowed, too: a wrapper is no way around."""

from pathlib import Path

import pytest

from orchestrator.infrastructure.allowed import check_calls
from orchestrator.infrastructure.workspace import ModuleRequest
from orchestrator.stack.model import State, UnitId
from tests.stack.stack_files import write

_EVIL = "git::https://evil.example/m.git"
_CALLS_EVIL = f'module "m" {{\n  source = "{_EVIL}"\n}}\n'
_CALLS_INNER = 'module "inner" {\n  source = "../inner"\n}\n'


def _told(root: Path, files: dict[str, str]) -> list[str]:
    write(root, files)
    unit = UnitId("modules.wrapper")
    request = ModuleRequest(unit=unit, tree=root, directory=".", source="./wrapper", state=State())
    found = check_calls(request, lambda source: source.startswith("registry.example/"))
    return [each.message for each in found]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"wrapper/main.tf": _CALLS_INNER, "inner/main.tf": ""}, []),
        ({"wrapper/main.tf": 'module "m" {\n  source = "registry.example/a/b/c"\n}\n'}, []),
        (
            {"wrapper/main.tf": _CALLS_EVIL},
            [f"module.m in wrapper has the source {_EVIL!r}, which is not allowed"],
        ),
        (
            {"wrapper/main.tf": _CALLS_INNER, "inner/main.tf": _CALLS_EVIL},
            [f"module.m in inner has the source {_EVIL!r}, which is not allowed"],
        ),
        (
            {"wrapper/main.tf.json": f'{{"module": {{"m": {{"source": "{_EVIL}"}}}}}}'},
            [f"module.m in wrapper has the source {_EVIL!r}, which is not allowed"],
        ),
        (
            {
                "wrapper/main.tf": 'module "m" {\n  source = "./x"\n}\n',
                "wrapper/a_override.tf": _CALLS_EVIL,
            },
            [f"module.m in wrapper has the source {_EVIL!r}, which is not allowed"],
        ),
        (
            {"wrapper/main.tf": 'module "m" {\n  source = var.where\n}\n'},
            ["module.m in wrapper has a source that is no plain text, which is not allowed"],
        ),
        (
            {"wrapper/main.tf": _CALLS_EVIL, "wrapper/main.tofu": ""},
            ["nobody can tell for certain which modules wrapper calls"],
        ),
        (
            {"wrapper/main.tf": "module m {{{"},
            ["nobody can tell for certain which modules wrapper calls"],
        ),
    ],
)
def test_a_wrapper_is_no_way_around(tmp_path: Path, files: dict[str, str], told: list[str]) -> None:
    """A call is found however it is written and however deep; what cannot be read for certain is refused."""
    assert _told(tmp_path, files) == told
