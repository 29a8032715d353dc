"""What an agent's file names, and where that would be in a Pod."""

from pathlib import Path

from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.installing.gathering import installation
from orchestrator.agent.installing.manifests import manifests, written
from orchestrator.agent.installing.placing import needed_files, troubles
from orchestrator.settings import Settings

_ALL = """
version: 1
listen: 0.0.0.0:8080
directory: {directory}
leader: {{namespace: agents, kubeconfig: {at}/kubeconfig}}
notifications:
  team: {{kind: slack, url_file: {at}/slack-url}}
  pager: {{kind: webhook, url_file: {at}/pager-url, {secret}}}
  owners:
    {{kind: email, server: "mail.example.org:587", from: a@example.org, to: [b@example.org], username: a,
      password_file: {at}/mail-password}}
  cluster: {{kind: kubernetes, namespace: agents}}
repositories:
  shop:
    url: https://git.example.org:8443/shop.git
    credentials: {{username: agent, password_file: {at}/git-token}}
    signed: {{ssh: {at}/signers}}
    webhook: {{kind: gitea, secret_file: {at}/hook}}
    statuses:
      {{kind: gitea, api: "http://forge.example.org:3000/api/v1", repository: a/b,
        token_file: {at}/forge-token}}
  tools:
    url: git@git.example.org:tools.git
    credentials: {{ssh_key_file: {at}/ssh-key, known_hosts_file: {at}/known-hosts}}
    signed: {{gpg: {at}/keys.asc}}
"""
_NAMES = (
    "forge-token", "git-token", "hook", "keys.asc", "known-hosts", "kubeconfig", "mail-password",
    "pager-secret", "pager-url", "signers", "slack-url", "ssh-key",
)  # fmt: skip
_IN_A_POD = "/etc/orchestrator-credentials"
_USUAL = Path("/home/ada/.cache/agents/agent")


def _configuration(
    folder: Path, at: str, *, secret: str = "", directory: str = ""
) -> Configuration:
    directory = directory or "/var/lib/orchestrator/agent"
    secret = secret or f"secret_file: {at}/pager-secret"
    file = folder / "agent.yaml"
    file.write_text(_ALL.format(at=at, secret=secret, directory=directory), encoding="utf-8")
    return load_configuration(file, Settings.read())


def test_every_file_is_taken_from_the_secret(tmp_path: Path) -> None:
    """Whoever installs it is told what the Secret has to hold; it is mounted as files, which may rotate."""
    configuration = _configuration(tmp_path, _IN_A_POD)
    assert needed_files(configuration) == _NAMES
    assert troubles(configuration, usual=_USUAL) == ()
    file = configuration.file.read_text(encoding="utf-8")
    wanted = installation(
        configuration, [], file=file, image="i", placed=("agents", 1), monitored=False
    )
    text = written(manifests(wanted))
    assert "secretKeyRef" not in text
    assert "envFrom" not in text
    assert "subPath" not in text  # which would keep what was there first
    assert "kind: Secret" not in text
    assert {"port: 8443", "port: 3000", "port: 22", "port: 587"} <= {
        line.strip() for line in text.splitlines()
    }


def test_what_would_not_be_there_is_told(tmp_path: Path) -> None:
    """A file of this machine, a variable and a directory that is read-only are found before they are missed."""
    configuration = _configuration(
        tmp_path, "files", secret="secret_variable: PAGER_SECRET", directory="agent"
    )
    assert needed_files(configuration) == ()
    told = troubles(configuration, usual=_USUAL)
    files = {
        name
        for name in _NAMES
        if any(each.startswith(f"{tmp_path}/files/{name} ") for each in told)
    }
    assert files == {*_NAMES} - {"pager-secret"}
    assert told[-2].startswith("the variable PAGER_SECRET will not be set in the Pod")
    assert told[-1].startswith(f"the agent cannot write to {tmp_path}/agent in the Pod")
    assert len(told) == len(files) + 2


def test_a_directory_that_is_not_named_is_below_home(tmp_path: Path) -> None:
    """Where the agent keeps what it knows follows the cache, which the Pod has in its own place."""
    configuration = _configuration(tmp_path, _IN_A_POD, directory=str(_USUAL))
    assert troubles(configuration, usual=_USUAL) == ()


def test_no_file_below_a_folder_comes_from_a_secret(tmp_path: Path) -> None:
    """What a Secret holds has names, no paths."""
    told = troubles(_configuration(tmp_path, f"{_IN_A_POD}/git"), usual=_USUAL)
    assert len(told) == len(_NAMES)
