"""What there is as people look at it who do not know us: by kubectl and by Terraform."""

import json
import shutil
import subprocess
from pathlib import Path

from benchmarks.kubectl import find_kubectl
from orchestrator.infrastructure.binary import find_binary
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.end_to_end.ending_early.places import Place
from tests.end_to_end.stacks import Document

_KINDS = "configmaps,deployments,jobs"


def seen_by_kubectl(place: Place) -> dict[str, Document]:
    """Return the objects that runs can have made in the stack's namespace, by ``Kind/name``."""
    program = shutil.which("kubectl") or str(find_kubectl(Settings.read()))
    folder = place.points.folder
    namespace = place.points.world.name
    options = (f"--kubeconfig={place.points.direct}", f"--cache-dir={folder / 'cache'}")
    told = subprocess.run(
        (program, *options, "get", _KINDS, f"--namespace={namespace}", "--output=json"),
        capture_output=True,
        text=True,
        check=True,
    )
    items = json.loads(told.stdout)["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": item
        for item in items
        if item["metadata"]["name"] != "kube-root-ca.crt"
    }


def seen_by_terraform(place: Place) -> dict[str, list[str]]:
    """Return the addresses of the resources that each module with a state has."""
    folder: Path = place.points.folder
    engine = find_binary(Terraform(), Settings.read(), folder).argv
    found = {}
    for module, state in place.states.read().items():
        file = folder / "looked-at.tfstate"
        file.write_text(json.dumps(state))
        listed = subprocess.run(
            (*engine, "state", "list", f"-state={file}"),
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        found[module] = listed.stdout.split()
    return found
