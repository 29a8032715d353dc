"""Mistakes that can be found in the files alone: told all at once, before anything is run or asked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.end_to_end.bad_input.shop import SETTINGS, STACK, Shop

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One text of a file that is replaced by a wrong one."""

    file: str = STACK
    old: str
    new: str


_MISTAKES = {
    "not yaml": (Edit(old="    path: web\n", new="    path: [web\n"),),
    "tab": (Edit(old="    path: web\n", new="\tpath: web\n"),),
    "a list": (Edit(old="version: 1\nname: shop\n", new="- shop\n"),),
    "duplicate key": (Edit(old="  replicas: 2\n", new="  replicas: 2\n  replicas: 3\n"),),
    "unknown key": (Edit(old="cidr: 10.20.0.0/16", new="cidr: 10.20.0.0/16\n    sorce: ./here"),),
    "unknown key at the top": (Edit(old="\nmodules:", new="\nmodlues:"),),
    "wrong type": (
        Edit(old="    path: web\n", new="    path: web\n    wait: {timeout: soon}\n    needs: 7\n"),
    ),
    "bad health rule": (
        Edit(
            old="    path: web\n",
            new="    path: web\n    wait: {health: [{kind: Job, healthy: status.done = 1}]}\n",
        ),
    ),
    "bad engine of a module": (
        Edit(
            old="cidr: 10.20.0.0/16",
            new="cidr: 10.20.0.0/16\n    terraform: {versoin: 1.9, timeout: soon}",
        ),
    ),
    "bad name": (Edit(old="name: shop", new="name: My_Shop"),),
    "no version": (Edit(old="version: 1\n", new=""),),
    "another version": (Edit(old="version: 1\n", new="version: 2\n"),),
    "unknown risk": (Edit(old="cluster:", new="risks: {acme_ledger: dataloss}\ncluster:"),),
    "bad backend": (
        Edit(old="cluster:", new="state: {backend: s4, config: {bucket: x}}\ncluster:"),
    ),
    "cycle": (Edit(old="cidr: 10.20.0.0/16", new="cidr: ${{ modules.database.address }}"),),
    "missing variable": (Edit(file=SETTINGS, old="vars.replicas", new="vars.replica"),),
    "missing module": (Edit(old="modules.network.subnet", new="modules.netwrk.subnet"),),
    "missing output": (Edit(old="network.subnet", new="network.subnets"),),
    "missing output in a manifest": (
        Edit(file=SETTINGS, old="database.address", new="database.adress"),
    ),
    "broken expression": (
        Edit(file=SETTINGS, old="${{ vars.replicas }} replicas", new="${{ vars.replicas "),
    ),
    "unknown root": (Edit(file=SETTINGS, old="vars.replicas", new="env.HOME"),),
    "missing directory": (Edit(old="./modules/network", new="./modules/netwrk"),),
    "directory outside": (Edit(old="./modules/network", new="../../../elsewhere"),),
    "missing manifests": (Edit(old="path: web", new="path: wbe"),),
    "missing input": (Edit(old="inputs:\n      cidr: 10.20.0.0/16", new="inputs: {}"),),
    "undeclared input": (
        Edit(old="cidr: 10.20.0.0/16", new="cidr: 10.20.0.0/16\n      zones: [a, b]"),
    ),
    "misspelt input": (Edit(old="subnet: ${{", new="subnets: ${{"),),
    "missing need": (Edit(old="path: web", new="path: web\n    needs: [databse]"),),
    "manifest without kind": (Edit(file=SETTINGS, old="kind: ConfigMap\n", new=""),),
    "manifest without name": (Edit(file=SETTINGS, old="  name: settings\n", new="  labels: {}\n"),),
    "manifest not yaml": (Edit(file=SETTINGS, old="\ndata:\n", new="\ndata\n"),),
    "mistake in a secret": (
        Edit(file=SETTINGS, old="kind: ConfigMap", new="kind: Secret"),
        Edit(file=SETTINGS, old="\ndata:\n", new="\nstringData:\n  password: %hunter2-plain\n"),
    ),
    "the same object twice": (
        Edit(
            file=SETTINGS,
            old="apiVersion: v1\n",
            new="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\napiVersion: v1\n",
        ),
    ),
    "several mistakes in one file": (
        Edit(old="vars:\n", new="vars: [a]\nvarz:\n"),
        Edit(old="source: ./modules/network", new="source: 5"),
        Edit(old="path: web", new="pth: web"),
    ),
    "mistakes of the stack and of manifests": (
        Edit(old="name: shop", new="name: shop\nowner: me"),
        Edit(file=SETTINGS, old="kind: ConfigMap\n", new=""),
    ),
    "mistakes over several files": (
        Edit(old="modules.network.subnet", new="modules.network.subnt"),
        Edit(old="cidr: 10.20.0.0/16", new="cdr: 10.20.0.0/16"),
        Edit(file=SETTINGS, old="vars.replicas", new="vars.replica"),
        Edit(file=SETTINGS, old="database.address", new="databse.address"),
    ),
}


@pytest.mark.parametrize("name", _MISTAKES)
def test_a_mistake_is_told_with_its_place(shop: Shop, name: str) -> None:
    """`apply` names file, line and column, and what to write instead; `validate` says the same."""
    for edit in _MISTAKES[name]:
        shop.edit(edit.file, edit.old, edit.new)
    shop.commit()

    refused = shop.refused(f"files/{name}", "apply", "shop", "--yes")

    assert shop.run("validate").stderr == refused.stderr
