"""Saved plans at rest: who can open them, and what is told to everybody else."""

from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from orchestrator.engine.execution.sealing import (
    check_recipients,
    is_sealed,
    nobody_to_ask,
    seal,
    unseal,
)
from orchestrator.errors import UsageError
from orchestrator.plans.redaction import Secrets
from orchestrator.settings import Settings

PLAN = b"PK a plan with a secret in it " * 100
OURS, THEIRS = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()


def settings(**variables: str) -> Settings:
    """Return the settings of an environment with these variables alone."""
    return replace(Settings.read(), environment=variables)


def opened(content: bytes, **variables: str) -> bytes:
    """Open a saved plan with what an environment gives."""
    return _opened(content, Secrets(), variables)


def _opened(content: bytes, secrets: Secrets, variables: dict[str, str]) -> bytes:
    given = settings(**variables)
    return unseal(content, shown="shop.plan", settings=given, secrets=secrets, ask=nobody_to_ask)


def refusal(content: bytes, **variables: str) -> tuple[str, str]:
    """Return the message and the hint with which a saved plan is not opened."""
    with pytest.raises(UsageError) as refused:
        opened(content, **variables)
    return refused.value.message, refused.value.hint


def test_each_recipient_opens_it_with_their_key(tmp_path: Path) -> None:
    """From a variable, or from a file as age-keygen writes it; nothing of it shows on the way."""
    sealed = seal(PLAN, [str(OURS.to_public()), str(THEIRS.to_public())], nobody_to_ask)
    assert is_sealed(sealed)
    assert not is_sealed(PLAN)
    assert b"secret" not in sealed
    file = tmp_path / "key.txt"
    file.write_text(f"# created: today\n# public key: {THEIRS.to_public()}\n{THEIRS}\n")
    assert opened(sealed, ORCHESTRATOR_AGE_KEY=str(OURS)) == PLAN
    assert opened(sealed, ORCHESTRATOR_AGE_KEY_FILE=str(file)) == PLAN


def test_a_key_that_was_read_is_a_secret_of_the_run() -> None:
    """Whatever quotes it later is redacted."""
    secrets = Secrets()
    sealed = seal(PLAN, [str(OURS.to_public())], nobody_to_ask)
    _opened(sealed, secrets, {"ORCHESTRATOR_AGE_KEY": str(OURS)})
    assert secrets.redact(f"it is {OURS}") == "it is (sensitive)"


def test_a_passphrase_opens_what_it_closed() -> None:
    """It comes from the environment or is asked for; another one opens nothing."""
    sealed = seal(PLAN, ["passphrase"], lambda: "correct horse")
    assert opened(sealed, ORCHESTRATOR_PASSPHRASE="correct horse") == PLAN
    assert refusal(sealed, ORCHESTRATOR_PASSPHRASE="staple")[0] == (
        "the passphrase does not open shop.plan"
    )
    assert refusal(sealed) == (
        "there is no passphrase, and no terminal to ask for it on",
        "set ORCHESTRATOR_PASSPHRASE",
    )


def test_without_the_right_key_it_stays_closed(tmp_path: Path) -> None:
    """No key, another's, something else than a key, and a file that is not there."""
    sealed = seal(PLAN, [str(OURS.to_public())], nobody_to_ask)
    message, hint = refusal(sealed)
    assert message == "shop.plan is encrypted, and there is no key for it"
    assert "ORCHESTRATOR_AGE_KEY_FILE" in hint
    assert refusal(sealed, ORCHESTRATOR_AGE_KEY=str(THEIRS))[0] == (
        "no key that was given opens shop.plan"
    )
    assert refusal(sealed, ORCHESTRATOR_AGE_KEY="hunter2")[0] == (
        "what ORCHESTRATOR_AGE_KEY gives is no key of age"
    )
    missing = tmp_path / "nowhere"
    assert refusal(sealed, ORCHESTRATOR_AGE_KEY_FILE=str(missing))[0] == (
        f"cannot read {missing}: No such file or directory"
    )


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-5], lambda b: b[:150], lambda b: b[:-5] + b"12345"]
)
def test_what_was_cut_or_changed_is_not_opened(damage: object) -> None:
    """Age authenticates all of it: nobody gets half a plan, or another one."""
    sealed = damage(seal(PLAN, [str(OURS.to_public())], nobody_to_ask))  # type: ignore[operator]
    message, hint = refusal(sealed, ORCHESTRATOR_AGE_KEY=str(OURS))
    assert message in {
        "shop.plan cannot be decrypted as a whole",
        "no key that was given opens shop.plan",
    }
    assert "damaged" in hint or "cut or changed" in hint


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        (["age1nonsense"], "'age1nonsense' is no recipient of age"),
        ([str(OURS)], "what --encrypt got is a secret key, and the recipient is the public one"),
        (
            ["passphrase", str(OURS.to_public())],
            "a saved plan is encrypted either for recipients or under a passphrase",
        ),
    ],
)
def test_a_wrong_recipient_is_refused_before_anything_is_planned(
    recipients: list[str], message: str
) -> None:
    """A secret key that was mixed up with the public one is not quoted."""
    with pytest.raises(UsageError) as refused:
        check_recipients(recipients)
    assert refused.value.message == message
