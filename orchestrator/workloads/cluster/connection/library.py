"""The client library: loaded without what is not used, configured explicitly, its failures in our words.

Nothing process-wide is read or set, since two connections of one process must not meet in a default.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from orchestrator.errors import ClusterError
from orchestrator.importing import import_alone
from orchestrator.workloads.cluster.access.credentials import Credentials
from orchestrator.workloads.cluster.access.proxies import proxy_for

# Each watch holds a connection for as long as it lasts, and there is one per kind, namespace and set: a bound would
# let the last of them wait for ever. What is bounded is the number of requests under way, see ``flow``.
_UNBOUNDED: Final = 0


def preload() -> None:
    """Import the client library, which takes 0.2 s; a thread may do so while something else runs."""
    _loaded()


def rest_client(credentials: Credentials) -> Any:
    """Return the library's client with nothing taken from process-wide defaults.

    Not its ``ApiClient``, which hands requests on to this one as they are, and for whose models of answers,
    not used here, it imports a third of all that it imports.
    """
    access = credentials.access
    configuration_module, rest = _loaded()
    configuration = configuration_module.Configuration(
        host=access.server,
        ca_cert_data=access.certificate_authority or None,
        verify_ssl=not access.insecure,
        tls_server_name=access.tls_server_name or None,
        proxy=access.proxy or proxy_for(access.server, credentials.settings.environment) or None,
        connection_pool_maxsize=_UNBOUNDED,
    )
    # The library would look for a proxy and for a netrc file before each request, in two threads.
    configuration.client_session_kwargs = {"trust_env": False}
    # Authorities in use do not mark their certificates as RFC 5280 asks; kubectl accepts them too.
    configuration.disable_strict_ssl_verification = True
    certificate, key = credentials.certificate()
    try:
        if not certificate:
            return rest.RESTClientObject(configuration)
        with _private_files(certificate, key) as (certificate_file, key_file):
            configuration.cert_file, configuration.key_file = certificate_file, key_file
            return rest.RESTClientObject(configuration)
    except (OSError, ValueError) as error:
        raise ClusterError(f"{access.title}: its certificates cannot be used: {error}") from error


class _private_files:  # noqa: N801 - a context manager that reads as a function
    """Two files for as long as the TLS context is made, which cannot take a key from memory."""

    def __init__(self, certificate: str, key: str) -> None:
        self._texts = certificate, key
        self._folder = tempfile.TemporaryDirectory(prefix="orchestrator-")

    def __enter__(self) -> tuple[str, str]:
        folder = Path(self._folder.name)  # 0700, so that its files are private whatever their mode
        names = (folder / "certificate.pem", folder / "key.pem")
        for name, text in zip(names, self._texts, strict=True):
            name.write_text(text, encoding="utf-8")
        return str(names[0]), str(names[1])

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _loaded() -> tuple[ModuleType, ModuleType]:
    """Return the library's modules for its configuration and for requests.

    ``kubernetes/__init__.py`` loads a second, synchronous client with everything it can do: importing it in
    the ordinary way takes twice as long as what is used here.
    """
    configuration, rest = (
        import_alone(
            f"kubernetes.aio.client.{name}",
            "kubernetes",
            "kubernetes.aio",
            around=_no_default_authorities(),
        )
        for name in ("configuration", "rest")
    )
    return configuration, rest


@contextmanager
def _no_default_authorities() -> Iterator[None]:
    """Keep aiohttp from reading every authority of this machine when it is imported.

    It makes two TLS contexts then, which takes as long as the rest of it and which nothing here uses: the
    client makes one of its own for each server. A context without authorities trusts nobody, so that what
    should use it all the same is refused.
    """
    former = ssl.SSLContext.load_default_certs
    paths = ssl.SSLContext.set_default_verify_paths
    ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]
    ssl.SSLContext.set_default_verify_paths = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.SSLContext.load_default_certs = former  # type: ignore[method-assign]
        ssl.SSLContext.set_default_verify_paths = paths  # type: ignore[method-assign]


def no_answer() -> tuple[type[BaseException], ...]:
    """Return the errors that mean that there was no answer."""
    import aiohttp

    return (aiohttp.ClientError, TimeoutError, OSError)


def reason_of(error: BaseException) -> tuple[str, str]:
    """Return why there was no answer, and what to look at."""
    import aiohttp

    match error:
        case aiohttp.ClientConnectorCertificateError():
            problem = getattr(error.certificate_error, "verify_message", error.certificate_error)
            reason = f"its certificate is not trusted: {problem}"
            return reason, "check the certificate authority and the address of this cluster"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved", "check the address, or the VPN"
        case aiohttp.ClientConnectorError() | aiohttp.ClientOSError():
            reason = os.strerror(error.errno) if error.errno else str(error)
            return reason.lower(), "is it running, and is this its address?"
        case TimeoutError():
            return "no answer in time", "check the network, a VPN or a firewall in between"
        case aiohttp.InvalidURL():
            return "its address is not a URL", "check 'server'"
        case _:
            reason = str(error) or type(error).__name__
            return reason, "is this the address of a Kubernetes API server?"
