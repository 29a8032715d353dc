"""Channels in the agent's file: every mistake is told at its place, and what is right is read."""

from pathlib import Path

import pytest

from orchestrator.agent.configuration.channels import (
    About,
    Events,
    Hidden,
    Mail,
    Security,
    Severity,
)
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.configuration.notifications import variables
from orchestrator.errors import InvalidStack
from orchestrator.settings import Settings

_REST = (
    "version: 1\nrepositories: {shop: {url: https://git.example.org/shop.git}}\nnotifications:\n"
)
_LINE = 5
SLACK = "kind: slack, url_file: slack"
MAIL = "kind: email, server: 'mail.example.org:587', from: a@example.org, to: [b@example.org]"


def _load(folder: Path, *channels: str) -> Configuration:
    listed = "".join(f"  c{number}: {{{text}}}\n" for number, text in enumerate(channels))
    (folder / "agent.yaml").write_text(f"{_REST}  # below\n{listed}", encoding="utf-8")
    return load_configuration(folder / "agent.yaml", Settings.read())


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("kind: pager", "'pager'"),
        ("kind: slack", "slack has no url_file or url_variable"),
        ("kind: webhook, url_file: a", "webhook has no secret_file or secret_variable"),
        ("kind: email, from: a@b, to: [c@d]", "email has no server"),
        ("kind: kubernetes, object: Pod/a", "kubernetes has no namespace"),
        (
            "kind: kubernetes, namespace: a, object: Secret/b",
            "is no object that events can be about",
        ),
        (f"{SLACK}, url_variable: URL", "url_file and url_variable say the same"),
        (f"{SLACK}, secret_file: s", "slack takes no secret_file"),
        (f"{SLACK}, url: 'https://hooks.example.org/s3cret'", "unknown key 'url'"),
        (f"{SLACK}, severity: high", "'high'"),
        (f"{SLACK}, about: [failures]", "'failures'"),
        (f"{SLACK}, repeat: often", "is not a duration"),
        (f"{SLACK}, most: 0", "cannot be 0"),
        ("kind: slack, url_variable: $URL", "is no name of a variable"),
        (f"{MAIL}, username: agent", "a username goes with a password"),
        (f"{MAIL}, password_file: p", "a username goes with a password"),
        (
            f"{MAIL}, username: agent, password_file: p, security: none",
            "the password would be sent as it is",
        ),
        (MAIL.replace("587", "99999"), "there is no port 99999"),
        (MAIL.replace(":587", ""), "is no address of a server"),
        (MAIL.replace("a@example.org", "'Agent <a@example.org>'"), "is no mail address"),
        (MAIL.replace("b@example.org", '"b@example.org\\nBcc: eve@example.org"'), "is no mail"),
    ],
)
def test_a_mistake_is_told_at_its_place(channel: str, message: str, tmp_path: Path) -> None:
    """Each stands with its line and a column inside of the channel; what was given in place of a secret does not."""
    with pytest.raises(InvalidStack) as caught:
        _load(tmp_path, channel)
    (mistake,) = caught.value.mistakes
    assert message in mistake.message
    assert mistake.place is not None
    assert mistake.place.line == _LINE
    assert mistake.place.column is not None
    assert mistake.place.column > 6
    assert "s3cret" not in f"{mistake.message} {mistake.hint}"


def test_channels_are_read_in_their_order(tmp_path: Path) -> None:
    """Files start from the folder of the agent's file; what is left out has its default."""
    read = _load(
        tmp_path,
        f"{SLACK}, severity: warning, about: [failure, rollback], stacks: ['*/production']",
        "kind: webhook, url_variable: URL, secret_variable: SECRET, repeat: false, most: 5",
        f"{MAIL}, username: agent, password_variable: PASSWORD, security: tls, repeat: 1h",
    ).channels
    assert [each.name for each in read] == ["c0", "c1", "c2"]
    assert getattr(read[0].target, "url", None) == Hidden(file=tmp_path / "slack")
    assert (read[0].severity, read[0].stacks) == (Severity.WARNING, ("*/production",))
    assert read[0].about == {About.FAILURE, About.ROLLBACK}
    assert (read[0].repeat, read[0].most) == (24 * 3600.0, 60)
    assert (read[1].repeat, read[1].most, read[2].repeat) == (None, 5, 3600.0)
    assert read[1].about == set(About) - {About.APPLIED}
    assert read[2].target == Mail(
        host="mail.example.org",
        port=587,
        security=Security.TLS,
        sender="a@example.org",
        receivers=("b@example.org",),
        username="agent",
        password=Hidden(variable="PASSWORD"),
    )
    assert variables(read) == {"URL", "SECRET", "PASSWORD"}


def test_children_get_no_variable_of_a_channel() -> None:
    """What the agent tells people with is not for what a repository runs."""
    settings = Settings.read()
    assert "PATH" in settings.environment
    assert "PATH" not in settings.without({"PATH"}).environment


@pytest.mark.parametrize(("name", "meant"), [("", "agent"), ("name: platform\n", "platform")])
def test_events_are_about_the_deployment_that_is_printed(
    name: str, meant: str, tmp_path: Path
) -> None:
    """Which is called after the agent, as `agent manifests` has it, where the file names no other object."""
    file = tmp_path / "agent.yaml"
    text = "version: 1\nrepositories: {shop: {url: file:///shop}}\n"
    channel = "notifications: {cluster: {kind: kubernetes, namespace: a}}\n"
    file.write_text(f"{text}{name}{channel}", encoding="utf-8")
    (found,) = load_configuration(file, Settings.read()).channels
    assert found.target == Events(
        namespace="a", kind="Deployment", name=f"orchestrator-{meant}", context=""
    )
