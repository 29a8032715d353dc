from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.sandbox import Sandbox
from tests.sandbox.client import client_of
from tests.stacks.aws import Aws, emulated_aws
from tests.stacks.checkout import ROOT, Checkout, check_out

_NAMESPACE = "shop-on-aws"

# No mirror answers there, and nothing else is asked: an init that cannot get its provider, on loopback.
_UNREACHABLE = """
provider_installation {
  network_mirror {
    url = "https://127.0.0.1:1/"
  }
}
"""

pytestmark = pytest.mark.integration


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Run an emulated AWS for one test."""
    with emulated_aws() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, aws: Aws) -> Checkout:
    """Check out the shop, with AWS being the emulated one."""
    root = tmp_path / "shop"
    return check_out(root, "shop", aws.environment, namespace=_NAMESPACE)


@pytest.fixture
def _provider(shop: Checkout, tmp_path: Path) -> None:
    """Skip, loudly, where Terraform cannot get the provider; the message that says so has to be a clear one."""
    module = tmp_path / "module"
    shutil.copytree(ROOT / "stacks" / "shop" / "modules" / "network", module)
    ended = subprocess.run(
        ("terraform", "init", "-backend=false", "-input=false", "-lockfile=readonly", "-no-color"),
        cwd=module,
        env=dict(shop.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        _assert_names_the_provider(shop)
        reason = " ".join(ended.stderr.rpartition("Error: ")[2].split())
        pytest.skip(f"nothing was applied to AWS, since its provider is not to be had: {reason}")


@pytest.mark.download
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("_provider")
def test_the_shop_is_applied_to_aws_as_one_with_its_workloads(
    shop: Checkout, aws: Aws, sandbox: Sandbox
) -> None:
    """One apply makes network, bucket, queue and database, and hands them to the workloads; then all is done."""
    here = {"ORCHESTRATOR_SANDBOX": str(sandbox.directory)}

    applied = shop.orchestrator("apply", "shop", "--env", "local", "--yes", **here)

    assert applied.code == 0, applied.said
    network = _network(aws)
    assert _database_subnets(aws) == network
    picture = _upload(aws)
    settings, password = _workload_settings(sandbox)
    assert settings["PICTURES_BUCKET"] == "example-shop-local-pictures"
    assert picture in _announced(aws, settings["UPLOADS_QUEUE_URL"])
    assert password not in applied.said

    again = shop.orchestrator("plan", "shop", "--env", "local", "--detailed-exitcode", **here)

    assert again.code == 0, again.said
    assert password not in again.said


@pytest.mark.soak  # RDS takes the provider's own waits: 80 s to make a database, 60 s to delete it
@pytest.mark.download
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_provider")
def test_the_shop_goes_only_when_its_database_is_given_up_by_name(
    shop: Checkout, aws: Aws, sandbox: Sandbox
) -> None:
    """What is protected or holds data holds up a destroy before anything is touched; named, all of it goes."""
    here = {"ORCHESTRATOR_SANDBOX": str(sandbox.directory)}
    # Another checkout may have left its workloads, of which this one's ledger knows nothing.
    given = ("--env", "local", "--yes", "--acknowledge", "unknown-objects")
    applied = shop.orchestrator("apply", "shop", *given, **here)
    assert applied.code == 0, applied.said

    refused = shop.orchestrator("destroy", "shop", "--env", "local", "--yes", **here)

    assert refused.code == 1, refused.said
    assert "modules.database" in refused.stderr
    assert _database_subnets(aws) == _network(aws)
    assert _workload_settings(sandbox)

    gone = (
        "destroy",
        "shop",
        "--env",
        "local",
        "--yes",
        *("--acknowledge", "destroy:modules.database"),
        *("--acknowledge", "destroy:modules.uploads"),
    )
    destroyed = shop.orchestrator(*gone, **here)

    assert destroyed.code == 0, destroyed.said
    assert aws.client("rds").describe_db_instances()["DBInstances"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_a_provider_that_cannot_be_had_is_named(shop: Checkout) -> None:
    """Where no registry answers, the message names the unit, the provider and the address, and nothing changes."""
    config = shop.root.parent / "unreachable.tfrc"
    config.write_text(_UNREACHABLE)

    _assert_names_the_provider(shop, TF_CLI_CONFIG_FILE=str(config))

    assert not list((shop.root / ".orchestrator").rglob("network.tfstate"))


def _assert_names_the_provider(shop: Checkout, **variables: str) -> None:
    failed = shop.orchestrator(
        "plan", "shop", "--env", "local", "--only", "modules.network", **variables
    )
    assert failed.code == 1, failed.said
    assert "modules.network" in failed.stderr
    assert "hashicorp/aws" in failed.stderr
    assert "Traceback" not in failed.said


def _network(aws: Aws) -> set[str]:
    """Return the private subnets, which are in different zones of the one network that the shop made."""
    ours = [{"Name": "tag:stack", "Values": ["shop"]}]
    networks = aws.client("ec2").describe_vpcs(Filters=ours)["Vpcs"]
    assert [network["CidrBlock"] for network in networks] == ["10.10.0.0/16"]
    subnets = aws.client("ec2").describe_subnets(Filters=ours)["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"eu-central-1a", "eu-central-1b"}
    return {subnet["SubnetId"] for subnet in subnets}


def _database_subnets(aws: Aws) -> set[str]:
    (database,) = aws.client("rds").describe_db_instances()["DBInstances"]
    assert database["DBInstanceIdentifier"] == "shop-local"
    return {subnet["SubnetIdentifier"] for subnet in database["DBSubnetGroup"]["Subnets"]}


def _upload(aws: Aws) -> str:
    name = "teapot.jpg"
    aws.client("s3").put_object(Bucket="example-shop-local-pictures", Key=name, Body=b"teapot")
    return name


def _announced(aws: Aws, queue: str) -> set[str]:
    """Return the names of the pictures that the queue has heard of."""
    messages = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    records: list[dict[str, Any]] = [
        record for message in messages for record in json.loads(message["Body"]).get("Records", [])
    ]
    return {record["s3"]["object"]["key"] for record in records}


def _workload_settings(sandbox: Sandbox) -> tuple[dict[str, str], str]:
    """Return what the workloads are told about AWS, and the password that they are given."""
    client = client_of(sandbox.kubeconfig)
    place = f"/api/v1/namespaces/{_NAMESPACE}"
    settings: dict[str, str] = client.get(f"{place}/configmaps/shop")["data"]
    password = base64.b64decode(
        client.get(f"{place}/secrets/database")["data"]["PGPASSWORD"]
    ).decode()
    assert len(password) == 32
    return settings, password
