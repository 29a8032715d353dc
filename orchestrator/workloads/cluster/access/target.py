"""Which API server is meant, and how it is reached once that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.stack.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which API server a stack asks for; its expressions are already replaced.

    A ``server`` is explicit and comes with a ``token`` or the argument vector of a credential plugin;
    otherwise a context of a kubeconfig is used, the current one where none is named. In a pod without
    kubeconfig it is the pod's own cluster. ``certificate_authority`` is PEM, or its base64 as clouds give it.
    ``impersonated`` is the user whose rights hold there in place of ours, or empty.
    """

    context: str = ""
    kubeconfig: Path | None = None
    server: str = ""
    certificate_authority: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    exec: tuple[str, ...] = ()
    impersonated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A program that prints credentials (``ExecCredential`` of client.authentication.k8s.io).

    ``environment`` is added to our own; ``cluster`` is told to the plugin when it asked for that.
    """

    argv: tuple[str, ...]
    api_version: str = "client.authentication.k8s.io/v1"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    install_hint: str = ""
    cluster: Mapping[str, Json] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How an API server is reached.

    ``title`` names it for people (``context dev``); certificates and key are PEM; ``authorization`` is the
    header's value when it is fixed, ``token_file`` is read again as it changes. ``impersonated`` is whom we ask to be
    taken for, or empty. ``uncompressed`` answers save both ends work where the network between them is fast.
    """

    title: str
    server: str
    certificate_authority: str = field(default="", repr=False)
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    uncompressed: bool = False
    authorization: str = field(default="", repr=False)
    token_file: Path | None = None
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    plugin: Plugin | None = None
    impersonated: str = ""
