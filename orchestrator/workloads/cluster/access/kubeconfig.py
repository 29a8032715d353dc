"""Reading kubeconfig files: several merged into one, and a context of it as a way to reach a server.

The client library's own reader is not used: it looks at the process environment when it is imported, leaves
keys in temporary files, and goes on without credentials when a credential plugin fails.
See kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig for the merging rules.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from orchestrator.errors import ClusterError, InvalidStack
from orchestrator.settings import Settings
from orchestrator.stack.links import is_file
from orchestrator.stack.model import Json
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.text.secrecy import everything
from orchestrator.stack.yaml import parse
from orchestrator.workloads.cluster.access.target import Access, Plugin

Fields: TypeAlias = Mapping[str, Json]

_SECTIONS: Final = {"clusters": "cluster", "users": "user", "contexts": "context"}
_CORE: Final = "client.authentication.k8s.io"
_FILES: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
# A JSON Web Token (RFC 7519), such as those of service accounts and of OpenID Connect.
_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_SWITCHES: Final = ("insecure-skip-tls-verify", "disable-compression")


class _Config:
    """Merged kubeconfig files: named entries with the directory that their relative paths start from."""

    def __init__(self) -> None:
        self.current = ""
        self.entries: dict[str, dict[str, tuple[Fields, Path]]] = {name: {} for name in _SECTIONS}

    def add(self, value: Json, directory: Path) -> None:
        if not isinstance(value, dict):
            return
        self.current = self.current or _text(value, "current-context")
        for section, inner in _SECTIONS.items():
            for name, fields in _named(value.get(section), inner):
                self.entries[section].setdefault(name, (fields, directory))


def kubeconfig_files(settings: Settings, chosen: Path | None) -> tuple[Path, ...]:
    """Return the files that are merged: the chosen one, those of KUBECONFIG, or the one in the home."""
    if chosen is not None:
        return (chosen,)
    listed = settings.environment.get("KUBECONFIG", "")
    if listed:
        return tuple(Path(part) for part in listed.split(":") if part)
    return (settings.home / ".kube" / "config",)


def read_context(files: Iterable[Path], context: str) -> Access:
    """Return how to reach the cluster of a context; an empty name means the current one.

    Raises ClusterError when there is no kubeconfig, no such context, or an entry that cannot be used.
    """
    files = tuple(files)
    config = _merged(files)
    name = context or config.current
    if not name:
        raise ClusterError(
            f"no cluster is chosen: {_where(files)} names no current context",
            hint="set 'cluster: {context: NAME}' in the stack, or run kubectl config use-context NAME",
        )
    fields, _ = _entry(config, "contexts", name, files)
    cluster, cluster_directory = _entry(config, "clusters", _text(fields, "cluster"), files)
    user_name = _text(fields, "user")
    user, user_directory = _entry(config, "users", user_name, files) if user_name else ({}, Path())
    return _access(name, (cluster, cluster_directory), (user, user_directory))


def files_named(file: Path) -> Iterator[str]:
    """Yield the files that a kubeconfig names, as it writes them: certificates, keys, tokens, programs.

    A program is one only where it is a path. Nothing of a file that cannot be read, nor what is no name but a content.
    """
    try:
        config = _merged((file,))
    except ClusterError:
        return
    for fields, _ in (each for entries in config.entries.values() for each in entries.values()):
        named = (_text(fields, name) for name in _FILES)
        yield from (each for each in named if each and not _is_content(each))
        command = _text(_fields(fields, "exec"), "command")
        if "/" in command:
            yield command


def decoded_pem(text: str, what: str) -> str:
    """Return PEM text that may be given as it is or in base64; raises ClusterError for neither."""
    if "-----BEGIN" in text:
        return text
    try:
        pem = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ClusterError(f"{what} is neither PEM nor base64 of PEM") from error
    if "-----BEGIN" not in pem:
        raise ClusterError(f"{what} is base64 of something that is not PEM")
    return pem


def _merged(files: tuple[Path, ...]) -> _Config:
    config = _Config()
    there = [file for file in files if is_file(file)]
    if not there:
        raise ClusterError(
            f"no kubeconfig found at {_where(files)}",
            hint="point KUBECONFIG at one, set 'cluster: {kubeconfig: PATH}', "
            "or try the local control plane with 'cluster: {sandbox: true}'",
        )
    for file in there:
        for document in _documents(file):
            config.add(document, file.parent.absolute())
    return config


def _documents(file: Path) -> list[Json]:
    try:
        text = file.read_text(encoding="utf-8")
        return [document.value for document in parse(text, str(file), secrecy=everything)]
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"the kubeconfig {file} cannot be read: {error}") from error
    except InvalidStack as error:
        first = error.mistakes[0]
        place = f":{first.place.line}:{first.place.column}" if first.place else ""
        message = f"the kubeconfig {file}{place} is not YAML: {first.message}"
        raise ClusterError(message, hint=first.hint) from error


def _named(value: Json, inner: str) -> Iterator[tuple[str, Fields]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            name, fields = _text(item, "name"), item.get(inner)
            if name and isinstance(fields, dict):
                yield name, fields


def _entry(
    config: _Config, section: str, name: str, files: tuple[Path, ...]
) -> tuple[Fields, Path]:
    found = config.entries[section].get(name)
    if found is None:
        kind = _SECTIONS[section]
        names = sorted(config.entries[section])
        hint = did_you_mean(name, names, otherwise=f"it has none of kind {kind}")
        raise ClusterError(f"{_where(files)} has no {kind} {name!r}", hint=hint)
    return found


def _access(context: str, cluster: tuple[Fields, Path], user: tuple[Fields, Path]) -> Access:
    fields, directory = cluster
    server = _text(fields, "server")
    if not server:
        raise ClusterError(f"the cluster of context {context!r} has no server")
    login, login_directory = user
    _refuse_provider(context, login)
    return Access(
        title=f"context {context}",
        server=server.rstrip("/"),
        certificate_authority=_pem(fields, "certificate-authority", directory),
        insecure=fields.get("insecure-skip-tls-verify") is True,
        tls_server_name=_text(fields, "tls-server-name"),
        proxy=_text(fields, "proxy-url"),
        uncompressed=fields.get("disable-compression") is True,
        authorization=_authorization(login),
        token_file=_token_file(login, login_directory),
        client_certificate=_pem(login, "client-certificate", login_directory),
        client_key=_pem(login, "client-key", login_directory),
        plugin=_plugin(login, login_directory, _told(fields, directory)),
    )


def _refuse_provider(context: str, user: Fields) -> None:
    provider = _text(_fields(user, "auth-provider"), "name")
    if provider:
        raise ClusterError(
            f"context {context!r} uses the legacy auth-provider {provider!r}, which is not supported",
            hint="use a credential plugin ('exec') such as kubelogin or gke-gcloud-auth-plugin",
        )


def _authorization(user: Fields) -> str:
    token = _text(user, "token")
    if token:
        return f"Bearer {token}"
    name, password = _text(user, "username"), _text(user, "password")
    if name:
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
    return ""


def _is_content(text: str) -> bool:
    """Whether this is what a file would hold, as people put it in its place: PEM, base64 of that, or a token."""
    if _TOKEN.fullmatch(text.strip()):
        return True
    try:
        decoded_pem("".join(text.split()), "it")
    except ClusterError:
        return False
    return True


def _check_is_a_name(written: str, name: str, directory: Path, *, instead: str) -> None:
    if _is_content(written):  # which may be a secret: it is not quoted
        raise ClusterError(
            f"{name} of the kubeconfig in {directory} is to name a file, and holds what would be in it",
            hint=f"name the file; or write it as {instead}",
        )


def _token_file(user: Fields, directory: Path) -> Path | None:
    written = _text(user, "tokenFile")
    _check_is_a_name(written, "tokenFile", directory, instead="token")
    return directory / written if written else None


def _pem(fields: Fields, name: str, directory: Path) -> str:
    data = _text(fields, f"{name}-data")
    if data:
        return decoded_pem(data, f"{name}-data")
    written = _text(fields, name)
    if not written:
        return ""
    _check_is_a_name(written, name, directory, instead=f"{name}-data, in base64")
    try:
        return (directory / written).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"{name} {directory / written} cannot be read: {error}") from error


def _plugin(user: Fields, directory: Path, told: Fields) -> Plugin | None:
    fields = _fields(user, "exec")
    command = _text(fields, "command")
    if not command:
        return None
    arguments = fields.get("args")
    return Plugin(
        argv=(
            str(directory / command) if "/" in command else command,
            *(str(item) for item in (arguments if isinstance(arguments, list) else ())),
        ),
        api_version=_text(fields, "apiVersion") or f"{_CORE}/v1",
        environment=_environment(fields.get("env")),
        install_hint=_text(fields, "installHint"),
        cluster=told if fields.get("provideClusterInfo") is True else None,
    )


def _environment(value: Json) -> dict[str, str]:
    pairs = value if isinstance(value, list) else []
    return {_text(item, "name"): _text(item, "value") for item in pairs if isinstance(item, dict)}


def _told(cluster: Fields, directory: Path) -> Fields:
    """Return what a plugin is told of its cluster when it asks: all that we know, and what is meant for it alone."""
    authority = _pem(cluster, "certificate-authority", directory)
    meant = dict(_named(cluster.get("extensions"), "extension")).get(f"{_CORE}/exec", {})
    written: dict[str, Json] = {
        **{name: _text(cluster, name) for name in ("server", "tls-server-name", "proxy-url")},
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        **{name: cluster.get(name) is True for name in _SWITCHES},
        "config": dict(meant),
    }
    return {name: value for name, value in written.items() if value}


def _where(files: tuple[Path, ...]) -> str:
    return ", ".join(map(str, files))


def _fields(value: Mapping[str, Json], name: str) -> Fields:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(fields: Fields, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""
