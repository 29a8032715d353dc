"""Encrypting saved plans with age, so that they can lie about: for recipients, or under a passphrase.

Keys come from the environment, as pipelines have them: ``ORCHESTRATOR_AGE_KEY`` is an identity itself,
``ORCHESTRATOR_AGE_KEY_FILE`` names a file of them as ``age-keygen`` writes it, and ``ORCHESTRATOR_PASSPHRASE`` is
a passphrase. A passphrase that is not there is asked for where somebody can be asked.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.errors import UsageError
from orchestrator.plans.redaction import Secrets
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from pyrage import x25519

PASSPHRASE: Final = "passphrase"  # noqa: S105 - the word, not one
"""What stands in place of a recipient for a passphrase."""

_MAGIC: Final = b"age-encryption.org/v1\n"
_BY_PASSPHRASE: Final = _MAGIC + b"-> scrypt "
_KEY, _KEY_FILE, _WORDS = (
    "ORCHESTRATOR_AGE_KEY",
    "ORCHESTRATOR_AGE_KEY_FILE",
    "ORCHESTRATOR_PASSPHRASE",
)
_IDENTITY: Final = "AGE-SECRET-KEY-"
_KEY_HINT: Final = f"set {_KEY_FILE} to a file with the key, or {_KEY} to the key itself"
_DAMAGED: Final = "it was cut or changed since it was saved; plan again"

Ask = Callable[[], str]
"""Asks a person for the passphrase; raises UsageError where nobody can be asked."""


def is_sealed(content: bytes) -> bool:
    """Return whether something is encrypted with age."""
    return content.startswith(_MAGIC)


def check_recipients(recipients: Sequence[str]) -> None:
    """Refuse what is no recipient, before a plan is made for it; raises UsageError."""
    if PASSPHRASE in recipients and len(recipients) > 1:
        message = "a saved plan is encrypted either for recipients or under a passphrase"
        raise UsageError(message, hint="give --encrypt passphrase alone, or recipients only")
    for recipient in recipients:
        if recipient != PASSPHRASE:
            _recipient(recipient)


def seal(content: bytes, recipients: Sequence[str], passphrase: Ask) -> bytes:
    """Encrypt for every recipient, or under a passphrase; raises UsageError."""
    import pyrage

    if PASSPHRASE in recipients:
        return bytes(pyrage.passphrase.encrypt(content, passphrase()))
    return bytes(pyrage.encrypt(content, [_recipient(one) for one in recipients]))


def unseal(content: bytes, *, shown: str, settings: Settings, secrets: Secrets, ask: Ask) -> bytes:
    """Decrypt with what the environment gives, or with a passphrase that is asked for; raises UsageError."""
    import pyrage

    try:
        if content.startswith(_BY_PASSPHRASE):
            words = given_passphrase(settings, secrets, ask)
            return bytes(pyrage.passphrase.decrypt(content, words))
        return bytes(pyrage.decrypt(content, list(_identities(shown, settings, secrets))))
    except pyrage.DecryptError as error:
        raise _explained(shown, str(error)) from error


def given_passphrase(settings: Settings, secrets: Secrets, ask: Ask) -> str:
    """Return the passphrase that the environment or a person gives, learnt as a secret; raises UsageError."""
    words = settings.environment.get(_WORDS) or ask()
    secrets.learn(words)
    if not words:
        message = "an empty passphrase protects nothing"
        raise UsageError(message, hint=f"set {_WORDS}, or type one")
    return words


def nobody_to_ask() -> str:
    """Refuse to ask where there is no terminal; raises UsageError."""
    message = "there is no passphrase, and no terminal to ask for it on"
    raise UsageError(message, hint=f"set {_WORDS}")


def _explained(shown: str, told: str) -> UsageError:
    match told:
        case "No matching keys found":
            message = f"no key that was given opens {shown}"
            hint = "it was encrypted for other recipients, or is damaged at its beginning"
        case "Decryption failed":
            message, hint = f"the passphrase does not open {shown}", "was it another one?"
        case _:
            message, hint = f"{shown} cannot be decrypted as a whole", _DAMAGED
    return UsageError(message, hint=hint)


def _recipient(text: str) -> "x25519.Recipient":
    import pyrage

    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        if text.startswith(_IDENTITY):
            message = "what --encrypt got is a secret key, and the recipient is the public one"
            raise UsageError(message, hint="`age-keygen -y` tells it") from error
        message = f"{text!r} is no recipient of age"
        hint = "it begins with age1, and `age-keygen` makes one with its key; or write passphrase"
        raise UsageError(message, hint=hint) from error


def _identities(shown: str, settings: Settings, secrets: Secrets) -> "Iterator[x25519.Identity]":
    import pyrage

    found = list(_written_identities(settings))
    if not found:
        raise UsageError(f"{shown} is encrypted, and there is no key for it", hint=_KEY_HINT)
    for name, text in found:
        secrets.learn(text)
        try:
            yield pyrage.x25519.Identity.from_str(text)
        except pyrage.IdentityError as error:
            message = f"what {name} gives is no key of age"
            raise UsageError(message, hint=f"a key begins with {_IDENTITY}1") from error


def _written_identities(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield every identity that the environment gives, with the name of the variable."""
    texts = {_KEY: settings.environment.get(_KEY, "")}
    file = settings.environment.get(_KEY_FILE, "")
    if file:
        try:
            texts[_KEY_FILE] = Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(f"cannot read {file}: {reason}", hint=_KEY_HINT) from error
    for name, text in texts.items():
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                yield name, line.strip()
