"""A graph as text, for Graphviz and for Mermaid: what a person sees, sign by sign."""

from pathlib import Path

import pytest

from orchestrator.reports.graph import RENDERERS
from orchestrator.stack.graph import Graph, build_graph
from tests.stack.stack_files import HEAD, load, write

_STACK = (
    HEAD
    + """\
modules:
  database:
    source: ./database
    inputs: {subnets: "${{ modules.network.subnets }}"}
    needs: [keys]
  network: {source: ./network}
  keys: {source: a/b/c}
manifests:
  shop: {path: shop, needs: [platform], namespace: "${{ modules.database.name }}"}
  platform: {path: platform}
"""
)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """Build the graph of a stack with every kind of need."""
    write(tmp_path, {"network/main.tf": "", "database/main.tf": ""})
    return build_graph(load(tmp_path, _STACK), {})


def test_as_a_tree(graph: Graph) -> None:
    """Units in the order of their effects, by phase, with what each needs and why."""
    assert (
        RENDERERS["text"](graph, "shop/default")
        == """\
shop/default
  infrastructure
    modules.network
    modules.keys
    modules.database
      ├─ modules.network (reads modules.network.subnets)
      └─ modules.keys (is told to wait for it)
  workloads
    manifests.platform
    manifests.shop
      ├─ modules.database (reads modules.database.name)
      └─ manifests.platform (is told to wait for it)
"""
    )


def test_as_a_tree_without_units(tmp_path: Path) -> None:
    """An empty stack is told to be one."""
    assert RENDERERS["text"](build_graph(load(tmp_path, HEAD), {}), "shop/default") == (
        "shop/default\n  (no units)\n"
    )


def test_for_graphviz(graph: Graph) -> None:
    """Arrows go the way in which units are applied; phases are boxes around them."""
    assert (
        RENDERERS["dot"](graph, 'shop/"x"')
        == """\
digraph "shop/\\"x\\"" {
  rankdir=LR;
  node [shape=box];
  subgraph "cluster_infrastructure" {
    label="infrastructure";
    "modules.network";
    "modules.keys";
    "modules.database";
  }
  subgraph "cluster_workloads" {
    label="workloads";
    "manifests.platform";
    "manifests.shop";
  }
  "modules.network" -> "modules.database" [tooltip="reads modules.network.subnets"];
  "modules.keys" -> "modules.database" [tooltip="is told to wait for it"];
  "modules.database" -> "manifests.shop" [tooltip="reads modules.database.name"];
  "manifests.platform" -> "manifests.shop" [tooltip="is told to wait for it"];
}
"""
    )


def test_for_mermaid(graph: Graph) -> None:
    """The same, in the language that forges draw inside comments."""
    assert (
        RENDERERS["mermaid"](graph, "shop/default")
        == """\
---
title: "shop/default"
---
flowchart LR
  subgraph infrastructure
    modules_network["modules.network"]
    modules_keys["modules.keys"]
    modules_database["modules.database"]
  end
  subgraph workloads
    manifests_platform["manifests.platform"]
    manifests_shop["manifests.shop"]
  end
  modules_network --> modules_database
  modules_keys --> modules_database
  modules_database --> manifests_shop
  manifests_platform --> manifests_shop
"""
    )
