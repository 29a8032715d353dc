"""The stack that installs the agent: what is printed is what is there, and a real API server takes all of it."""

import os
import uuid
from pathlib import Path

import pytest
import yaml

from orchestrator.sandbox import Sandbox
from tests.sandbox.client import client_of
from tests.stacks.checkout import ROOT, Checkout, check_out

pytestmark = pytest.mark.integration

_IMAGE = "registry.example.org/orchestrator:0.1"


def _printed(checkout: Checkout, *more: str) -> str:
    config = str(checkout.root / "agent.yaml")
    printed = checkout.orchestrator(
        "agent", "manifests", "--config", config, "--image", _IMAGE, *more
    )
    assert printed.code == 0, printed.said
    first, *notes = printed.stderr.splitlines()
    assert first.startswith("warning: quickstart/default has modules, and its state "), first
    assert [each.split()[:3] for each in notes] == [
        ["note:", "the", "namespace"],
        ["note:", "the", "agent"],
        ["note:", "the", "Secret"],
    ]
    assert "can reach the ports 443, 6443 alone" in notes[1]
    assert notes[2].endswith(" has to hold git-token")
    return printed.stdout


def test_what_is_there_is_what_is_printed(tmp_path: Path) -> None:
    """Whoever follows the stack's comments gets the same bytes."""
    checkout = check_out(tmp_path / "checkout", "quickstart", os.environ)
    text = (ROOT / "stacks/agent/agent.yaml").read_text()
    (checkout.root / "agent.yaml").write_text(text)
    assert _printed(checkout) == (ROOT / "stacks/agent/install.yaml").read_text(), (
        "orchestrator agent manifests --config stacks/agent/agent.yaml "
        f"--image {_IMAGE} > stacks/agent/install.yaml"
    )


@pytest.mark.timeout(180)
def test_the_agent_is_installed_by_the_tool_itself(tmp_path: Path, sandbox: Sandbox) -> None:
    """All of it is taken by the server, strictly, becomes healthy, needs nothing more, and goes again."""
    name = f"agent-{uuid.uuid4().hex[:8]}"
    kept = f"{name}-shop"
    cluster = client_of(sandbox.kubeconfig)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kept}}
    cluster.create("/api/v1/namespaces", namespace)
    environment = {**os.environ, "ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    stacks = check_out(tmp_path / "stacks", "quickstart", environment, namespace=kept)
    told = yaml.safe_load((ROOT / "stacks/agent/agent.yaml").read_text())
    told |= {"name": name, "leader": {"namespace": name}}
    (stacks.root / "agent.yaml").write_text(yaml.safe_dump(told))
    checkout = check_out(tmp_path / "checkout", "agent", environment)
    install = checkout.root / "stacks" / "agent" / "install.yaml"
    install.write_text(_printed(stacks, "--namespace", name))

    applied = checkout.orchestrator("apply", "agent", "--yes", "--allow-dirty")

    assert applied.code == 0, applied.said
    path = f"/apis/apps/v1/namespaces/{name}/deployments/orchestrator-{name}"
    assert cluster.get(path)["status"]["readyReplicas"] == 2
    again = checkout.orchestrator("plan", "agent", "--detailed-exitcode")
    assert again.code == 0, again.said
    destroyed = checkout.orchestrator("destroy", "agent", "--yes", "--allow-dirty")
    assert destroyed.code == 0, destroyed.said
    roles = cluster.get(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{kept}/roles")
    assert roles["items"] == []
