"""Clusters that do not answer, do not know us, or do not accept what they are given."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.bad_input.shop import SETTINGS, STACK, Shop
from tests.sandbox.client import client_of

pytestmark = pytest.mark.integration

_APPLY = ("apply", "shop", "--yes")
_SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80000}]}\n"
_SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: nowhere}\n"
# Not the worked shop of stacks/, which other tests apply to the same cluster in other environments.
_OURS = "labelSelector=orchestrator%2Fstack%3Dshop,orchestrator%2Fenvironment%3Ddefault"


@pytest.fixture
def quick(shop: Shop) -> Shop:
    """Return the shop with its cluster named in a kubeconfig, and without modules, which take their time."""
    shop.edit(STACK, "{sandbox: true}", "{kubeconfig: ~/kubeconfig, context: shop}")
    shop.without_modules()
    return shop


@pytest.fixture
def known(quick: Shop, sandbox: Sandbox) -> Shop:
    """Return the same with a kubeconfig for the control plane of this test run."""
    return _with_kubeconfig(quick, _kubeconfig(sandbox.kubeconfig))


def _kubeconfig(like: Path) -> dict[str, object]:
    config: dict[str, object] = json.loads(like.read_text(encoding="utf-8"))
    return config


def _with_kubeconfig(shop: Shop, config: dict[str, object]) -> Shop:
    context = {"name": "shop", "context": {"cluster": "shop", "user": "shop"}}
    clusters, users = config["clusters"], config["users"]
    assert isinstance(clusters, list)
    assert isinstance(users, list)
    written = {
        "contexts": [context],
        "clusters": [{**clusters[0], "name": "shop"}],
        "users": [{**users[0], "name": "shop"}],
    }
    (shop.home / "kubeconfig").write_text(json.dumps(written), encoding="utf-8")
    address = urlsplit(clusters[0]["cluster"]["server"]).netloc
    return replace(shop, names={address: "SERVER"})


def _config(server: str, **user: str) -> dict[str, object]:
    return {"clusters": [{"cluster": {"server": server}}], "users": [{"user": user}]}


@pytest.fixture
def silent() -> Iterator[str]:
    """Yield the address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return f"127.0.0.1:{port}"


def test_nobody_listens(quick: Shop, closed: str) -> None:
    """A cluster that is down is an error with its address, never an empty cluster."""
    shop = _with_kubeconfig(quick, _config(f"https://{closed}"))

    shop.refused("clusters/nobody listens", *_APPLY)


def test_nobody_answers(quick: Shop, silent: str) -> None:
    """One that hangs is given up after seconds, not minutes."""
    shop = _with_kubeconfig(quick, _config(f"http://{silent}"))

    shop.refused("clusters/nobody answers", *_APPLY)


def test_it_is_no_cluster(quick: Shop, sandbox: Sandbox) -> None:
    """An authority that is not the one of this cluster is told as such."""
    server = urlsplit(
        json.loads(sandbox.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    )
    shop = _with_kubeconfig(quick, _config(f"https://{server.netloc}"))

    shop.refused("clusters/certificate not trusted", *_APPLY)


def test_there_is_no_kubeconfig(quick: Shop) -> None:
    """Neither where the stack says, nor where everybody's is."""
    quick.refused("clusters/no kubeconfig", *_APPLY)
    quick.edit(STACK, "{kubeconfig: ~/kubeconfig, context: shop}", "{}")
    quick.commit()

    quick.refused("clusters/no kubeconfig at home", *_APPLY)


def test_a_kubeconfig_is_damaged(quick: Shop) -> None:
    """The line is told without what stands on it, which may be a token."""
    (quick.home / "kubeconfig").write_text("users:\n- user: {token: 'abcdefghijkl}\n")

    ended = quick.refused("clusters/damaged kubeconfig", *_APPLY)

    assert "abcdefghijkl" not in ended.stderr


def test_there_is_no_such_context(known: Shop) -> None:
    """The nearest one is offered."""
    known.edit(STACK, "context: shop", "context: shp")
    known.commit()

    known.refused("clusters/no such context", *_APPLY)


def test_a_token_is_not_accepted(quick: Shop, sandbox: Sandbox) -> None:
    """Expired and wrong look the same from here; the token is not shown."""
    config = _kubeconfig(sandbox.kubeconfig)
    config["users"] = [{"user": {"token": "expired-on-monday"}}]
    shop = _with_kubeconfig(quick, config)

    ended = shop.refused("clusters/token not accepted", *_APPLY)

    assert "expired-on-monday" not in ended.stderr


def test_a_plugin_is_missing(quick: Shop, sandbox: Sandbox) -> None:
    """A credential plugin that is not installed here comes with the hint that the kubeconfig has for it."""
    config = _kubeconfig(sandbox.kubeconfig)
    plugin = {"command": "kubelogin", "apiVersion": "client.authentication.k8s.io/v1"}
    config["users"] = [{"user": {"exec": plugin}}]
    shop = _with_kubeconfig(quick, config)

    shop.refused("clusters/plugin missing", *_APPLY)


def test_a_user_may_not(quick: Shop, sandbox: Sandbox) -> None:
    """Who, which verb, which resource, which namespace: what has to be granted."""
    shop = _with_kubeconfig(quick, _kubeconfig(sandbox.viewer_kubeconfig))

    shop.refused("clusters/not allowed", *_APPLY)


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("unknown kind", "kind: ConfigMap", "kind: ConfigMapp"),
        ("unknown version", "apiVersion: v1\n", "apiVersion: v2\n"),
        (
            "no definition",
            "apiVersion: v1\nkind: ConfigMap",
            "apiVersion: acme.example/v1\nkind: Anvil",
        ),
        ("no namespace", "name: settings", "name: settings\n  namespace: nowhere"),
        ("unknown field", "\ndata:", "\ndatum: {}\ndata:"),
        ("wrong type of a field", "data:\n  size: ${{ vars.replicas }} replicas", "data: 7"),
        ("number for a text", "${{ vars.replicas }} replicas", "${{ vars.replicas }}"),
        ("invalid name", "name: settings", "name: My Settings"),
        ("invalid value", "\ndata:\n", "\nimmutable: maybe\ndata:\n"),
        ("invalid label", "name: settings", "name: settings\n  labels: {tier: not valid}"),
    ],
)
def test_a_manifest_is_not_accepted(known: Shop, message: str, old: str, new: str) -> None:
    """The object, what is wrong with it, and the line that declares it."""
    known.edit(SETTINGS, old, new)
    known.commit()

    known.refused(f"clusters/{message}", *_APPLY)

    _assert_nothing_created(known)


def test_several_manifests_are_not_accepted(known: Shop) -> None:
    """All refusals are told in one go."""
    known.edit(SETTINGS, "\ndata:", "\ndatum: {}\ndata:")
    known.write("stacks/shop/web/shop.yaml", _SERVICE)
    known.write("stacks/shop/web/token.yaml", _SECRET)
    known.commit()

    known.refused("clusters/several manifests", *_APPLY)

    _assert_nothing_created(known)


def _assert_nothing_created(shop: Shop) -> None:
    cluster = client_of(shop.home / "kubeconfig")
    for resource in ("configmaps", "secrets", "services"):
        assert cluster.get(f"/api/v1/{resource}?{_OURS}")["items"] == []
