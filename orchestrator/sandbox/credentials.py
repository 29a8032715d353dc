"""Keys, tokens and kubeconfigs of a sandbox: made here, kept in files that only their owner can read."""

import base64
import json
import os
import secrets
from pathlib import Path

from orchestrator.sandbox.layout import Layout

_ADMINISTRATORS = "system:masters"
_TOKEN_BYTES = 32

# The order of the curve P-256 (FIPS 186-5, appendix B.1): a private key is a number below it.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_BYTES = 32
# RFC 5915 in DER: version 1, the number, the name of the curve; the public key is optional and left out.
_KEY_HEAD = bytes.fromhex("30310201010420")
_KEY_TAIL = bytes.fromhex("a00a06082a8648ce3d030107")


def ensure_credentials(layout: Layout) -> None:
    """Write the users' tokens and the key of the service accounts, unless they are there already."""
    if not layout.tokens.exists():
        write_private(layout.tokens, _users(_token(), _token()))
    if not layout.service_account_key.exists():
        write_private(layout.service_account_key, _signing_key())


def write_kubeconfigs(layout: Layout, *, port: int) -> None:
    """Write the kubeconfigs of both users; the API server has written its certificate by then."""
    authority = base64.b64encode(layout.certificate.read_bytes()).decode()
    server = f"https://127.0.0.1:{port}"
    for user, path in (("admin", layout.kubeconfig), ("viewer", layout.viewer_kubeconfig)):
        token = read_token(layout, user)
        write_private(path, _kubeconfig(user=user, token=token, server=server, authority=authority))


def read_token(layout: Layout, user: str) -> str:
    """Return the token of ``admin`` or ``viewer``."""
    rows = (line.split(",") for line in layout.tokens.read_text().splitlines())
    return next(row[0] for row in rows if row[1] == user)


def _users(admin: str, viewer: str) -> str:
    return f'{admin},admin,admin,"{_ADMINISTRATORS}"\n{viewer},viewer,viewer\n'


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _signing_key() -> str:
    number = secrets.randbelow(_P256_ORDER - 1) + 1
    encoded = base64.encodebytes(
        _KEY_HEAD + number.to_bytes(_P256_BYTES, "big") + _KEY_TAIL
    ).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded}-----END EC PRIVATE KEY-----\n"


def _kubeconfig(*, user: str, token: str, server: str, authority: str) -> str:
    # Packing answers takes longer than sending them to the same machine.
    cluster = {
        "server": server,
        "certificate-authority-data": authority,
        "disable-compression": True,
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
    }
    return json.dumps(document, indent=2) + "\n"


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner can read; no reader ever sees half of it."""
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
