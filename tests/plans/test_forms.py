"""A secret is found in every form in which tools write it into texts."""

import base64
import json

import pytest

from orchestrator.plans.forms import forms_of
from orchestrator.plans.redaction import Secrets

SECRET = 'qua"te\\secret<x>&${y}'


def redacted(text: str, secret: str = SECRET) -> str:
    """Return a text without the secret."""
    secrets = Secrets()
    secrets.learn(secret)
    return secrets.redact(text)


def _by_go(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


@pytest.mark.parametrize("write", [json.dumps, _by_go])
def test_json_and_json_within_json(write: object) -> None:
    """Go escapes what HTML gives a meaning; a document may be a text of another one."""
    once = write({"p": SECRET})  # type: ignore[operator]
    twice = write({"document": once})  # type: ignore[operator]

    assert redacted(once) == '{"p": "(sensitive)"}'
    assert "(sensitive)" in redacted(twice)
    for part in ("qua", "secret", "u003c"):
        assert part not in redacted(once)
        assert part not in redacted(twice)


def test_the_key_of_an_instance() -> None:
    """HCL doubles what begins a template."""
    address = r'terraform_data.x["qua\"te\\secret<x>&$${y}"]'
    assert redacted(address) == 'terraform_data.x["(sensitive)"]'


@pytest.mark.parametrize("user", ["", "u", "us", "usr", "user"])
@pytest.mark.parametrize("secret", ["hunter2", "correct horse", "pass?>~word"])
@pytest.mark.parametrize("after", ["", "\n", "@host"])
def test_credentials_in_base64(user: str, secret: str, after: str) -> None:
    """Whoever the user is: what is left of it does not tell the secret, in the alphabet for URLs neither."""
    plain = f"{user}:{secret}{after}".encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = redacted(f"Authorization: Basic {encode(plain).decode()}", secret)
        assert "(sensitive)" in shown
        assert len(shown) < len("Authorization: Basic (sensitive)") + 4 * len(f"{user}:{after}") + 6


def test_nothing_is_searched_for_that_is_short() -> None:
    """It would be found everywhere."""
    assert forms_of("12345") == set()
    assert all(len(form) >= 6 for form in forms_of("123456"))
