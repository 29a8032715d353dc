"""What `dataclasses` writes is compiled once; the next process takes it as it is. What goes wrong costs time only."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import json, sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from orchestrator.bytecode import Generated

kept = Generated(Path(sys.argv[1]))
kept.install()

@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    file: str
    line: int = 1
    tags: tuple[str, ...] = field(default=(), repr=False)

one = Place(file="a.tf")
try:
    one.line = 2
except AttributeError as error:
    frozen = type(error).__name__
same = one == Place(file="a.tf") and hash(one) == hash(Place(file="a.tf"))
moved = replace(one, line=sys.argv[2])
kept.save()
print(json.dumps([repr(one), frozen, same, moved.line, one == moved, kept.compiled]))
"""
_BEHAVES = ["Place(file='a.tf', line=1)", "FrozenInstanceError", True, "7", False]


def _run(file: Path, **more: str) -> tuple[list[object], int]:
    """Return how a class behaved in a new process, and how many of its texts were compiled there."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, file, "7"],
        env=told | more,
        capture_output=True,
        text=True,
        check=True,
    )
    *behaves, compiled = json.loads(ended.stdout)
    return behaves, compiled


def test_a_second_start_compiles_nothing_and_behaves_the_same(tmp_path: Path) -> None:
    """The class is the same class, whoever compiled its methods."""
    file = tmp_path / "made" / "generated.pyc"

    behaves, compiled = _run(file)
    again, second = _run(file)

    assert behaves == again == _BEHAVES
    assert compiled >= 6
    assert second == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("damage", [b"", b"\x00\x01", b"N", "half", "other"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | str) -> None:
    """Nor is one taken that another interpreter wrote."""
    file = tmp_path / "generated.pyc"
    _run(file)
    whole = file.read_bytes()
    changed = {"half": whole[: len(whole) // 2], "other": whole.replace(b"\r\n", b"\r\r", 1)}
    file.write_bytes(changed[damage] if isinstance(damage, str) else damage)

    behaves, compiled = _run(file)

    assert behaves == _BEHAVES
    assert compiled >= 6
    assert file.read_bytes() == whole


def test_nothing_is_written_where_python_may_not(tmp_path: Path) -> None:
    """A file system that is read-only by agreement, such as an image's, stays as it is."""
    behaves, compiled = _run(tmp_path / "generated.pyc", PYTHONDONTWRITEBYTECODE="1")

    assert behaves == _BEHAVES
    assert compiled >= 6
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """The command goes on; its next start takes as long as this one."""
    blocked = tmp_path / "file"
    blocked.touch()

    assert _run(blocked / "generated.pyc")[0] == _BEHAVES


def test_commands_keep_what_they_compile(tmp_path: Path) -> None:
    """Beside the modules' own bytecode, wherever Python was told to put that."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-m", "orchestrator", "--version"]

    subprocess.run(command, env=env | {"PYTHONPYCACHEPREFIX": str(tmp_path)}, check=True)

    (kept,) = tmp_path.rglob("generated.*.pyc")
    assert "orchestrator" in str(kept)
