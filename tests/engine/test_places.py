"""Which plans are told apart by where they are carried out, though the same changes."""

import dataclasses
from pathlib import Path

import pytest

from orchestrator.engine.planning.places import with_place
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.plans.plan import UnitPlan
from orchestrator.settings import Settings
from orchestrator.stack.model import UnitId
from tests.git import git, make_repository

_STACK = """
version: 1
name: shop
vars: {region: eu, unread: 1}
cluster: {server: "https://a.example", token: first}
state: {backend: s3, config: {bucket: one}}
terraform: {binary: ./terraform.sh, environment: [AWS_PROFILE]}
modules:
  network: {source: ./network, inputs: {region: "${{ vars.region }}"}}
manifests:
  shop: {path: shop.yaml}
"""
_MODULE, _SET = UnitId("modules.network"), UnitId("manifests.shop")
_OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with a stack of one module and one set."""
    root = make_repository(tmp_path / "shop")
    (root / "network").mkdir()
    (root / "network/main.tf").write_text('variable "region" {}\n')
    (root / "shop.yaml").write_text(_OBJECT)
    return root


def _codes(root: Path, text: str, program: str = "one") -> dict[UnitId, str]:
    (root / "stack.yaml").write_text(text)
    (root / "terraform.sh").write_text(program)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Change it")
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack=None, environment=None)
    wanted = read_wanted(session.tree, session.stack)
    plans = (UnitPlan(unit=each, effective=True) for each in (_MODULE, _SET))
    return {each.unit: with_place(each, session.tree, wanted).code for each in plans}


@pytest.mark.parametrize(
    ("said", "instead", "moved"),
    [
        ("region: eu", "region: us", {_MODULE}),
        ("bucket: one", "bucket: two", {_MODULE}),
        ("AWS_PROFILE", "AWS_PROFILE, AWS_REGION", {_MODULE}),
        ("https://a.example", "https://b.example", {_SET}),
        ("unread: 1", "unread: 2", set()),
        ("token: first", "token: second", set()),
    ],
)
def test_what_says_where_it_is_done_tells_plans_apart(
    root: Path, said: str, instead: str, moved: set[UnitId]
) -> None:
    """Neither a variable that nothing reads, nor a token of the same cluster does."""
    before = _codes(root, _STACK)

    after = _codes(root, _STACK.replace(said, instead))

    assert {unit for unit in before if before[unit] != after[unit]} == moved


def test_a_program_and_a_kubeconfig_of_the_repository_tell_plans_apart(root: Path) -> None:
    """By what they hold; in the cluster at hand, or without any effect, nothing does."""
    text = _STACK.replace(
        'cluster: {server: "https://a.example", token: first}', "cluster: {kubeconfig: kube.yaml}"
    )
    (root / "kube.yaml").write_text("one")
    before = _codes(root, text)
    (root / "kube.yaml").write_text("two")

    after = _codes(root, text, program="two")

    assert all(before[unit] != after[unit] for unit in (_MODULE, _SET))
    assert _codes(root, text.replace("cluster: {kubeconfig: kube.yaml}", ""))[_SET] == ""
    assert _codes(root, text.replace("kubeconfig: kube.yaml", "sandbox: true"))[_SET] != ""
    quiet = UnitPlan(unit=_SET, effective=False)
    around = Surroundings(settings=Settings.read(), directory=root, on_event=lambda _event: None)
    session = open_session(around, stack=None, environment=None)
    wanted = read_wanted(session.tree, session.stack)
    assert with_place(quiet, session.tree, wanted) == dataclasses.replace(quiet)
