"""What makes a connection trusted, in both directions."""

import json
import ssl
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import ClusterError, ClusterUnreachable
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.workloads.cluster.access.credentials import Credentials
from orchestrator.workloads.cluster.access.target import Access, Plugin
from orchestrator.workloads.cluster.api import Cluster
from orchestrator.workloads.cluster.connection.client import Client
from tests.certificates import context, pair
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Loopback, Say, serving
from tests.workloads.servers.pretended import discovery

pytestmark = pytest.mark.integration


def ask(server: Loopback, directory: Path, access: Access) -> None:
    """Ask the server for its kinds."""
    settings = replace(Settings.read(), cache=directory)
    credentials = Credentials(access=access, settings=settings, secrets=Secrets(), stop=Stop())
    client = Client(credentials, Stop(), on_notice=lambda _: None)
    try:
        Cluster(client, settings).kinds()
    finally:
        client.close()
    assert server.asked


def test_a_client_certificate_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that wants a certificate gets ours, and its key is in no file afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    ours, theirs = pair("us"), pair("127.0.0.1")
    with serving(discovery, tls=context(tmp_path, theirs, client=ours)) as server:
        access = Access(
            title="dev",
            server=server.address,
            certificate_authority=theirs.certificate,
            client_certificate=ours.certificate,
            client_key=ours.key,
        )
        ask(server, tmp_path, access)
        assert list(temporary.iterdir()) == []


def test_a_certificate_of_a_plugin_is_renewed(tmp_path: Path) -> None:
    """When the server refuses the certificate of a plugin, connections are made with the next one that it gives."""
    first, second, theirs = pair("first"), pair("second"), pair("127.0.0.1")
    for number, ours in enumerate((first, second), start=1):
        status = {"clientCertificateData": ours.certificate, "clientKeyData": ours.key}
        (tmp_path / f"{number}.json").write_text(json.dumps({"status": status}))
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\ncd '{tmp_path}' && echo >> runs && cat $(wc -l < runs).json\n")
    program.chmod(0o755)

    def script(asked: Asked) -> Say:
        known = asked.certificate == ssl.PEM_cert_to_DER_cert(second.certificate)
        return discovery(asked) if known else Say(status=401, body={"message": "Unauthorized"})

    with serving(script, tls=context(tmp_path, theirs, client=(first, second))) as server:
        access = Access(
            title="dev",
            server=server.address,
            certificate_authority=theirs.certificate,
            plugin=Plugin(argv=(str(program),)),
        )
        ask(server, tmp_path, access)
    assert (tmp_path / "runs").read_text() == "\n\n"


def test_a_name_to_check_may_differ_from_the_address(tmp_path: Path) -> None:
    """Behind a tunnel the certificate is checked for the name that the kubeconfig gives."""
    theirs = pair("api.inside")
    with serving(discovery, tls=context(tmp_path, theirs)) as server:
        access = Access(
            title="dev", server=server.address, certificate_authority=theirs.certificate
        )
        with pytest.raises(ClusterUnreachable, match="its certificate is not trusted"):
            ask(server, tmp_path, access)
        ask(server, tmp_path, replace(access, tls_server_name="api.inside"))


def test_a_kubeconfig_may_ask_to_trust_anybody(tmp_path: Path) -> None:
    """What kubectl would not check is not checked, and only then."""
    with serving(discovery, tls=context(tmp_path, pair("somebody"))) as server:
        ask(server, tmp_path, Access(title="dev", server=server.address, insecure=True))


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A certificate whose key does not fit ends with the name of the cluster, and quotes neither."""
    one, other = pair("one"), pair("other")
    access = Access(
        title="context dev",
        server="https://127.0.0.1:1",
        client_certificate=one.certificate,
        client_key=other.key,
    )
    settings = replace(Settings.read(), cache=tmp_path)
    credentials = Credentials(access=access, settings=settings, secrets=Secrets(), stop=Stop())
    with pytest.raises(ClusterError) as raised:
        Client(credentials, Stop(), on_notice=lambda _: None)
    assert raised.value.message.startswith("context dev: its certificates cannot be used")
    assert "BEGIN" not in raised.value.message
