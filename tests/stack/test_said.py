"""What stack files and the repository's settings say of the ledger, told from their texts alone."""

import pytest

from orchestrator.stack.model import Ledger, LedgerStore
from orchestrator.stack.said import said_of_ledger

PROJECT = "ledger: {store: directory, path: /srv/all}"
STACK = "name: shop\nledger: {remote: upstream}\n"
ENVIRONMENT = STACK + "environments: {production: {ledger: {remote: false}}, staging: {}}\n"


@pytest.mark.parametrize(
    ("stack", "project", "said"),
    [
        ("name: shop", "", Ledger(remote="")),
        ("name: shop", PROJECT, Ledger(store=LedgerStore.DIRECTORY, remote="", path="/srv/all")),
        (STACK, PROJECT, Ledger(remote="upstream")),
        (ENVIRONMENT, PROJECT, Ledger(remote=None)),
        (ENVIRONMENT.replace("production", "other"), PROJECT, Ledger(remote="upstream")),
        ("name: [", PROJECT, Ledger(store=LedgerStore.DIRECTORY, remote="", path="/srv/all")),
        ("", "ledger: [", Ledger(remote="")),
    ],
)
def test_what_is_nearest_counts(stack: str, project: str, said: Ledger) -> None:
    """An environment says it before its stack, and that before the repository; what cannot be read says nothing."""
    assert said_of_ledger(stack, project, "production") == said
