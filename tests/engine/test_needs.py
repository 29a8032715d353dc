"""What stacks want of the cluster at hand, as far as files tell: which of them are in it at all."""

from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.engine.needs import wants
from orchestrator.engine.session import Surroundings
from orchestrator.settings import Settings
from tests.git import commit_file, make_repository

pytestmark = pytest.mark.integration

_STACK = """
    version: 1
    name: shop
    vars: {where: far}
    environments:
      own: {}
      alias: {cluster: {context: alias}}
      far: {cluster: {context: "${{ vars.where }}"}}
      nobody-knows: {cluster: {context: nobody-knows}}
      address: {cluster: {server: "https://far.example.org"}}
      made: {cluster: {server: "${{ modules.cluster.endpoint }}", token: t}}
      sandbox: {cluster: {sandbox: true}}
    modules: {cluster: {source: ./cluster}}
    manifests: {shop: {path: shop}}
"""
_KUBECONFIG = """
    apiVersion: v1
    kind: Config
    current-context: here
    contexts:
      - {name: here, context: {cluster: here, user: a}}
      - {name: alias, context: {cluster: here, user: b}}
      - {name: far, context: {cluster: far, user: a}}
    clusters:
      - {name: here, cluster: {server: "https://here.example.org"}}
      - {name: far, cluster: {server: "https://far.example.org"}}
    users: [{name: a, user: {token: t}}, {name: b, user: {token: u}}]
"""
_MANIFEST = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}"
_ELSEWHERE = {
    "own": "",
    "alias": "",
    "far": "the cluster far",
    "nobody-knows": "the cluster nobody-knows",
    "address": "the cluster https://far.example.org",
    "made": "the cluster of its own modules",
    "sandbox": "",
}


def test_a_stack_in_another_cluster_is_told_from_one_in_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the address of each, whatever its context is called; one of which nobody can tell is another one."""
    config = tmp_path / "config"
    config.write_text(dedent(_KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(config))
    root = make_repository(tmp_path / "shop")
    output = 'output "endpoint" {\n  value = "https://made.example.org"\n}\n'
    commit_file(root, "stacks/shop/cluster/main.tf", output)
    commit_file(root, "stacks/shop/shop/a.yaml", _MANIFEST)
    commit_file(root, "stacks/shop/stack.yaml", dedent(_STACK))
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    found = {each.environment: each.elsewhere for each in wants(around, lambda _file: True)}
    assert found == _ELSEWHERE
