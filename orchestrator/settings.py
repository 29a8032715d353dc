"""The only reader of the process environment.

Everything that depends on where and as whom the tool runs is read once, here, and handed on as data.
"""

import getpass
import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

_CI_RUN_ADDRESSES = ("ORCHESTRATOR_RUN_URL", "CI_JOB_URL", "BUILD_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the process environment says.

    ``environment`` is a copy of all variables (it may hold secrets: never shown, only filtered into
    children); ``cache`` is where what can be made again is kept; ``search_path`` is PATH; ``interactive``
    says that a person sits at both ends; ``ci_run`` is the address of the CI run, or empty; ``sandbox`` is
    where the sandbox lives, when it is not to be in the repository; ``lease`` is how long a lock outlives its
    last heartbeat, as it is written, or empty.
    """

    environment: Mapping[str, str]
    home: Path
    cache: Path
    search_path: str
    user: str
    host: str
    process: int
    ci_run: str
    interactive: bool
    kubebuilder_assets: Path | None
    sandbox: Path | None
    lease: str
    in_cluster: bool

    @classmethod
    def read(cls) -> "Settings":
        """Read the settings of this process."""
        environment = dict(os.environ)
        home = Path(environment.get("HOME") or Path.home())
        assets = environment.get("KUBEBUILDER_ASSETS", "")
        return cls(
            environment=environment,
            home=home,
            cache=_cache(environment, home),
            search_path=environment.get("PATH", os.defpath),
            user=_user(),
            host=socket.gethostname(),
            process=os.getpid(),
            ci_run=_ci_run(environment),
            interactive=os.isatty(0) and os.isatty(2),
            kubebuilder_assets=Path(assets) if assets else None,
            sandbox=Path(chosen) if (chosen := environment.get("ORCHESTRATOR_SANDBOX")) else None,
            lease=environment.get("ORCHESTRATOR_LEASE", ""),
            in_cluster="KUBERNETES_SERVICE_HOST" in environment,
        )

    def without(self, variables: Collection[str]) -> "Settings":
        """Return them without some variables, which children are not to get."""
        kept = {name: value for name, value in self.environment.items() if name not in variables}
        return replace(self, environment=kept)


def _cache(environment: Mapping[str, str], home: Path) -> Path:
    chosen = environment.get("ORCHESTRATOR_CACHE")
    if chosen:
        return Path(chosen)
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else home / ".cache") / "orchestrator"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return str(os.getuid())


def _ci_run(environment: Mapping[str, str]) -> str:
    if environment.get("GITHUB_RUN_ID"):
        server, repository = (
            environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY")
        )
        return f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}"
    return next((environment[name] for name in _CI_RUN_ADDRESSES if environment.get(name)), "")
