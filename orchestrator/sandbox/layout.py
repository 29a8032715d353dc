"""Where a sandbox keeps what: the names inside its directory. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Component(StrEnum):
    """The processes of a sandbox, in the order of their start; they are stopped in reverse."""

    ETCD = "etcd"
    API_SERVER = "kube-apiserver"
    CONTROLLER_MANAGER = "kube-controller-manager"
    SCHEDULER = "kube-scheduler"
    KWOK = "kwok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The paths of one sandbox; ``directory`` is absolute and has no links in it."""

    directory: Path

    @classmethod
    def of(cls, directory: Path) -> "Layout":
        """Return the layout below ``directory``, which need not exist."""
        return cls(directory=directory.resolve())

    @property
    def lock(self) -> Path:
        """What the one process holds that starts or stops this sandbox; the first file, and the last, of it."""
        return self.directory / "sandbox.lock"

    @property
    def state(self) -> Path:
        """What is running, written once everything is ready."""
        return self.directory / "sandbox.json"

    @property
    def kubeconfig(self) -> Path:
        """Access as the administrator."""
        return self.directory / "kubeconfig"

    @property
    def viewer_kubeconfig(self) -> Path:
        """Access as a user without any rights."""
        return self.directory / "viewer.kubeconfig"

    @property
    def tokens(self) -> Path:
        """The users that the API server knows."""
        return self.directory / "tokens.csv"

    @property
    def service_account_key(self) -> Path:
        """The private key that signs the tokens of service accounts."""
        return self.directory / "service-accounts.key"

    @property
    def certificates(self) -> Path:
        """The folder of the API server's own certificate and key."""
        return self.directory / "certificates"

    @property
    def certificate(self) -> Path:
        """The certificate of the API server, with the authority that signed it."""
        return self.certificates / "apiserver.crt"

    @property
    def etcd_data(self) -> Path:
        """What etcd stores."""
        return self.directory / "etcd"

    @property
    def sockets(self) -> tuple[Path, ...]:
        """Where etcd listens."""
        return (self.directory / ETCD_CLIENT_SOCKET, self.directory / ETCD_PEER_SOCKET)

    @property
    def logs(self) -> Path:
        """The folder of the logs, one file per component."""
        return self.directory / "logs"

    def log(self, component: Component) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{component}.log"

    @property
    def is_sandbox(self) -> bool:
        """Whether the directory holds a sandbox, running or left behind; anything else is not ours to remove."""
        return self.lock.exists() or self.state.exists()

    @property
    def entries(self) -> tuple[Path, ...]:
        """Everything that a sandbox puts into its directory, the lock last."""
        return (
            self.state,
            self.kubeconfig,
            self.viewer_kubeconfig,
            self.tokens,
            self.service_account_key,
            self.certificates,
            self.etcd_data,
            *self.sockets,
            self.logs,
            self.lock,
        )


# Relative to the directory, in which the components run: the path of a socket may have 107 bytes only.
# etcd wants the form HOST:PORT of an address that it advertises, also where it names a socket.
ETCD_CLIENT_SOCKET = "etcd-client:0"
ETCD_PEER_SOCKET = "etcd-peer:0"
