"""What a node is made of: programs of Debian, and two that are built from the Go module proxy and kept in the cache."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from orchestrator.sandbox.programs.build import KUBERNETES_VERSION, VERSION_FLAGS, Program
from tests.built import built_for_tests
from tools.machine import missing

_SOURCES: Final = Path(__file__).with_name("golang")
_KUBELET: Final = Program(
    name="kubelet",
    title=f"the kubelet of Kubernetes {KUBERNETES_VERSION}",
    sources=_SOURCES / "kubelet",
    package="k8s.io/kubernetes/cmd/kubelet",
    linker_flags=VERSION_FLAGS,  # the API server refuses a node that does not know its version
)
_PAUSE: Final = Program(
    name="pause", title="what holds a Pod", sources=_SOURCES / "pause", package="."
)


@cache
def kubelet_program() -> Path:
    """Return the kubelet, built first when there is none; that takes some minutes."""
    return built_for_tests(_KUBELET)


@cache
def pause_program() -> Path:
    """Return what is the first process of each Pod."""
    return built_for_tests(_PAUSE)


def why_not() -> str:
    """Return why this machine cannot run a node, or an empty text."""
    if sys.platform != "linux":
        return "it is no Linux"
    if os.geteuid() != 0:
        return "this user is not root"
    if lacking := missing("pods"):
        names = ", ".join(sorted(lacking))
        return f"it lacks {names}: make machine, as root on a Debian, installs them"
    return _forbidden()


def _forbidden() -> str:
    """Return what the machine does not let anybody do, tried in namespaces that are gone afterwards."""
    tries = {
        "namespaces of mounts, networks and processes": "true",
        "network interfaces for Pods": "ip link add one0 type veth peer name two0",
        "mounts one over the other": "mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir a b c d"
        " && mount -t overlay -o lowerdir=a,upperdir=b,workdir=c overlay d",
        "control groups": "for d in /sys/fs/cgroup /sys/fs/cgroup/memory; do test -w $d && "
        "mkdir $d/orchestrator-try 2> /dev/null && rmdir $d/orchestrator-try && exit 0; done; exit 1",
    }
    for what, script in tries.items():
        words = ("unshare", "--mount", "--net", "--pid", "--fork", "sh", "-ec", script)
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            return f"it allows no {what}: {ended.stderr.strip()}"
    return ""
