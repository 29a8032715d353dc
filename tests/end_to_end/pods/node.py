"""A node that runs real Pods: containerd, runc and a kubelet, joined to a sandbox.

It has a network, mounts and processes of its own, all of which end with it, and nothing of the machine's is changed.
What is on the machine's loopback it reaches by ports that are passed on.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.sandbox import Sandbox
from tests.end_to_end.pods.image import PAUSE
from tests.end_to_end.pods.programs import kubelet_program

SERVICE: Final = "10.96.0.1"
"""The address of the node, and of the API server's Service."""

_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node: its folder, and the first of its processes."""

    folder: Path
    process: int
    closing: ExitStack

    def run(self, *words: str) -> str:
        """Run a program there, which has to succeed, and return what it said."""
        return _ended(*self._inside("--mount", "--pid"), *words)

    def take(self, archive: Path) -> None:
        """Take an image out of an archive, so that it need not be pulled."""
        self.run("ctr", "--namespace", "k8s.io", "images", "import", str(archive))

    def exec(self, container: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a container, as its user."""
        name = f"try-{os.urandom(4).hex()}"
        task = ("ctr", "--namespace", "k8s.io", "tasks", "exec", "--exec-id", name, container)
        inside = self._inside("--mount", "--pid")
        return subprocess.run((*inside, *task, *words), capture_output=True, text=True, check=False)

    def log(self, pod: str) -> str:
        """Return what the containers of a Pod have said so far."""
        files = sorted((self.folder / "logs").glob(f"*_{pod}_*/*/*.log"))
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def passes_on(self, port: int, to: int, *, host: str = SERVICE) -> None:
        """Have what is asked of a port of the node answered by one of the machine's loopback."""
        script = str(Path(__file__).with_name("ports.py"))
        words = (sys.executable, script, str(self.process), host, str(port), str(to))
        passing = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.closing.enter_context(passing)  # waits for it, and closes its pipe
        self.closing.callback(passing.terminate)
        assert passing.stdout
        assert passing.stdout.readline() == b"listens\n"

    def _inside(self, *spaces: str) -> tuple[str, ...]:
        return ("nsenter", f"--target={self.process}", "--net", *spaces, "--")


@contextmanager
def joined(sandbox: Sandbox) -> Iterator[Node]:
    """Have a node of the sandbox while the block lasts."""
    # The sockets in it have long names, for which there is room at the top only.
    with tempfile.TemporaryDirectory(prefix="node-") as name, ExitStack() as closing:
        folder = Path(name)
        _furnish(folder, sandbox)
        before = {*_groups()}
        words = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        script = str(Path(__file__).with_name("node.sh"))
        process = subprocess.Popen(
            (*words, "sh", script, str(folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        closing.callback(_remove_groups, before)
        closing.enter_context(process)  # waits for it, and closes its pipes
        closing.callback(process.kill)
        assert process.stdin and process.stdout  # noqa: PT018 - they are pipes
        assert process.stdout.readline() == b"ready\n"
        first = int(_ended("ps", "-o", "pid=", "--ppid", str(process.pid)))
        node = Node(folder=folder, process=first, closing=closing)
        port = int(sandbox.server.rpartition(":")[2])
        node.passes_on(port, port, host="127.0.0.1")
        node.passes_on(443, port)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        yield node


def _furnish(folder: Path, sandbox: Sandbox) -> None:
    for name in ("cni", "logs", "plugins"):
        (folder / name).mkdir()
    shutil.copy(kubelet_program(), folder / "kubelet")
    shutil.copy(sandbox.kubeconfig, folder / "kubeconfig")
    (folder / "containerd.toml").write_text(_containerd(folder), encoding="utf-8")
    for name, document in (
        ("kubelet.yaml", _kubelet(folder)),
        ("cni/pods.conflist", _network(folder)),
    ):
        (folder / name).write_text(json.dumps(document), encoding="utf-8")


def _containerd(folder: Path) -> str:
    plugin = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""
version = 2
root = "{folder}/containers"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "/run/containerd/containerd.sock"
[{plugin}]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
[{plugin}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{folder}/cni"
"""


def _kubelet(folder: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "enforceNodeAllocatable": [],
        "podLogsDir": f"{folder}/logs",
        "volumePluginDir": f"{folder}/plugins",
        "resolvConf": "",
        "syncFrequency": "5s",  # how soon a Secret that changed is in its Pods
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        # A machine on which other things run may be as full as it likes.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "nodefs.available": "0%",
            "imagefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
    }


def _network(folder: Path) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": "10.200.0.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{folder}/addresses",
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [{"type": "ptp", "ipam": addresses}],
    }


def _groups() -> Iterator[Path]:
    """Yield the control groups that kubelets make for Pods, those below others first."""
    for top in (*_CONTROL_GROUPS.glob("kubepods"), *_CONTROL_GROUPS.glob("*/kubepods")):
        below = [Path(path) for path, _, _ in os.walk(top)]
        yield from reversed(below)


def _remove_groups(before: set[Path]) -> None:
    for group in _groups():
        if group not in before:
            with suppress(OSError):
                group.rmdir()


def _ended(*words: str) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
    return ended.stdout.strip()
