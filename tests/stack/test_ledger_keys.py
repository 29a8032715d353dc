"""Where a ledger is kept, as stack files say it, and what does not go together."""

from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack
from orchestrator.stack.load import choose_stack, load_project, load_stack
from orchestrator.stack.model import Ledger, LedgerStore, Stack

STACK = """\
version: 1
name: shop
ledger: {ledger}
cluster: {cluster}
modules:
  base: {{source: "git::https://example.com/base.git"}}
"""


def load(root: Path, ledger: str, cluster: str = "{context: dev}", project: str = "") -> Stack:
    """Load a stack whose ledger is kept like that."""
    (root / "stack.yaml").write_text(STACK.format(ledger=ledger, cluster=cluster), encoding="utf-8")
    if project:
        (root / "orchestrator.yaml").write_text(project, encoding="utf-8")
    settings = load_project(root)
    return load_stack(root, choose_stack(root, settings, None), None, settings)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{remote: upstream}", Ledger(remote="upstream")),
        ("{store: git, remote: false}", Ledger(remote=None)),
        ("{store: directory, path: /srv}", Ledger(store=LedgerStore.DIRECTORY, path="/srv")),
        (
            "{store: cluster, namespace: platform, context: hub}",
            Ledger(store=LedgerStore.CLUSTER, namespace="platform", context="hub"),
        ),
    ],
)
def test_places_of_ledgers(tmp_path: Path, written: str, meant: Ledger) -> None:
    """Each store has keys of its own; Git is the one that need not be named."""
    assert load(tmp_path, written).ledger == meant


@pytest.mark.parametrize(
    ("written", "cluster", "message"),
    [
        ("{store: directory}", "{context: dev}", "a ledger in a directory needs 'path'"),
        ("{store: cluster}", "{context: dev}", "a ledger in a cluster needs 'namespace'"),
        ("{path: /srv}", "{context: dev}", "a ledger in Git has no 'path'"),
        (
            "{store: directory, path: a, remote: b}",
            "{context: dev}",
            "a ledger in a directory has no 'remote'",
        ),
        (
            "{store: cluster, namespace: x}",
            '{server: "${{ modules.base.url }}"}',
            "the ledger cannot be in a cluster that the stack itself makes",
        ),
        (
            "{store: cluster, namespace: x, context: prod}",
            "{context: dev}",
            "the cluster 'prod' is not allowed",
        ),
        (
            "{store: cluster, namespace: x, context: dev, kubeconfig: k}",
            "{context: dev}",
            "the kubeconfig 'k' is not allowed: a context in it may be any cluster",
        ),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, written: str, cluster: str, message: str
) -> None:
    """A place that is not whole, or that cannot hold the ledger, is told with its place in the file."""
    with pytest.raises(InvalidStack) as refused:
        load(tmp_path, written, cluster, "allow: {clusters: [dev, '?{{*']}\n")
    (mistake,) = refused.value.mistakes
    assert mistake.message == message
    assert mistake.place is not None
    assert mistake.place.line == 3
    assert mistake.hint
