"""Proxies: which one is asked, and which servers are asked without."""

from pathlib import Path

import pytest

from orchestrator.workloads.cluster.access.proxies import proxy_for
from tests.workloads.servers.loopback import serving
from tests.workloads.servers.pretended import CONFIGS, config, connected, listing

_PROXY = "http://proxy.example:3128"


def test_the_scheme_of_the_server_chooses_the_proxy() -> None:
    """HTTPS_PROXY is for API servers as they are, HTTP_PROXY for those behind `kubectl proxy` elsewhere."""
    environment = {"HTTPS_PROXY": _PROXY, "http_proxy": "plain.example:80"}

    assert proxy_for("https://api.example:6443", environment) == _PROXY
    assert proxy_for("http://api.example:8001", environment) == "http://plain.example:80"
    assert proxy_for("https://api.example:6443", {}) == ""


@pytest.mark.parametrize(
    ("server", "excepted", "asked"),
    [
        ("api.example", "other.example", True),
        ("api.example", "api.example", False),
        ("API.example", "localhost, .EXAMPLE", False),
        ("api.example", "ample", True),
        ("example", ".example", True),
        ("a.b.example", "*.example", False),
        ("api.example", "*", False),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("[fd00::1]", "fd00::/8", False),
        ("127.0.0.1", "", False),
        ("[::1]", "", False),
        ("localhost", "", False),
    ],
)
def test_what_no_proxy_names_is_asked_without(server: str, excepted: str, *, asked: bool) -> None:
    """Hosts, domains, addresses and networks can be named; this machine never needs to be."""
    found = proxy_for(f"https://{server}:6443", {"HTTPS_PROXY": _PROXY, "NO_PROXY": excepted})

    assert bool(found) is asked


@pytest.mark.integration
def test_a_netrc_file_is_none_of_our_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords that somebody keeps for a host are not sent to the cluster there, beside its token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    said = listing(config("a"))
    with (
        serving(lambda _: said) as server,
        connected(server.address, tmp_path, token="of-the-cluster") as cluster,
    ):
        assert len(cluster.list_in(CONFIGS, "shop", query={})) == 1
        (asked,) = server.asked
        assert asked.headers["Authorization"] == "Bearer of-the-cluster"
