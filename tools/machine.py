"""Install from Debian what some tests need of a machine: what `make machine` does, as root.

A test whose programs are not there says so at the end of the run, and this is how to get them. The first
argument says for which tests: `servers` (real servers on loopback, in `make test`) or `pods` (a node that runs
real Pods, in `make soak`); without one, for both. What is there already is left alone, and no service is started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "servers": {"sshd": "openssh-server"},
    "pods": {
        "buildah": "buildah",
        "containerd": "containerd",
        "ip": "iproute2",
        "mmdebstrap": "mmdebstrap",
        "nsenter": "util-linux",
        "runc": "runc",
        "/usr/lib/cni/ptp": "containernetworking-plugins",
    },
}
"""By what they are for: programs, and the packages that have them."""

_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def missing(kind: str) -> dict[str, str]:
    """Return the programs that are not there, with the packages that have them."""
    found = PACKAGES[kind].items()
    return {name: package for name, package in found if not shutil.which(name, path=_PLACES)}


def main(arguments: list[str]) -> int:
    """Install what is missing, and return the exit code."""
    kinds = arguments or [*PACKAGES]
    wanted = sorted({package for kind in kinds for package in missing(kind).values()})
    if not wanted:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.stderr.write(f"machine: needs root and a Debian to install {' '.join(wanted)}\n")
        return 1
    sys.stderr.write(f"machine: installing {' '.join(wanted)}\n")
    # Nothing that is installed starts by itself: tests start what they need, on loopback.
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_OFFLINE": "1"}
    for words in (("update",), ("install", "--yes", "--no-install-recommends", *wanted)):
        ended = subprocess.run(
            ("apt-get", "--quiet", *words),
            check=False,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if ended.returncode != 0:
            sys.stderr.write(ended.stdout)
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
