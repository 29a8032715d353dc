"""The kubectl that ours is measured beside: the machine's where it fits the sandbox, else one that is built."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.running import NotHere
from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import KUBERNETES_VERSION, Program, built
from orchestrator.settings import Settings

KUBECTL = Program(
    name="kubectl",
    title=f"kubectl {KUBERNETES_VERSION}",
    sources=Path(__file__).with_name("golang") / "kubectl",
    package="k8s.io/kubernetes/cmd/kubectl",
)


def find_kubectl(settings: Settings) -> Path:
    """Return a kubectl of the sandbox's own minor version, built first when there is none.

    Raises SandboxError when it can neither be found nor built.
    """
    found = shutil.which("kubectl", path=settings.search_path)
    if found and _minor(_version(found)) == _minor(KUBERNETES_VERSION):
        return Path(found)
    return built(KUBECTL, settings, on_progress=_tell, stop=Stop())


def installed_kubectl(settings: Settings) -> tuple[Path, str]:
    """Return the kubectl of this machine and its version, such as ``1.33.4``.

    Raises NotHere when there is none, or one of the sandbox's own minor version, which is measured anyway.
    """
    found = shutil.which("kubectl", path=settings.search_path)
    version = _version(found) if found else ""
    if not found or not version or _minor(version) == _minor(KUBERNETES_VERSION):
        message = "this machine has no kubectl of another version than the sandbox's"
        raise NotHere(message)
    return Path(found), version.removeprefix("v")


def _version(program: str) -> str:
    argv = (program, "version", "--client", "--output=json")
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    try:
        return str(json.loads(ended.stdout)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return ""


def _minor(version: str) -> str:
    """Return ``v1.36`` of ``v1.36.3``."""
    return ".".join(version.split(".")[:2])


def _tell(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
