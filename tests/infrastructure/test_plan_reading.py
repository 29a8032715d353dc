"""What a plan tells beyond creations and updates: drift, checks, imports, leftovers; from real engines' words."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.infrastructure.reading.plan import Reading, drift_in, find_secrets, read_plan
from orchestrator.plans.change import Action, Change, Risk
from orchestrator.plans.redaction import Secrets
from orchestrator.plans.values import ABSENT, masked
from tests.infrastructure.ground import Ground

DOCUMENTS = Path(__file__).with_name("documents")
"""Plans that Terraform 1.11 wrote with providers that tests cannot count on, cut to what is read of them."""


def read(document: dict[str, Any]) -> Reading:
    """Read a document with the secrets that it marks."""
    secrets = Secrets()
    for secret in find_secrets(document):
        secrets.learn(secret)
    return read_plan(document, lambda value: secrets.redact_json(value) != value)


def document(name: str) -> dict[str, Any]:
    """Return a document as the engine wrote it."""
    found: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text())
    return found


def test_what_others_changed_is_told_apart_from_what_follows() -> None:
    """Two files were deleted by hand: that is drift; that they are made again is the plan."""
    reading = read(document("drift"))
    assert [(one.name, one.type, one.action) for one in reading.drift] == [
        ("local_file.gone", "local_file", Action.DELETE),
        ("local_sensitive_file.secret", "local_sensitive_file", Action.DELETE),
    ]
    made = {change.name for change in reading.changes if change.action is Action.CREATE}
    assert made == {"local_file.gone", "local_sensitive_file.secret"}


def test_secrets_of_drift_are_masked() -> None:
    """Also where a provider copied one into an attribute that nobody marked."""
    content = document("drift")
    content["resource_drift"][1]["change"]["before"]["source"] = "copy of hunter2hunter2"
    _, secret = read(content).drift
    fields = {field.path: (field.before, field.after) for field in secret.fields}
    assert fields["content"] == (masked("hunter2hunter2"), ABSENT)
    assert fields["source"] == (masked("copy of hunter2hunter2"), ABSENT)
    assert "hunter2hunter2" not in repr(read(content))


def test_a_failed_check_names_itself_and_says_why() -> None:
    """One that is unknown or passes says nothing; messages over several lines are one sentence."""
    content = document("drift")
    (failed,) = read(content).failed_checks
    assert failed.startswith("check.there failed: Read local file data source error: The file at")
    assert failed.endswith("open gone.txt: no such file or directory")
    for status in ("pass", "unknown"):
        content["checks"][0]["instances"][0]["status"] = status
        assert read(content).failed_checks == ()
    content["checks"][0]["instances"][0] = {"status": "error", "address": {"to_display": "check.x"}}
    assert read(content).failed_checks == ("check.x failed",)
    content["checks"][0]["address"]["kind"] = "output_value"
    assert read(content).failed_checks == ()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"type": "resource_drift", "change": {"action": "update"}}, Action.UPDATE),
        ({"type": "resource_drift", "change": {"action": "delete"}}, Action.DELETE),
        ({"type": "resource_drift", "change": {"action": "move"}}, None),
        ({"type": "planned_change", "change": {"action": "update"}}, None),
    ],
)
def test_drift_that_changes_nothing_is_told_by_the_stream(
    message: dict[str, Any], told: Action | None
) -> None:
    """Without changes there is no document to read; the stream names what drifted."""
    message["change"]["resource"] = {"addr": "aws_vpc.main", "resource_type": "aws_vpc"}
    found = drift_in(message)
    assert (found.action if found else None) is told
    assert found is None or (found.name, found.type) == ("aws_vpc.main", "aws_vpc")


def changed(actions: list[str], change: dict[str, Any], **more: Any) -> Change:
    """Return how one resource change is read."""
    resource = {"address": "aws_vpc.main", "type": "aws_vpc", "change": {"actions": actions}}
    resource["change"] |= change  # type: ignore[operator]
    (found,) = read({"resource_changes": [{**resource, **more}]}).changes
    return found


@pytest.mark.parametrize(
    ("importing", "reason"),
    [
        ({"id": "vpc-1"}, "imported from vpc-1"),
        ({"identity": {"name": "a", "account": "1"}}, "imported from account=1, name=a"),
        ({"unknown": True}, "imported by an id known after apply"),
    ],
)
def test_an_import_says_what_is_imported(importing: dict[str, Any], reason: str) -> None:
    """By its id, by its identity as newer engines have it, or not yet."""
    found = changed(["no-op"], {"importing": importing})
    assert (found.action, found.reason) == (Action.IMPORT, reason)


def test_what_a_failed_replacement_left_is_told_apart_from_its_successor() -> None:
    """Both have one address: the old object is named by its key."""
    found = changed(["delete"], {"before": {"id": "x"}}, deposed="00c0ffee")
    assert found.name == "aws_vpc.main (deposed 00c0ffee)"
    assert found.reason == "left over from a replacement that failed"


def test_a_replacement_that_leaves_the_old_one_costs_nothing() -> None:
    """`destroy = false` forgets the old object; nothing of it is lost."""
    found = changed(["create", "forget"], {})
    assert (found.action, found.risk) == (Action.REPLACE, Risk.REVERSIBLE)
    assert changed(["create", "delete"], {}).risk is None


@pytest.mark.integration
def test_an_import_block_is_read_as_terraform_writes_it(ground: Ground) -> None:
    """What is only taken into the state is an import, with what it is imported from."""
    ground.write(
        "modules/echo/main.tf",
        'import {\n  to = terraform_data.it\n  id = "some-id"\n}\n'
        'resource "terraform_data" "it" {}\n',
    )
    (found,) = ground.plan(ground.workspace()).changes
    assert (found.action, found.reason, found.type) == (
        Action.IMPORT,
        "imported from some-id",
        "terraform_data",
    )


@pytest.mark.integration
def test_a_check_in_a_called_module_has_its_whole_address(ground: Ground) -> None:
    """Two modules may have checks of one name; sensitive values in a message are not told."""
    ground.write(
        "modules/echo/inner/main.tf",
        'variable "key" {\n  type = string\n  sensitive = true\n}\n'
        'check "it" {\n  assert {\n    condition = var.key == ""\n'
        '    error_message = "it is ${nonsensitive(var.key)}"\n  }\n}\n',
    )
    ground.write(
        "modules/echo/main.tf",
        'module "inner" {\n  source = "./inner"\n  key = "a-constant-secret"\n}\n'
        'resource "terraform_data" "it" {}\n',
    )
    plan = ground.plan(ground.workspace())
    assert plan.warnings == ("module.inner.check.it failed: it is (sensitive)",)


@pytest.mark.integration
def test_an_ephemeral_input_is_a_secret(ground: Ground) -> None:
    """It is in no document as one: its declaration says so."""
    ground.write(
        "modules/echo/main.tf",
        'variable "once" {\n  type = string\n  ephemeral = true\n}\n'
        'resource "terraform_data" "it" {}\n',
    )
    ground.plan(ground.workspace(), {"once": "used-only-once"})
    assert ground.site.secrets.redact("it was used-only-once") == "it was (sensitive)"


@pytest.mark.integration
def test_a_check_that_is_not_evaluated_yet_says_nothing(ground: Ground) -> None:
    """It did not fail: it is looked at when the plan is applied, and told then, and at the next plan, if it fails."""
    check = """
resource "terraform_data" "it" {}

check "late" {
  assert {
    condition     = terraform_data.it.id == ""
    error_message = "it has an id"
  }
}
"""
    ground.write("modules/echo/main.tf", check)
    workspace = ground.workspace()

    first = ground.plan(workspace)
    ground.apply(workspace)
    again = ground.plan(workspace)

    assert first.warnings == ()
    assert len(again.warnings) == 1
    assert "check.late failed" in again.warnings[0]
