import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import AccessDenied, ClusterError
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.workloads.cluster.access.credentials import Credentials, locate
from orchestrator.workloads.cluster.access.kubeconfig import files_named
from orchestrator.workloads.cluster.access.target import Access, Plugin, Target

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def settings(home: Path, **fields: Any) -> Settings:
    """Return settings of a machine without any kubeconfig but what is below ``home``."""
    defaults: dict[str, Any] = {
        "home": home,
        "environment": {"PATH": "/usr/bin:/bin"},
        "in_cluster": False,
    }
    return replace(Settings.read(), **{**defaults, **fields})


def kubeconfig(
    path: Path, *names: str, current: str = "", user: Any = None, **cluster: Any
) -> Path:
    """Write a kubeconfig with a context, a cluster and a user for each name."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}.example", **cluster}}
            for name in names
        ],
        "users": [
            {"name": name, "user": user if user is not None else {"token": f"token-of-{name}"}}
            for name in names
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def program(directory: Path, body: str, name: str = "plugin") -> Path:
    """Return an executable that runs these lines of shell."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def credentials(directory: Path, plugin: Plugin, secrets: Secrets | None = None) -> Credentials:
    """Return the credentials that a plugin gives."""
    access = Access(title="dev", server="https://dev.example", plugin=plugin)
    return Credentials(
        access=access, settings=settings(directory), secrets=secrets or Secrets(), stop=Stop()
    )


def failure(target: Target, chosen: Settings) -> ClusterError:
    """Return why a target cannot be located."""
    with pytest.raises(ClusterError) as raised:
        locate(target, chosen)
    return raised.value


def test_the_current_context_of_the_home_is_the_default(tmp_path: Path) -> None:
    """Without anything said it is what kubectl would use."""
    kubeconfig(tmp_path / ".kube" / "config", "dev", "prod", current="prod")
    access = locate(Target(), settings(tmp_path))
    assert (access.title, access.server, access.authorization) == (
        "context prod",
        "https://prod.example",
        "Bearer token-of-prod",
    )


def test_a_named_context_is_chosen(tmp_path: Path) -> None:
    """A context that the stack names is used, whatever the current one is."""
    file = kubeconfig(tmp_path / "config", "dev", "prod", current="dev")
    assert (
        locate(Target(context="prod", kubeconfig=file), settings(tmp_path)).server
        == "https://prod.example"
    )


def test_files_of_the_environment_are_merged(tmp_path: Path) -> None:
    """Of several files the first one that says something counts, and missing ones are left out."""
    one = kubeconfig(tmp_path / "one", "dev", current="dev")
    two = kubeconfig(
        tmp_path / "two", "dev", "prod", current="prod", **{"insecure-skip-tls-verify": True}
    )
    environment = {"KUBECONFIG": f"{tmp_path}/missing:{one}:{two}"}
    chosen = settings(tmp_path, environment=environment)
    assert locate(Target(), chosen).insecure is False
    assert locate(Target(context="prod"), chosen).insecure is True


def test_paths_are_relative_to_their_own_file(tmp_path: Path) -> None:
    """A certificate stands beside the kubeconfig that names it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ca.crt").write_text(PEM)
    file = kubeconfig(
        tmp_path / "a" / "config", "dev", current="dev", **{"certificate-authority": "ca.crt"}
    )
    assert locate(Target(kubeconfig=file), settings(tmp_path)).certificate_authority == PEM


def test_what_a_kubeconfig_can_say_is_understood(tmp_path: Path) -> None:
    """Certificates inside, passwords, names to check and proxies reach the connection."""
    data = base64.b64encode(PEM.encode()).decode()
    user = {
        "username": "a",
        "password": "b",
        "client-certificate-data": data,
        "client-key-data": data,
    }
    more = {
        "certificate-authority-data": data,
        "tls-server-name": "inside",
        "proxy-url": "http://proxy:1",
    }
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user=user, **more)
    access = locate(Target(kubeconfig=file), settings(tmp_path))
    assert access.authorization == "Basic " + base64.b64encode(b"a:b").decode()
    assert (access.certificate_authority, access.client_certificate, access.client_key) == (
        PEM,
        PEM,
        PEM,
    )
    assert (access.tls_server_name, access.proxy) == ("inside", "http://proxy:1")


def test_no_kubeconfig_says_what_can_be_done(tmp_path: Path) -> None:
    """On a fresh machine the message names the file looked for, and the sandbox as a way to go on."""
    error = failure(Target(), settings(tmp_path))
    assert error.message == f"no kubeconfig found at {tmp_path}/.kube/config"
    assert "sandbox: true" in error.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "names no current context"),
        ("current-context: a\ncontexts: [{name: b, context: {cluster: b}}]", "has no context 'a'"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: x}}]", "has no cluster 'x'"),
        ("current-context: [", "is not YAML"),
        ("token: secret\n\ttab: 1", "is not YAML"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    """Each thing that is missing is named, without quoting the file, which may hold a token."""
    (tmp_path / "config").write_text(text)
    error = failure(Target(kubeconfig=tmp_path / "config"), settings(tmp_path))
    assert message in error.message
    assert "secret" not in f"{error.message}{error.hint}{error.detail}"


@pytest.mark.parametrize(
    "encode", [str.strip, lambda pem: base64.encodebytes(pem.encode()).decode()]
)
def test_a_key_in_the_place_of_its_file_is_not_quoted(
    tmp_path: Path, encode: Callable[[str], str]
) -> None:
    """Who forgets the `-data` is told that; nothing of a key is in the message, and it is no file of the repository."""
    key = encode(PEM.replace("CERTIFICATE", "PRIVATE KEY"))
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user={"client-key": key})
    error = failure(Target(kubeconfig=file), settings(tmp_path))
    assert "client-key of the kubeconfig in" in error.message
    assert "client-key-data" in error.hint
    assert key[:9] not in f"{error.message}{error.hint}"
    assert [*files_named(file)] == []


def test_a_token_in_the_place_of_its_file_is_not_quoted(tmp_path: Path) -> None:
    """Who writes `tokenFile` for `token` is told that, and the token stays out of comments and logs."""
    token = f"eyJhbGciOiJSUzI1NiJ9.{'eyJpc3Mi' * 40}.c2ln-_"
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user={"tokenFile": token})
    error = failure(Target(kubeconfig=file), settings(tmp_path))
    assert "tokenFile of the kubeconfig in" in error.message
    assert error.hint == "name the file; or write it as token"
    assert "eyJ" not in f"{error.message}{error.hint}{error.detail}"
    assert [*files_named(file)] == []


def test_what_is_too_long_to_be_a_file_is_none(tmp_path: Path) -> None:
    """Such as a whole kubeconfig in the place of its name."""
    error = failure(Target(kubeconfig=tmp_path / ("users: " * 99)), settings(tmp_path))
    assert error.message.startswith("no kubeconfig found at ")


def test_a_misspelt_context_names_the_nearest(tmp_path: Path) -> None:
    """A context that does not exist is told with the likely one."""
    file = kubeconfig(tmp_path / "config", "production", current="production")
    error = failure(Target(context="prodction", kubeconfig=file), settings(tmp_path))
    assert error.hint == "did you mean 'production'?"


def test_legacy_providers_are_refused_with_a_way_out(tmp_path: Path) -> None:
    """What kubectl itself has dropped is not guessed at."""
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": "x"}}}
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user=user)
    error = failure(Target(kubeconfig=file), settings(tmp_path))
    assert "auth-provider 'oidc'" in error.message
    assert "kubelogin" in error.hint


def test_an_explicit_server_needs_no_kubeconfig(tmp_path: Path) -> None:
    """A cluster made by the stack itself is reached by what its module gives, base64 or not."""
    encoded = base64.b64encode(PEM.encode()).decode()
    target = Target(
        server="api.example:6443/", certificate_authority=encoded, exec=("aws", "eks", "get-token")
    )
    access = locate(target, settings(tmp_path))
    assert (access.server, access.certificate_authority) == ("https://api.example:6443", PEM)
    assert access.plugin is not None
    assert access.plugin.argv == ("aws", "eks", "get-token")


@pytest.mark.parametrize(
    "authority", ["nonsense!", base64.b64encode(b"not a certificate").decode()]
)
def test_a_wrong_authority_is_told(tmp_path: Path, authority: str) -> None:
    """What is no certificate is told before any connection."""
    target = Target(server="https://api.example", certificate_authority=authority)
    assert "certificate_authority is" in failure(target, settings(tmp_path)).message


def test_in_a_pod_its_own_cluster_is_meant(tmp_path: Path) -> None:
    """Without kubeconfig a pod uses its service account, and says so when it has none."""
    chosen = settings(
        tmp_path, in_cluster=True, environment={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    )
    assert "this pod has no service account token" in failure(Target(), chosen).message
    kubeconfig(tmp_path / ".kube" / "config", "dev", current="dev")
    assert locate(Target(), chosen).title == "context dev"


def test_a_plugin_gives_a_token_once(tmp_path: Path) -> None:
    """A token that is good is used again, and is learnt as a secret."""
    secrets = Secrets()
    script = program(
        tmp_path, f'echo x >> {tmp_path}/runs; echo \'{{"status": {{"token": "long-token"}}}}\''
    )
    found = credentials(tmp_path, Plugin(argv=(str(script),)), secrets)
    assert [found.authorization(), found.authorization()] == ["Bearer long-token"] * 2
    assert (tmp_path / "runs").read_text() == "x\n"
    assert secrets.redact("long-token") == "(sensitive)"
    assert "long-token" not in repr(found)


def test_an_expired_token_is_asked_for_again(tmp_path: Path) -> None:
    """A token that has run out, or is about to, is replaced."""
    status = {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}
    script = program(
        tmp_path, f"echo x >> {tmp_path}/runs; echo '{json.dumps({'status': status})}'"
    )
    found = credentials(tmp_path, Plugin(argv=(str(script),)))
    found.authorization()
    found.authorization()
    assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_a_plugin_is_told_what_it_asked_for(tmp_path: Path) -> None:
    """A plugin gets its own environment and, on request, the cluster, with what is written there for plugins alone."""
    answer = '{"status": {"token": "t"}}'
    script = program(
        tmp_path, f"echo \"$KUBERNETES_EXEC_INFO $REGION $*\" > {tmp_path}/told; echo '{answer}'"
    )
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "./plugin",
            "args": ["a", "b"],
            "env": [{"name": "REGION", "value": "eu"}],
            "provideClusterInfo": True,
        }
    }
    (tmp_path / "ca.pem").write_text(PEM)
    cluster: dict[str, Any] = {
        "certificate-authority": "ca.pem",
        "insecure-skip-tls-verify": True,
        "disable-compression": True,
        "tls-server-name": "api",
        "extensions": [
            {"name": "others", "extension": {"audience": "no"}},
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "dev"}},
        ],
    }
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user=user, **cluster)
    access = locate(Target(kubeconfig=file), settings(tmp_path))
    Credentials(
        access=access, settings=settings(tmp_path), secrets=Secrets(), stop=Stop()
    ).authorization()
    told = (tmp_path / "told").read_text()
    assert json.loads(told.rpartition("}")[0] + "}") == {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://dev.example",
                "certificate-authority-data": base64.b64encode(PEM.encode()).decode(),
                "insecure-skip-tls-verify": True,
                "disable-compression": True,
                "tls-server-name": "api",
                "config": {"audience": "dev"},
            },
        },
    }
    assert told.endswith(" eu a b\n")
    assert script.exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'please log in' >&2; exit 3", "failed with exit code 3"),
        ("echo not-json-but-secret", "did not print an ExecCredential"),
        ("echo '{\"status\": {}}'", "did not print an ExecCredential"),
        (
            'echo \'{"status": {"token": "secret", "expirationTimestamp": "soon"}}\'',
            "did not print an ExecCredential",
        ),
    ],
)
def test_a_plugin_that_fails_is_an_error_of_access(tmp_path: Path, body: str, message: str) -> None:
    """A plugin without credentials stops everything; nobody goes on anonymously, and nothing printed is quoted."""
    script = program(tmp_path, body)
    with pytest.raises(AccessDenied) as raised:
        credentials(tmp_path, Plugin(argv=(str(script),))).authorization()
    error = raised.value
    assert message in error.message
    assert "secret" not in f"{error.message}{error.hint}{error.detail}"
    assert error.detail == ("please log in" if "exit" in body else "")


def test_a_missing_plugin_says_how_to_get_it(tmp_path: Path) -> None:
    """The kubeconfig's own advice is passed on."""
    plugin = Plugin(argv=("no-such-plugin-anywhere",), install_hint="brew install it")
    with pytest.raises(AccessDenied, match="cannot be run") as raised:
        credentials(tmp_path, plugin).authorization()
    assert raised.value.hint == "brew install it"


def test_a_token_file_is_read(tmp_path: Path) -> None:
    """A token in a file is used without its line end, and a missing one is an error of access."""
    (tmp_path / "token").write_text("from-a-file\n")
    file = kubeconfig(tmp_path / "config", "dev", current="dev", user={"tokenFile": "token"})
    access = locate(Target(kubeconfig=file), settings(tmp_path))
    found = Credentials(access=access, settings=settings(tmp_path), secrets=Secrets(), stop=Stop())
    assert found.authorization() == "Bearer from-a-file"
    (tmp_path / "token").unlink()
    with pytest.raises(AccessDenied, match="cannot be read"):
        found.renew()
