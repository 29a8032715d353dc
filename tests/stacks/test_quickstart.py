from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.sandbox import Sandbox
from tests.sandbox.client import Client, client_of
from tests.stacks.checkout import check_out

_NAMESPACE = "quickstart-example"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def test_the_quickstart_does_what_its_comments_say(tmp_path: Path, sandbox: Sandbox) -> None:
    """Outputs of every type reach the workloads, nothing is left to do after an apply, or there after a destroy."""
    environment = {**os.environ, "ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    checkout = check_out(tmp_path / "checkout", "quickstart", environment, namespace=_NAMESPACE)
    cluster = client_of(sandbox.kubeconfig)

    applied = checkout.orchestrator("apply", "quickstart", "--yes")

    assert applied.code == 0, applied.said
    password = _password(cluster)
    _assert_workloads_are_fed(cluster)
    assert password not in applied.said

    again = checkout.orchestrator("plan", "quickstart", "--detailed-exitcode")

    assert again.code == 0, again.said

    going = checkout.orchestrator("plan", "quickstart", "--destroy", "--output", "json")

    assert going.code == 0, going.said
    # Terraform marks it in the resource's input, and forgets to in the output copied from there.
    assert password not in going.said

    destroyed = checkout.orchestrator("destroy", "quickstart", "--yes")

    assert destroyed.code == 0, destroyed.said
    assert cluster.request("GET", f"/api/v1/namespaces/{_NAMESPACE}")[0] == 404
    assert password not in destroyed.said


def _password(cluster: Client) -> str:
    data = _read(cluster, "/api/v1", "secrets/database")["data"]
    password = base64.b64decode(data["PGPASSWORD"]).decode()
    assert len(password) == len("01234567-89ab-cdef-0123-456789abcdef")
    return password


def _assert_workloads_are_fed(cluster: Client) -> None:
    settings = _read(cluster, "/api/v1", "configmaps/database")["data"]
    name = _read(cluster, "/api/v1", "services/database")["spec"]
    texts = _read(cluster, "/api/v1", "configmaps/shop")["data"]
    web = _read(cluster, "/apis/apps/v1", "deployments/web")
    migration = _read(cluster, "/apis/batch/v1", "jobs/migrate-1.0")

    assert settings["PGHOST"] == name["externalName"]
    assert name["ports"][0]["port"] == 5432
    assert texts["DATABASE_ADDRESS"] == f"{settings['PGHOST']}:5432"
    assert texts["GREETING"] == "Write ${{ vars.domain }} to read shop.localhost."
    assert web["status"]["readyReplicas"] == web["spec"]["replicas"] == 2
    assert migration["status"]["succeeded"] == 1


def _read(cluster: Client, api: str, thing: str) -> dict[str, Any]:
    return cluster.get(f"{api}/namespaces/{_NAMESPACE}/{thing}")
