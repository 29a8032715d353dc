"""Which of Terraform's own commands may be run on a unit: not those that go behind the ledger's back."""

import pytest

from orchestrator.errors import UsageError
from orchestrator.infrastructure.commands import Allowed, allowed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("state list", Allowed(takes_inputs=False, changes=False, told="state list")),
        (
            "state mv terraform_data.a terraform_data.b",
            Allowed(
                takes_inputs=False, changes=True, told="state mv terraform_data.a terraform_data.b"
            ),
        ),
        (
            "state rm module.x[0].aws_vpc.main",
            Allowed(takes_inputs=False, changes=True, told="state rm module.x[0].aws_vpc.main"),
        ),
        (
            "state push other.tfstate",
            Allowed(takes_inputs=False, changes=True, told="state push other.tfstate"),
        ),
        (
            "import aws_vpc.main vpc-0123",
            Allowed(takes_inputs=True, changes=True, told="import aws_vpc.main"),
        ),
        (
            "import aws_iam_access_key.main secret.id-0123",
            Allowed(takes_inputs=True, changes=True, told="import aws_iam_access_key.main"),
        ),
        (
            "taint terraform_data.a",
            Allowed(takes_inputs=False, changes=True, told="taint terraform_data.a"),
        ),
        (
            "force-unlock -force 0a1b",
            Allowed(takes_inputs=False, changes=True, told="force-unlock"),
        ),
        (
            "plan -var password=hunter2 -target=aws_vpc.main",
            Allowed(takes_inputs=True, changes=False, told="plan"),
        ),
        ("plan -help", Allowed(takes_inputs=False, changes=False, told="plan")),
        ("console", Allowed(takes_inputs=True, changes=False, told="console")),
        ("output -json", Allowed(takes_inputs=False, changes=False, told="output")),
        (
            "providers schema -json",
            Allowed(takes_inputs=False, changes=False, told="providers schema"),
        ),
        ("workspace show", Allowed(takes_inputs=False, changes=False, told="workspace show")),
        ("env list", Allowed(takes_inputs=False, changes=False, told="env list")),
        ("test -help", Allowed(takes_inputs=False, changes=False, told="test")),
        ("apply -help", Allowed(takes_inputs=False, changes=False, told="apply")),
        ("-version", Allowed(takes_inputs=False, changes=False, told="-version")),
    ],
)
def test_what_a_command_takes_and_does(arguments: str, expected: Allowed) -> None:
    """Options and their values are not told, since a secret may be among them."""
    assert allowed(arguments.split()) == expected


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ("apply -auto-approve", "`orchestrator apply STACK --only UNIT` does it"),
        ("destroy", "`orchestrator destroy STACK --only UNIT` does it"),
        ("init -upgrade", "the module's lock file"),
        ("workspace new other", "environments of the stack"),
        ("workspace", "environments of the stack"),
        ("env new other", "environments of the stack"),
        ("test", "in the module's own directory, with credentials"),
        ("get -update", "change the module's source"),
        ("providers lock -platform=linux_amd64", "commit what comes of it"),
        ("providers mirror /elsewhere", "commit what comes of it"),
        ("fmt", "commit what comes of it"),
        ("login", "those that are: console, force-unlock"),
        ("-install-autocomplete", "those that are: console, force-unlock"),
        ("state mv -state-out=other.tfstate a.b a.b", "environments of the stack"),
        ("plan -state other.tfstate", "environments of the stack"),
        ("plan -out=plan", "`orchestrator plan STACK --only UNIT --out FILE`"),
        ("plan --out plan", "`orchestrator plan STACK --only UNIT --out FILE`"),
        ("-chdir=/elsewhere plan", "run in that directory anyway"),
        ("", "such as `-- state list`"),
    ],
)
def test_what_would_go_behind_the_ledgers_back_is_refused(arguments: str, hint: str) -> None:
    """Each refusal says what to do instead."""
    with pytest.raises(UsageError) as refused:
        allowed(arguments.split())
    assert hint in refused.value.hint
