"""How `.venv` is made: what uv is told about the user's package registries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PRINT = "import json, tools.environment as e; print(json.dumps(e.uv_environment()))"


def uv_environment(**variables: str) -> dict[str, str]:
    """Ask a process that has PATH and these variables only."""
    output = subprocess.run(
        (sys.executable, "-c", PRINT),
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | variables,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    told: dict[str, str] = json.loads(output)
    return told


def test_uv_is_told_what_pip_reads_from_its_environment(tmp_path: Path) -> None:
    """Registries that are set up by PIP_* serve both installers."""
    told = uv_environment(
        HOME=str(tmp_path),
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="https://packages.example/simple",
        PIP_CERT="/certificates.pem",
        PIP_FIND_LINKS="/wheels",
    )

    assert told["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert told["SSL_CERT_FILE"] == "/certificates.pem"
    assert told["UV_FIND_LINKS"] == "/wheels"


def test_uv_is_told_what_pip_reads_from_its_files(tmp_path: Path) -> None:
    """A registry from pip.conf counts as one from the environment does, also several of a kind."""
    configuration = tmp_path / "pip.conf"
    addresses = ("https://one.example/simple?a=b", "https://two.example/simple")
    configuration.write_text("[global]\nextra-index-url =\n    " + "\n    ".join(addresses))

    told = uv_environment(HOME=str(tmp_path), PIP_CONFIG_FILE=str(configuration))

    assert told["UV_INDEX"].split() == list(addresses)


def test_a_variable_beats_the_file_as_it_does_for_pip(tmp_path: Path) -> None:
    """Where both are set, uv is told what pip would use."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://file.example/simple\n")

    told = uv_environment(
        HOME=str(tmp_path),
        PIP_CONFIG_FILE=str(configuration),
        PIP_INDEX_URL="https://variable.example/simple",
    )

    assert told["UV_DEFAULT_INDEX"] == "https://variable.example/simple"


def test_uv_keeps_its_own_settings_where_pip_has_none(tmp_path: Path) -> None:
    """Someone who set up uv alone is served too."""
    told = uv_environment(
        HOME=str(tmp_path),
        PIP_CONFIG_FILE=os.devnull,
        UV_DEFAULT_INDEX="https://uv.example/simple",
    )

    assert told["UV_DEFAULT_INDEX"] == "https://uv.example/simple"
