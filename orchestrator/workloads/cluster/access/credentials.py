"""Who we are to the API server: fixed tokens, token files, credential plugins, a pod's service account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from orchestrator import clock
from orchestrator.errors import AccessDenied, ClusterError, Interrupted
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Command, Completed, Limits, ProgramMissing, Stop, run
from orchestrator.settings import Settings
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.access.kubeconfig import (
    decoded_pem,
    kubeconfig_files,
    read_context,
)
from orchestrator.workloads.cluster.access.target import Access, Plugin, Target

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PLUGIN_LIMITS: Final = Limits(timeout=60.0, grace=2.0)
_EARLIER: Final = timedelta(seconds=60)  # a token that expires during a request is no use
_FILE_SECONDS: Final = 60.0


def locate(target: Target, settings: Settings) -> Access:
    """Return how the target is reached; raises ClusterError when that cannot be said."""
    if target.server:
        return _explicit(target)
    files = kubeconfig_files(settings, target.kubeconfig)
    chosen = target.context or target.kubeconfig or "KUBECONFIG" in settings.environment
    if settings.in_cluster and not chosen and not any(file.is_file() for file in files):
        return _pod(settings)
    return read_context(files, target.context)


@dataclass(slots=True, kw_only=True)
class Credentials:
    """The credentials of one connection, renewed as they expire; used by one event loop at a time.

    ``issue`` counts how often credentials were asked for.
    """

    access: Access
    settings: Settings
    secrets: Secrets
    stop: Stop
    issue: int = 0
    _issued: "Issued | None" = None
    _read_at: float = 0.0
    _from_file: str = field(default="", repr=False)

    @property
    def at_hand(self) -> str | None:
        """Return the header's value when nobody has to be asked for it, else None."""
        if not self.renewable:
            return self.access.authorization
        if self.access.token_file is not None:
            fresh = clock.seconds() - self._read_at <= _FILE_SECONDS
            return f"Bearer {self._from_file}" if self._from_file and fresh else None
        return _bearer(self._issued) if self._issued and not self._used_up else None

    def authorization(self) -> str:
        """Return the header's value, or an empty text; may run a plugin and so take seconds.

        Raises AccessDenied when there is no way to get any.
        """
        found = self.at_hand
        if found is None:
            self.renew()
            found = self.at_hand
        return found or ""

    def renew(self) -> None:
        """Ask for other credentials, because there are none or the server refused those at hand.

        Each time is counted in ``issue``. Raises AccessDenied when there is no way to get any.
        """
        if self.access.token_file is not None:
            self._read(self.access.token_file)
        elif self.access.plugin is not None:
            self._issued = _issue(self.access.plugin, self.settings, self.stop)
            self.secrets.learn([self._issued.token, self._issued.key])
        self.issue += 1

    @property
    def renewable(self) -> bool:
        """Whether asking again may give other credentials."""
        return self.access.plugin is not None or self.access.token_file is not None

    def certificate(self) -> tuple[str, str]:
        """Return our certificate and key as PEM, or two empty texts; may run a plugin the first time."""
        if self.access.plugin is None:
            return self.access.client_certificate, self.access.client_key
        if self._issued is None:
            self.renew()
        issued = self._issued or Issued()
        return issued.certificate, issued.key

    @property
    def _used_up(self) -> bool:
        return self._issued is not None and self._issued.expired(clock.now())

    def _read(self, path: Path) -> None:
        try:
            self._from_file = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AccessDenied(f"the token file {path} cannot be read: {error}") from error
        self._read_at = clock.seconds()
        self.secrets.learn(self._from_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a credential plugin gave, and until when it is good."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether these are no use any more, or will not be in a moment."""
        return self.expires is not None and now + _EARLIER >= self.expires


def _bearer(issued: Issued) -> str:
    return f"Bearer {issued.token}" if issued.token else ""


def _explicit(target: Target) -> Access:
    plugin = Plugin(argv=target.exec) if target.exec else None
    authority = target.certificate_authority
    access = Access(
        title=target.server,
        server=target.server.rstrip("/"),
        certificate_authority=decoded_pem(authority, "certificate_authority") if authority else "",
        authorization=f"Bearer {target.token}" if target.token else "",
        plugin=plugin,
    )
    if not access.server.startswith(("https://", "http://")):
        return replace(access, server=f"https://{access.server}")
    return access


def _pod(settings: Settings) -> Access:
    host = settings.environment.get("KUBERNETES_SERVICE_HOST", "")
    port = settings.environment.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        authority = (_SERVICE_ACCOUNT / "ca.crt").read_text(encoding="utf-8")
    except OSError as error:
        raise ClusterError(
            f"this pod has no service account token: {error}",
            hint="set automountServiceAccountToken, or name a cluster in the stack",
        ) from error
    return Access(
        title="this pod's cluster",
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        certificate_authority=authority,
        token_file=_SERVICE_ACCOUNT / "token",
    )


def _issue(plugin: Plugin, settings: Settings, stop: Stop) -> Issued:
    program = plugin.argv[0]
    try:
        done = run(_command(plugin, settings), limits=_PLUGIN_LIMITS, stop=stop)
    except ProgramMissing as error:
        hint = plugin.install_hint or f"install {program}, or put it on PATH"
        raise AccessDenied(f"the credential plugin {program} cannot be run", hint=hint) from error
    if done.interrupted:
        raise Interrupted("interrupted while asking for credentials")
    if done.timed_out:
        raise AccessDenied(
            f"the credential plugin {program} did not answer within {_PLUGIN_LIMITS.timeout:.0f} s",
            hint="it may be waiting for a login: run it by hand once",
        )
    if done.code != 0:
        raise AccessDenied(
            f"the credential plugin {program} failed with exit code {done.code}",
            hint="run it by hand; a login may have expired",
            detail=done.stderr.strip(),
        )
    return _parsed(program, done)


def _command(plugin: Plugin, settings: Settings) -> Command:
    spec: dict[str, Json] = {"interactive": False}
    if plugin.cluster is not None:
        spec["cluster"] = dict(plugin.cluster)
    told = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    environment = {
        **settings.environment,
        **plugin.environment,
        "KUBERNETES_EXEC_INFO": json.dumps(told),
    }
    return Command(argv=plugin.argv, directory=settings.home, environment=environment)


def _parsed(program: str, done: Completed) -> Issued:
    # The output is a credential: nothing of it goes into a message.
    try:
        status = json.loads(done.stdout)["status"]
        expires = status.get("expirationTimestamp")
        issued = Issued(
            token=_text(status, "token"),
            certificate=_text(status, "clientCertificateData"),
            key=_text(status, "clientKeyData"),
            expires=datetime.fromisoformat(expires) if expires else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _useless(program) from None
    if not issued.token and not issued.certificate:
        raise _useless(program)
    return issued


def _useless(program: str) -> AccessDenied:
    return AccessDenied(
        f"the credential plugin {program} did not print an ExecCredential with a token or certificate",
        hint="run it by hand; a login may have expired",
    )


def _text(status: Mapping[str, Json], name: str) -> str:
    found = status.get(name)
    return found if isinstance(found, str) else ""
