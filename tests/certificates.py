"""Certificates for servers and clients on loopback."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


def pair(name: str) -> Pair:
    """Return a self-signed certificate for a name, or an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = name.replace(".", "").isdigit()
    alternative = x509.IPAddress(ipaddress.ip_address(name)) if address else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate=certificate.public_bytes(encoding).decode(), key=secret.decode())


def context(
    directory: Path, server: Pair, *, client: Pair | tuple[Pair, ...] | None = None
) -> ssl.SSLContext:
    """Return how a server proves who it is, and whose clients it asks to do the same."""
    (directory / "server.pem").write_text(server.certificate + server.key)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(directory / "server.pem")
    if client:
        for trusted in client if isinstance(client, tuple) else (client,):
            found.load_verify_locations(cadata=trusted.certificate)
        found.verify_mode = ssl.CERT_REQUIRED
    return found


def self_signed(folder: Path) -> Path:
    """Write a certificate for loopback, which nobody trusts until he is told to, with its key."""
    made, file = pair("127.0.0.1"), folder / "certificate.pem"
    file.write_text(made.certificate + made.key)
    return file
